"""While a form is filled in: what was typed so far, if the form keeps it and the visitor allows."""

import json
from contextlib import suppress
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from leadcrm.lib import ratelimit
from leadcrm.lib.middleware import client_network
from leads import arrivals
from leads.capture import spam, unfinished
from leads.capture.envelopes import shown
from leads.models import FormVersion
from leads.public.counting import is_counted

MOST_BYTES = 60_000
PER_MINUTE = 40


@csrf_exempt
@login_not_required
@require_POST
def keep_answers(request: HttpRequest, slug: str) -> HttpResponse:
    """`{"at": the page's mark, "nonce", "answers": {…}, "last": key}`, or `"forget": true`.

    Always 204: what is not kept is nobody's business but the visitor's.
    """
    key = f"form-keep:{client_network(request)}"
    with suppress(*arrivals.AWAY):  # nothing was sent, so nothing was promised
        if is_counted(request) and ratelimit.hit(key, limit=PER_MINUTE, seconds=60).allowed:
            keep(request, slug)
    return HttpResponse(status=204)


def keep(request: HttpRequest, slug: str) -> None:
    said = document(request)
    version_id, opened = shown(str(said.get("at", "")))
    now = timezone.now()
    # The mark is rounded to tenths of a second.
    if not -1 <= now.timestamp() - opened <= spam.TOO_OLD_SECONDS:
        return
    versions = FormVersion.objects.select_related("form").filter(form__slug=slug)
    version = versions.filter(pk=version_id or 0).first()
    if version is None or not version.form.is_open(now):
        return
    nonce = str(said.get("nonce", ""))[:64]
    if said.get("forget") is True:
        unfinished.forget(version, nonce)
    elif not said.get("trap"):
        unfinished.keep(version, typed(request, said, nonce), at=now)


def document(request: HttpRequest) -> dict[str, Any]:
    try:
        said = json.loads(request.read(MOST_BYTES))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def typed(request: HttpRequest, said: dict[str, Any], nonce: str) -> unfinished.Typed:
    answers = said.get("answers")
    return unfinished.Typed(
        nonce=nonce,
        answers=answers if isinstance(answers, dict) else {},
        last=str(said.get("last", ""))[:40],
        context={name: str(said.get(name, ""))[:2000] for name in ("page", "ref", "visitor")},
        remote_address=arrivals.truncated_address(request),
    )
