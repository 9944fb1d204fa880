"""A short way in for captures: strangers and programs need no session, no token and no messages.

Stands in MIDDLEWARE after what every answer needs (security headers, content policy). What it takes
goes straight to its view; everything else goes on as usual.
"""

from collections.abc import Callable
from functools import cached_property

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch, URLResolver, resolve
from django.urls.resolvers import RegexPattern

from leadcrm.lib.errors import DomainError
from leadcrm.lib.middleware import DomainErrorMiddleware
from leads import arrivals

GetResponse = Callable[[HttpRequest], HttpResponse]
API = "/api/v1/capture/"


class CaptureLane:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.refusals = DomainErrorMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and (is_capture(request) or is_adrift(request)):
            return self.direct(request)
        if request.method in {"GET", "HEAD"} and is_script(request):
            return self.direct(request)
        return self.get_response(request)

    @cached_property
    def doors(self) -> URLResolver:
        """The few public addresses: looking through all of the product's takes longer."""
        from leads.urls import public_urls  # views may be imported only when all apps are ready

        return URLResolver(RegexPattern(r"^/"), public_urls)

    def place_of(self, request: HttpRequest) -> ResolverMatch:
        try:
            return self.doors.resolve(request.path_info)
        except Http404:
            return resolve(request.path_info)

    def direct(self, request: HttpRequest) -> HttpResponse:
        match = self.place_of(request)
        request.resolver_match = match
        try:
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except DomainError as error:
            return self.refused(request, error)
        if not getattr(response, "xframe_options_exempt", False):
            response.setdefault("X-Frame-Options", "DENY")
        return response

    def refused(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        response: HttpResponseBase | None = self.refusals.process_exception(request, error)
        if not isinstance(response, HttpResponse):
            raise error
        return response


def is_adrift(request: HttpRequest) -> bool:
    """Somebody signed in posts to the API, and nobody can look up who: the database is away."""
    if request.path_info != API or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        arrivals.SHORE.check()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except arrivals.AWAY:
        arrivals.SHORE.lost()
        request.is_adrift = True  # type: ignore[attr-defined]
        return True
    return False


def is_capture(request: HttpRequest) -> bool:
    """Posts to forms, of visits, and to the API with a key; people signed in take the usual way."""
    path = request.path_info
    if path == API:
        return "HTTP_AUTHORIZATION" in request.META
    return path == "/t/" or (path.startswith("/f/") and path.endswith("/"))


def is_script(request: HttpRequest) -> bool:
    """What websites load: the same for everybody, so that any cache may keep it."""
    path = request.path_info
    return path == "/t.js" or (path.startswith("/f/") and path.endswith("/embed.js"))
