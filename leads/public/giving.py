"""Fetching what a form gave: a page with a button, so that what a scanner opens is no download."""

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leadcrm.lib.errors import NotFound
from leads.actions import assets
from leads.models import Activity, Asset, AssetGrant
from leads.public.showing import is_themed
from leads.tracking.machines import is_crawler


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def asset_page(request: HttpRequest, token: str) -> HttpResponse:
    grant = assets.find_grant(token)
    if grant.expires_at <= timezone.now():
        return show(request, grant, status=410)
    if request.method != "POST":
        return show(request, grant)
    agent = request.headers.get("User-Agent", "")
    klass = Activity.Class.MACHINE if is_crawler(agent) else Activity.Class.HUMAN
    assets.count_download(grant, at=timezone.now(), klass=klass)
    return hand_over(request, grant)


def hand_over(request: HttpRequest, grant: AssetGrant) -> HttpResponse:
    asset = grant.asset
    if asset.kind == Asset.Kind.LINK:
        response: HttpResponse = HttpResponseRedirect(asset.url, status=303)
    elif asset.kind == Asset.Kind.COUPON:
        return show(request, grant, reveals=True)
    else:
        return send_file(asset)
    response["Referrer-Policy"] = "no-referrer"
    return response


def send_file(asset: Asset) -> HttpResponse:
    """As a download, whatever is in it: never shown as a page of ours."""
    try:
        file = asset.file.open("rb")
    except (FileNotFoundError, ValueError):
        raise NotFound from None
    response = FileResponse(
        file, as_attachment=True, filename=asset.filename, content_type=asset.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response  # type: ignore[return-value]


def show(
    request: HttpRequest, grant: AssetGrant, *, status: int = 200, reveals: bool = False
) -> HttpResponse:
    context = {
        "grant": grant,
        "asset": grant.asset,
        "crm_form": grant.version.form,
        "version": grant.version,
        "is_over": status == 410,
        "reveals": reveals,
        "themed": is_themed(grant.version),
    }
    response = render(request, "leads/public/asset.html", context, status=status)
    if grant.asset.kind == Asset.Kind.LINK:
        response._csp_replace = {"form-action": ["'self'", origin_of(grant.asset.url)]}  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    return response


def origin_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
