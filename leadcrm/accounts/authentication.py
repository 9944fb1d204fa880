"""How programs and signed-in browsers prove who they are to the API."""

import hmac
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DRFSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from leadcrm.accounts.access import KeyPrincipal
from leadcrm.accounts.models import ApiKey
from leadcrm.lib.tokens import keyed_hash

SCHEME = "Bearer"
LAST_USED_GRAIN = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer lc_live_…`. The key becomes both `request.user` and `request.auth`.

    Keys in the query string are never read: they would end in logs.
    """

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        key = find_key(plain.strip())
        if key is None:
            raise AuthenticationFailed("This API key is unknown or was revoked. Check the key.")
        return KeyPrincipal(key), key

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


def find_key(plain: str) -> ApiKey | None:
    """The live key with this text; one look-up by prefix, then a comparison in constant time."""
    parts = plain.split("_", 3)
    if len(parts) != 4 or len(plain) > 100:
        return None
    key = (
        ApiKey.objects.select_related("user").filter(prefix=parts[2][:12], revoked_at=None).first()
    )
    if key is None or not hmac.compare_digest(key.key_hash, keyed_hash("api-key", plain)):
        return None
    if key.user is not None and not key.user.is_active:
        return None
    _touch(key)
    return key


def _touch(key: ApiKey) -> None:
    """Once a minute; what was read says mostly that there is nothing to write."""
    if key.last_used_at and abs(timezone.now() - key.last_used_at) < LAST_USED_GRAIN:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - LAST_USED_GRAIN)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())


class SessionAuthentication(DRFSessionAuthentication):
    """The signed-in browser, with CSRF enforced."""
