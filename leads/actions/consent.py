"""What a lead allows, and addresses that must never be mailed."""

import hashlib
from datetime import datetime

from django.db import models, transaction
from django.db.models import Func, Value
from django.db.models.functions import Greatest

from leadcrm.eventlog.actions import publish
from leadcrm.lib.normalise import email as normal_email
from leadcrm.lib.tokens import keyed_hash
from leads.actions.activities import mark_dirty, record_activity
from leads.events import ConsentChanged
from leads.models import Consent, InboxItem, Lead, Suppression

# What the clock says at this very statement, not when the transaction began.
CLOCK = Func(function="clock_timestamp", output_field=models.DateTimeField())


def email_hash(address: str) -> str:
    """The keyed hash under which an address is suppressed; '' when it is no address."""
    email = normal_email(address)
    return keyed_hash("suppression", email.canonical) if email else ""


@transaction.atomic
def record_consent(
    lead_id: int,
    purpose: str,
    *,
    granted: bool,
    at: datetime,
    basis: str = Consent.Basis.CONSENT,
    wording: str = "",
    source: str = "",
    remote_address: str = "",
    inbox_item: InboxItem | None = None,
) -> Consent:
    """Add a receipt and tell the other apps.

    The lead row is locked first: the sender takes the same lock in share mode before it hands a
    message over, so no message starts after a withdrawal has committed.
    """
    Lead.objects.select_for_update(of=("self",), no_key=True).get(pk=lead_id)
    receipt = Consent.objects.create(
        lead_id=lead_id,
        purpose=purpose,
        granted=granted,
        basis=basis,
        wording=wording,
        wording_hash=hashlib.sha256(wording.encode()).hexdigest() if wording else "",
        source=source,
        remote_address=remote_address,
        inbox_item=inbox_item,
        at=at,
    )
    record_activity(
        lead_id,
        "consent_granted" if granted else "consent_withdrawn",
        at=at,
        properties={"purpose": purpose, "source": source},
    )
    publish(ConsentChanged(lead_id=lead_id, purpose=purpose, granted=granted), at=at)
    mark_dirty([lead_id])
    return receipt


@transaction.atomic
def suppress(
    address: str, *, reason: str, at: datetime, scope: str = "global", source: str = ""
) -> Suppression | None:
    """Never mail this address again for `scope`; None when it is no address."""
    hashed = email_hash(address)
    if not hashed:
        return None
    return suppress_hash(hashed, reason=reason, at=at, scope=scope, source=source)


def suppress_hash(
    hashed: str, *, reason: str, at: datetime, scope: str = "global", source: str = ""
) -> Suppression:
    """The same for an address of which only the hash is known, as after erasure.

    It counts from when it is written, not from an `at` before that: whoever waited for a lock
    meanwhile must not make a mail look late that was handed over first.
    """
    row, _ = Suppression.objects.get_or_create(
        email_hash=hashed,
        scope=scope,
        released_at=None,
        defaults={"reason": reason, "source": source, "created_at": Greatest(Value(at), CLOCK)},
    )
    return row


def release_suppression(address: str, *, at: datetime, scope: str = "global") -> bool:
    """Allow mail again: only for a fresh opt-in of the person, or by hand with a reason."""
    return bool(
        Suppression.objects.filter(
            email_hash=email_hash(address), scope=scope, released_at=None
        ).update(released_at=at)
    )


def release_hash(hashed: str, *, at: datetime, scope: str = "global") -> bool:
    """The person behind the address asks for mail again."""
    return bool(
        Suppression.objects.filter(email_hash=hashed, scope=scope, released_at=None).update(
            released_at=at
        )
    )
