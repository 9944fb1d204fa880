"""The addresses in a mail that lead back to us: clicks, opens, unsubscribing, preferences.

Tokens are opaque and signed. A click's target is a row, so no token can lead anywhere else. The
unsubscribe token carries the keyed hash of the address: it works for a lead that was merged or
erased since, and it never expires.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from psycopg2.extras import execute_values

from leadcrm.lib.tokens import keyed_hash, sign, unsign

CLICK, OPEN, UNSUBSCRIBE = "mail-click", "mail-open", "mail-unsubscribe"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an unsubscribe link speaks for."""

    send_public_id: str
    email_hash: str


def unsubscribe_token(recipient: Recipient) -> str:
    raw = base64.urlsafe_b64encode(bytes.fromhex(recipient.email_hash)).decode().rstrip("=")
    return sign(UNSUBSCRIBE, f"{recipient.send_public_id}.{raw}")


def read_unsubscribe(token: str) -> Recipient | None:
    public_id, _, raw = (unsign(UNSUBSCRIBE, token) or "").partition(".")
    if not raw:
        return None
    return Recipient(public_id, base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).hex())


def unsubscribe_url(recipient: Recipient) -> str:
    return f"{settings.SITE_URL}/e/u/{unsubscribe_token(recipient)}"


def preferences_url(recipient: Recipient) -> str:
    return f"{settings.SITE_URL}/e/p/{unsubscribe_token(recipient)}"


def links_for(recipient: Recipient) -> dict[str, str]:
    return {
        "unsubscribe": unsubscribe_url(recipient),
        "preferences": preferences_url(recipient),
    }


def click_url(send_public_id: str, link_id: int) -> str:
    return f"{settings.SITE_URL}/e/c/{sign(CLICK, f'{send_public_id}.{link_id}')}"


def read_click(token: str) -> tuple[str, int] | None:
    """The send's public id and the link's id."""
    public_id, _, link_id = (unsign(CLICK, token) or "").partition(".")
    return (public_id, int(link_id)) if link_id else None


def open_url(send_public_id: str) -> str:
    return f"{settings.SITE_URL}/e/o/{sign(OPEN, send_public_id)}"


def read_open(token: str) -> str | None:
    return unsign(OPEN, token)


def is_ours(url: str) -> bool:
    """Unsubscribe and preference links are not wrapped: they must work without a detour."""
    return url.startswith((f"{settings.SITE_URL}/e/u/", f"{settings.SITE_URL}/e/p/"))


def ensure_links(urls: Iterable[str]) -> dict[str, int]:
    """The ids of these addresses; new ones are stored. One statement for all."""
    hashes = {keyed_hash("link", url): url for url in set(urls)}
    if not hashes:
        return {}
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO nurturing_link (url, url_hash) VALUES %s "
            "ON CONFLICT (url_hash) DO NOTHING",
            sorted((url, hashed) for hashed, url in hashes.items()),
            template="(%s, %s)",
            page_size=len(hashes),
        )
        cursor.execute(
            "SELECT url, id FROM nurturing_link WHERE url_hash = ANY(%s)", [list(hashes)]
        )
        return dict(cursor.fetchall())
