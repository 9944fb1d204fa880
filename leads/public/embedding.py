"""A form on somebody else's page: the script that puts it there, and its colours."""

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads import themes
from leads.public.showing import find_form, version_of


@login_not_required
@require_GET
def embed_script(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts the form where the script stands, at the height it needs; always the present version."""
    form = find_form(slug)
    context: dict[str, Any] = {
        "address": json.dumps(request.build_absolute_uri(f"/f/{form.slug}/frame/")),
        "slug": json.dumps(form.slug),
        "title": json.dumps(form.name),
        "knows_visitors": json.dumps(not form.is_kiosk),
    }
    response = render(
        request, "leads/public/embed.js", context, content_type="text/javascript; charset=utf-8"
    )
    response["Cache-Control"] = "public, max-age=300"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@login_not_required
@require_GET
def theme_sheet(request: HttpRequest, slug: str) -> HttpResponse:
    """The form's own colours, as a file: its pages allow no style written into them."""
    form = find_form(slug)
    number = request.GET.get("v", "")
    version = form.versions.filter(number=number).first() if number.isdecimal() else None
    shown = version or version_of(form)
    sheet = themes.style_sheet(themes.theme_of(shown.settings.get("theme")) if shown else None)
    response = HttpResponse(sheet, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=86400" if version else "no-cache"
    return response
