"""The websites that are tracked: making them, changing them, and what their servers may sign."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import F

from leadcrm.accounts.actions import create_api_key, revoke_api_key
from leadcrm.accounts.models import ApiKey, User
from leadcrm.lib import normalise
from leadcrm.lib.tokens import keyed_hash, sign, unsign
from leads.models import Lead, TrackedSite

SCOPES = ("capture:write", "tracking:write")
CLICK = "track-click"
CLICK_MINUTES = 30


@transaction.atomic
def add_site(name: str, *, origins: Sequence[str], created_by: User | None = None) -> TrackedSite:
    """A site with a publishable key of its own, good for captures too.

    :raises Invalid: no origin was named.
    """
    made = create_api_key(
        name=f"Website: {name}"[:80],
        scopes=SCOPES,
        publishable=True,
        origins=origins,
        created_by=created_by,
    )
    return TrackedSite.objects.create(name=name, api_key=made.key, key=made.plain)


@transaction.atomic
def change_origins(site: TrackedSite, origins: Sequence[str]) -> None:
    ApiKey.objects.filter(pk=site.api_key_id).update(origins=[o.rstrip("/") for o in origins])


def stop_site(site: TrackedSite, *, at: datetime) -> None:
    """Its key no longer works; what it sent stays."""
    revoke_api_key(site.api_key, at=at)


def renew_secret(site: TrackedSite) -> None:
    """What was signed with the old secret is believed no more."""
    TrackedSite.objects.filter(pk=site.pk).update(secret_number=F("secret_number") + 1)


# ---- who a site's server says is signed in ----


def secret_of(site: TrackedSite) -> str:
    """With which a site's server signs addresses; worked out anew each time, never stored."""
    return keyed_hash("identify", f"{site.pk}:{site.secret_number}")


def signature_of(site: TrackedSite, email: str) -> str:
    """HMAC-SHA256 of the address in lower case, in hex."""
    text = normalise.clean_text(email).lower().encode()
    return hmac.new(secret_of(site).encode(), text, sha256).hexdigest()


def is_signed(site: TrackedSite, email: str, signature: str) -> bool:
    given = signature.strip().lower().encode("utf-8", "replace")
    return hmac.compare_digest(given, signature_of(site, email).encode())


# ---- who followed a link in a mail ----


def click_token(lead: Lead, *, at: datetime) -> str:
    """Tells a site's script for some minutes who came from a mail. Names nobody to others."""
    return sign(CLICK, f"{lead.public_id}.{int(at.timestamp())}")


def read_click(token: str, *, at: datetime) -> str | None:
    """The public id of the lead in a token that is genuine and fresh."""
    public_id, _, seconds = (unsign(CLICK, token) or "").partition(".")
    fresh = seconds.isdigit() and 0 <= at.timestamp() - int(seconds) <= CLICK_MINUTES * 60 + 60
    return public_id if fresh else None
