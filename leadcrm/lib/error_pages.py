"""What Django answers by itself: a page for people, a problem document for programs."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from leadcrm.lib import problems
from leadcrm.lib.errors import DomainError, NotFound


class ServerFault(DomainError):
    """A bug of ours; the request id leads to it in the logs."""

    code = "server_error"
    status = 500
    title = "Something went wrong on our side"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if problems.wants_json(request):
        return problems.response(NotFound())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if problems.wants_json(request):
        return problems.response(
            ServerFault("It was written down. Try again, and quote X-Request-ID if it stays.")
        )
    return defaults.server_error(request)
