"""The same answers twice within minutes, and the same message from many addresses."""

import hashlib
import json
import re
from datetime import timedelta

from django.db import connection
from django.db.models import Q

from leads.capture.envelopes import Submission
from leads.capture.mapping import Person
from leads.models import FormVersion, InboxItem

WINDOW = timedelta(minutes=10)
SAME_MESSAGE_WINDOW = timedelta(hours=24)
LONG_MESSAGE = 40  # shorter ones are alike by chance
COUNTED = 12
LIVE = (InboxItem.State.APPLIED, InboxItem.State.QUARANTINED)


def mark(
    item: InboxItem, submission: Submission, person: Person, version: FormVersion | None
) -> None:
    """Write on the item by what its like is found."""
    item.email = person.email.canonical[:254] if person.email else ""
    item.answers_hash = ""
    if version is not None and item.email and _is_clicked(item):
        answers = json.dumps(submission.values, sort_keys=True, default=str)
        item.answers_hash = _hash(f"{version.form_id} {item.email} {answers.casefold()}")
    plain = re.sub(r"[\W\d_]+", " ", person.message.casefold()).strip()
    item.message_hash = _hash(plain) if len(plain) >= LONG_MESSAGE else ""


def _is_clicked(item: InboxItem) -> bool:
    """It came from a browser, where people click twice; programs say so by an Idempotency-Key."""
    return not item.door.startswith("api:") or "Origin" in item.headers


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def twin_of(item: InboxItem) -> InboxItem | None:
    """The capture this one doubles: one form, one address, the same answers, within minutes.

    Two of them that are processed at the same moment wait for each other.
    """
    if not item.answers_hash:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [item.answers_hash])
    around = (item.received_at - WINDOW, item.received_at + WINDOW)
    twins = InboxItem.objects.filter(
        ~Q(pk=item.pk), answers_hash=item.answers_hash, state__in=LIVE, received_at__range=around
    )
    found: InboxItem | None = twins.defer("body").order_by("pk").first()
    return found


def addresses_with_message(item: InboxItem) -> int:
    """How many other addresses sent this long message within a day; counted up to `COUNTED`."""
    if not item.message_hash:
        return 0
    same = InboxItem.objects.filter(
        ~Q(email=item.email),
        ~Q(email=""),
        message_hash=item.message_hash,
        received_at__gt=item.received_at - SAME_MESSAGE_WINDOW,
    )
    return len(same.values_list("email", flat=True).distinct()[:COUNTED])
