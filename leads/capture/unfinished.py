"""What was typed into a form and not sent: kept while the visitor may go on, then shown or a lead.

Only where the form says so, on a page that tells of it, and only once visitors have named
themselves. Boxes of consent are never kept: they count when they are sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.lib import normalise, pump
from leadcrm.lib.errors import Conflict
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.tokens import keyed_hash
from leads import questions
from leads.actions.consent import email_hash
from leads.capture.mapping import Person, as_list, person_of
from leads.capture.storing import QUEUE as CAPTURES
from leads.capture.storing import Arrival, store
from leads.models import FormVersion, InboxItem, Suppression, Unfinished

QUEUE = "unfinished"
FLAG = "unfinished"  # of the capture that is made of it
SHOW, LEAD = "show", "lead"  # what a form does with it
DAYS = 14
QUIET_SECONDS = 3600.0  # after so long nobody goes on
MOST_CHARACTERS = 2000
MOST_CHOICES = 50
BATCH = 500
UNKEPT = ("consent",)
State = Unfinished.State


class NotAllowed(Conflict):
    code = "form_follows_nobody"

    def __init__(self) -> None:
        super().__init__(
            "The form promised not to make a lead of what is not sent. You may only look at it."
        )


# ---- what the form says ----


def mode_of(version: FormVersion) -> str:
    """`show`, `lead`, or an empty text where nothing is kept. Kiosks serve many people."""
    return "" if version.form.is_kiosk else str(version.settings.get("keep") or "")


def days_of(version: FormVersion) -> int:
    return int(version.settings.get("keep_days") or DAYS)


def notice_of(version: FormVersion) -> str:
    """What stands on the page before anything is kept."""
    own = str(version.settings.get("keep_words") or "").strip()
    if own or not mode_of(version):
        return own if mode_of(version) else ""
    kept = f"We keep what you type for {days_of(version)} days, also if you do not send it"
    if mode_of(version) == LEAD:
        return f"{kept}, and may contact you about it."
    return f"{kept}, to see where this form is hard. We do not contact you about it."


# ---- keeping ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How far a visitor came. `nonce` names the visit; it travels with the page."""

    nonce: str
    answers: Mapping[str, Any]
    last: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    remote_address: str = ""


def visit_of(form_id: int, nonce: str) -> str:
    return keyed_hash("unfinished-form", f"{form_id}:{nonce}")


@transaction.atomic
def keep(version: FormVersion, typed: Typed, *, at: datetime) -> Unfinished | None:
    """Write down what was typed so far; None where the form or the visitor does not allow it."""
    answers = kept_answers(version, typed.answers)
    person = person_in(version, answers)
    if not mode_of(version) or not typed.nonce or not is_named(person):
        return None
    values: dict[str, Any] = {
        "version": version,
        "answers": answers,
        "context": {name: clean_text(text, limit=2000) for name, text in typed.context.items()},
        "email": person.email.canonical[:254] if person.email else "",
        "last_field": typed.last if questions.find(version.fields, typed.last) else "",
        "remote_address": typed.remote_address,
        "state": State.OPEN,
        "seen_at": at,
        "expires_at": at + timedelta(days=days_of(version)),
        "due_at": pump.after(QUIET_SECONDS),
        "lease_token": None,
        "attempts": 0,
    }
    visit = visit_of(version.form_id, typed.nonce)
    row, is_new = Unfinished.objects.get_or_create(visit=visit, defaults=values)
    if not is_new:
        Unfinished.objects.filter(pk=row.pk).exclude(state=State.LEAD).update(**values)
    return row


def kept_answers(version: FormVersion, said: Mapping[str, Any]) -> dict[str, Any]:
    """Only what the form asks, cleaned; nothing empty."""
    asked = (q for q in questions.asked(version.fields) if q.get("type") not in UNKEPT)
    keys = {questions.key_of(question) for question in asked}
    cleaned = {key: _cleaned(value) for key, value in said.items() if key in keys}
    return {key: value for key, value in cleaned.items() if value}


def _cleaned(value: Any) -> Any:
    texts = [clean_text(str(each), limit=MOST_CHARACTERS) for each in as_list(value)[:MOST_CHOICES]]
    kept = [text for text in texts if text]
    return kept if isinstance(value, list) else "".join(kept)


