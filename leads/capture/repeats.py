"""The same answers twice, and the same message from many addresses.

A form of ours carries a nonce: the same bytes are one post, however often they come. A form pasted
as plain HTML has none; there it counts who sent what: within ten minutes that is a second click
or a reload, within a day the same page sent again from a browser's history.
"""

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
PLAIN_WINDOW = timedelta(hours=24)  # of a form without a nonce
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
    who = _who(item, person)
    if version is not None and who and _is_clicked(item):
        answers = json.dumps(submission.values, sort_keys=True, default=str)
        item.answers_hash = _hash(f"{version.form_id} {who} {answers.casefold()}")
    plain = re.sub(r"[\W\d_]+", " ", person.message.casefold()).strip()
    item.message_hash = _hash(plain) if len(plain) >= LONG_MESSAGE else ""


def _who(item: InboxItem, person: Person) -> str:
    """An address, else a number; of who gives neither, the name, the browser and its network."""
    reach = item.email or str(person.contact.get("phone") or "")
    said = (person.contact.get("first_name"), person.contact.get("last_name"))
    seen = (item.remote_address, item.headers.get("User-Agent"))
    return reach or " ".join(str(each) for each in (*said, *seen) if each)


def _is_clicked(item: InboxItem) -> bool:
    """It came from a browser, where people click twice; programs say so by an Idempotency-Key."""
    return not item.door.startswith("api:") or "Origin" in item.headers


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def twin_of(item: InboxItem, *, has_nonce: bool) -> InboxItem | None:
    """The capture this one doubles: one form, one person, the same answers, a short time apart.

    Two of them that are processed at the same moment wait for each other.
    """
    if not item.answers_hash:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [item.answers_hash])
    window = WINDOW if has_nonce or not item.door.startswith("form:") else PLAIN_WINDOW
    around = (item.received_at - window, item.received_at + window)
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
