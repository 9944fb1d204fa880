"""What every request gets: an id for the logs, safe headers, and refusals as pages or problems."""

import ipaddress
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control

from leadcrm.lib import memo, problems
from leadcrm.lib.errors import DomainError
from leadcrm.lib.toasts import toast

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestContextMiddleware:
    """Give the request an id, bind it to the logs, answer it back as X-Request-ID."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with memo.remembering():
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class SecurityHeadersMiddleware:
    """Headers that Django has no setting for; private pages are never stored by a browser."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and "Cache-Control" not in response:
            patch_cache_control(response, no_store=True, private=True)
        return response


class DomainErrorMiddleware:
    """Turn a refusal that no view caught into a page, a fragment or a problem document."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if not isinstance(error, DomainError):
            return None
        if problems.wants_json(request):
            return problems.response(error)
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=error.status, headers={"HX-Reswap": "none"})
            return toast(response, error.detail, tone="bad")
        return render(request, "refusal.html", {"error": error}, status=error.status)


def client_address(request: HttpRequest) -> str:
    """The client's address, believing `TRUSTED_PROXIES` hops of X-Forwarded-For and no more."""
    hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h.strip()]
    trusted = settings.TRUSTED_PROXIES
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return str(request.META.get("REMOTE_ADDR", ""))


def client_network(request: HttpRequest) -> str:
    """What limits count by: an IPv4 address, or the /64 of IPv6 that one subscriber has."""
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return text
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network(f"{address}/64", strict=False).network_address)
