from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from leadcrm.accounts.models import User


class UserTimeZoneMiddleware:
    """Show times in the reader's own zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            with timezone.override(request.user.zone):
                return self.get_response(request)
        return self.get_response(request)
