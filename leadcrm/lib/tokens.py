"""Identifiers and secrets that travel in URLs and headers."""

import base64
import hashlib
import hmac
import secrets

from django.conf import settings

# Crockford's base 32: no i, l, o, u, so that an id can be read aloud.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PUBLIC_ID_LENGTH = 12  # 60 bits


def new_public_id() -> str:
    """A random id that says nothing about how many there are."""
    # 32 letters: five bits of each random byte choose one, all alike.
    return "".join([ALPHABET[byte & 31] for byte in secrets.token_bytes(PUBLIC_ID_LENGTH)])


def new_secret() -> str:
    """43 URL-safe characters, 256 bits."""
    return secrets.token_urlsafe(32)


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA256 in hex. `purpose` keeps hashes for different uses apart."""
    key = f"leadcrm:{purpose}:{settings.SECRET_KEY}".encode()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def sign(purpose: str, value: str) -> str:
    """`value` with a MAC of 100 bits: short enough for a link, long enough not to be guessed."""
    return f"{value}.{_mac(purpose, value, settings.SECRET_KEY)}"


def unsign(purpose: str, token: str) -> str | None:
    """The value inside a token made by `sign`, or None when the token was tampered with."""
    value, _, mac = token.rpartition(".")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if value and any(hmac.compare_digest(mac, _mac(purpose, value, key)) for key in keys):
        return value
    return None


def _mac(purpose: str, value: str, key: str) -> str:
    digest = hmac.new(f"leadcrm:{purpose}:{key}".encode(), value.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest)[:20].decode().lower()
