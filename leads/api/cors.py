"""Cross-origin calls from websites that hold a publishable key."""

from typing import TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from leadcrm.accounts.models import ApiKey
from leads.capture.lifeboat import AWAY

Response = TypeVar("Response", bound=HttpResponseBase)

ALLOWED_HEADERS = "authorization, content-type, idempotency-key"
EXPOSED_HEADERS = "Idempotent-Replayed, Retry-After, X-Request-ID"
PREFLIGHT_SECONDS = 600


def origin_of(request: HttpRequest) -> str:
    return request.headers.get("Origin", "").rstrip("/")


def allow(response: Response, origin: str) -> Response:
    """Let exactly this origin read the answer; never with cookies."""
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    patch_vary_headers(response, ["Origin"])
    return response


def preflight(request: HttpRequest, *, methods: str) -> HttpResponse:
    """A browser asks before it posts, without the key: the origin of any key will do."""
    origin = origin_of(request)
    response = HttpResponse(status=204)
    patch_vary_headers(response, ["Origin"])
    if not origin or not _is_registered(origin):
        return response
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return allow(response, origin)


def _is_registered(origin: str) -> bool:
    keys = ApiKey.objects.filter(kind=ApiKey.Kind.PUBLISHABLE, revoked_at=None)
    try:
        return keys.filter(origins__contains=[origin]).exists()
    except AWAY:  # who may post is judged when the database is back
        return True
