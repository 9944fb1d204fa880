"""Who may come in: decorators for pages. Records are guarded by `visible_to`, not here."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponseBase

from leadcrm.accounts.models import User

View = Callable[..., HttpResponseBase]


def user_of(request: HttpRequest) -> User:
    """The signed-in person; LoginRequiredMiddleware has let nobody else in."""
    return cast(User, request.user)


def role_required(*roles: str) -> Callable[[View], View]:
    """Only these roles, and administrators; to others the page does not exist."""

    def decorate(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not user_of(request).has_role(*roles):
                raise Http404("There is nothing here, or you may not see it.")
            return view(request, *args, **kwargs)

        return door

    return decorate


admin_required = role_required()
