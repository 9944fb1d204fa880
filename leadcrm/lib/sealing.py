"""Secrets that must be read again, such as the token for somebody else's API: kept encrypted.

A copy of the database tells nothing without `SECRET_KEY`. After that key has changed, what was
sealed under one of `SECRET_KEY_FALLBACKS` still opens.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(plain: str) -> str:
    return _box().encrypt(plain.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret, or an empty string when no key of today opens it."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        return ""


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_fernet_key(key)) for key in keys])


def _fernet_key(secret_key: str) -> bytes:
    digest = hashlib.sha256(f"leadcrm:sealed:{secret_key}".encode()).digest()
    return base64.urlsafe_b64encode(digest)
