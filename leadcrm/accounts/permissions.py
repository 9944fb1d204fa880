"""What a request to the API may do: scopes for keys, roles for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from leadcrm.accounts.models import ApiKey, User
from leadcrm.lib import ratelimit

if TYPE_CHECKING:  # importing it would be circular: it loads this module as a default
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """The default for every endpoint: closed unless the view says what it needs.

    A view declares `scope = "leads"`; reading needs `leads:read`, anything else `leads:write`
    (or exactly `scope` when it contains a colon). For people, signed in or through a key of theirs,
    `roles` (any of them) and `write_roles` narrow who may; without them every role may.
    """

    message = "Your key lacks the scope for this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope: str | None = getattr(view, "scope", None)
        if scope is None:
            return False
        if isinstance(request.auth, ApiKey):
            owner = request.auth.user
            return self._key_may(request.auth, request, scope) and (
                owner is None or self._user_may(owner, request, view)
            )
        return isinstance(request.user, User) and self._user_may(request.user, request, view)

    def _key_may(self, key: ApiKey, request: Request, scope: str) -> bool:
        if ":" not in scope:
            scope += ":read" if request.method in SAFE_METHODS else ":write"
        self.message = f"This key lacks the scope “{scope}”."
        if key.kind == ApiKey.Kind.PUBLISHABLE and not origin_allowed(key, request):
            self.message = "This publishable key may not be used from this site."
            return False
        return scope in key.scopes

    def _user_may(self, user: User, request: Request, view: APIView) -> bool:
        self.message = "Your role does not allow this."
        roles: Any = getattr(view, "roles", None)
        if request.method not in SAFE_METHODS:
            roles = getattr(view, "write_roles", None) or roles
        return user.is_active and (roles is None or user.has_role(*roles))


def origin_allowed(key: ApiKey, request: Request) -> bool:
    """Browsers always send Origin on a cross-site post; a publishable key works nowhere else."""
    return request.headers.get("Origin", "").rstrip("/") in key.origins


class ApiRateThrottle(BaseThrottle):
    """So many requests a minute for each key or person; open when nothing can be counted."""

    def __init__(self) -> None:
        self.retry_after: int | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        who = request.auth.prefix if isinstance(request.auth, ApiKey) else request.user.pk
        verdict = ratelimit.hit(f"api:{who}", limit=settings.API_RATE_PER_MINUTE, seconds=60)
        self.retry_after = verdict.retry_after
        return verdict.allowed

    def wait(self) -> float | None:
        return self.retry_after