def person_in(version: FormVersion, answers: Mapping[str, Any]) -> Person:
    asked = {questions.key_of(question): dict(question) for question in version.fields}
    return person_of(answers, asked)


def is_named(person: Person) -> bool:
    """By an address or a number that can be one."""
    phone = str(person.contact.get("phone") or "")
    return person.email is not None or normalise.phone(phone) is not None


def forget(version: FormVersion, nonce: str) -> int:
    """The visitor wants it gone."""
    visit = visit_of(version.form_id, nonce)
    return Unfinished.objects.filter(visit=visit).exclude(state=State.LEAD).delete()[0]


def close(version: FormVersion | None, nonce: str) -> None:
    """It was sent after all."""
    if version is not None and nonce and mode_of(version):
        forget(version, nonce)


# ---- when nobody goes on ----


def drain(*, limit: int = 20) -> int:
    """Settle those that went quiet, and delete what is old; return how many were taken."""
    deleted = forget_old()
    claim = pump.claim(Unfinished, limit=limit)
    for row in claim.items:
        settle(row.pk, claim)
    return len(claim.items) + deleted


def forget_old() -> int:
    old = Unfinished.objects.filter(expires_at__lte=Now()).values("pk")[:BATCH]
    return Unfinished.objects.filter(pk__in=old).delete()[0]


@transaction.atomic
def settle(row_id: int, claim: pump.Claim[Unfinished]) -> None:
    """A lead where the form says so, else only something to look at.

    Whoever went on typing since it was claimed has time again.
    """
    rows = Unfinished.objects.select_for_update(of=("self",))
    row = rows.filter(pk=row_id, lease_token=claim.token).first()
    if row is None:
        return
    version = FormVersion.objects.select_related("form").get(pk=row.version_id)
    if was_sent(row, version):
        row.delete()
        return
    follows = may_follow(row, version)
    item = store_as_capture(row, version, at=timezone.now()) if follows else None
    changes = {"state": State.LEAD, "inbox_item": item} if item else {"state": State.STOPPED}
    pump.finish(Unfinished, [row.pk], token=claim.token, **changes)


def was_sent(row: Unfinished, version: FormVersion) -> bool:
    """By the same person, in whatever tab. A form that is reloaded has another nonce."""
    if not row.email:
        return False
    since = InboxItem.objects.filter(email=row.email, received_at__gte=row.started_at)
    return bool(since.filter(form_version__form=version.form_id).exists())


def may_follow(row: Unfinished, version: FormVersion) -> bool:
    """The form says so, it needs no confirmation first, and the address may be written to."""
    if mode_of(version) != LEAD or version.settings.get("confirm") == LEAD:
        return False
    stops = Suppression.objects.filter(email_hash=email_hash(row.email), released_at=None)
    return not (row.email and stops.exists())


def store_as_capture(row: Unfinished, version: FormVersion, *, at: datetime) -> InboxItem:
    """Raw first like any other: it is judged for spam, and waits where others wait."""
    ours = {f"lc_{name}": value for name, value in row.context.items() if value}
    arrival = Arrival(
        door=f"form:{version.form_id}",
        body=urlencode({**row.answers, **ours}, doseq=True).encode(),
        content_type="application/x-www-form-urlencoded; charset=utf-8",
        path=f"/f/{version.form.slug}/keep/",
        remote_address=row.remote_address,
        source_id=version.form.source_id,
        form_version_id=version.pk,
        idempotency_key=f"unfinished:{row.visit}",
        flags=[FLAG],
    )
    stored = store(arrival, at=at)
    pump.wake(CAPTURES)
    return stored.item


# ---- by a person ----


@transaction.atomic
def make_lead(row_id: int, *, at: datetime) -> InboxItem:
    """Before the hour is over, or where it was left lying.

    :raises NotAllowed: the page on which it was typed promised otherwise.
    """
    row = Unfinished.objects.select_for_update(of=("self",)).get(pk=row_id)
    version = FormVersion.objects.select_related("form").get(pk=row.version_id)
    if not may_follow(row, version):
        raise NotAllowed
    item = store_as_capture(row, version, at=at)
    Unfinished.objects.filter(pk=row.pk).update(
        state=State.LEAD, inbox_item=item, due_at=None, lease_token=None
    )
    return item


def discard(row_id: int) -> None:
    Unfinished.objects.filter(pk=row_id).delete()
