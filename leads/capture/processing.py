"""From a stored capture to a lead. Idempotent for each item, in one transaction of its own."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from leadcrm.lib import pump, ratelimit
from leadcrm.lib.errors import FieldError
from leadcrm.lib.tokens import keyed_hash
from leads.actions import ContactFields, record_consent
from leads.actions.confirming import CONFIRMED
from leads.actions.inquiries import (
    NewInquiry,
    add_inquiry,
    add_touch,
    complete_lead,
    take_in,
)
from leads.actions.knowing import external_id, match_shape, propose, recognise
from leads.actions.leads import clean_fields
from leads.actions.uniques import free
from leads.capture import corrections, formal, proof, repeats, spam, unfinished
from leads.capture.envelopes import Consented, Submission
from leads.capture.mapping import Person, person_of
from leads.capture.origin import origin_of
from leads.capture.parsing import Unreadable
from leads.fields import records
from leads.matching import Match, Reason, Verdict
from leads.models import Consent, Form, FormVersion, InboxItem, Inquiry, Source
from leads.tracking.visits import with_visit

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
OLDEST_SUBMISSION = timedelta(days=30)
API_SOURCE = "api"
State = InboxItem.State


class LostLease(Exception):
    """Another worker took the item over; this one's writes are rolled back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item was settled, with the reason a person reads."""

    state: str
    code: str = ""
    reason: str = ""
    lead_id: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The source and form a capture belongs to."""

    source: Source
    version: FormVersion | None = None

    @property
    def form(self) -> Form | None:
        return self.version.form if self.version else None

    @property
    def words(self) -> str:
        """“Book a demo”, version 3: how a page names it."""
        version = self.version
        return f"“{version.form}”, version {version.number}" if version else f"“{self.source}”"

    @property
    def questions(self) -> dict[str, dict[str, Any]]:
        fields = self.version.fields if self.version else []
        return {str(field.get("key")): field for field in fields}


def drain(*, limit: int = 20) -> int:
    """Process one batch of waiting captures; return how many were taken."""
    claim = pump.claim(InboxItem, limit=limit)
    for item in pump.waking_once(claim.items):
        process(item, token=claim.token)
    return len(claim.items)


def process(
    item: InboxItem, *, token: uuid.UUID, submission: Submission | None = None
) -> Outcome | None:
    """Settle an item claimed under `token`; None when it is to be tried again or was taken over.

    :param submission: the body as the door has read it already.
    """
    try:
        with transaction.atomic():
            outcome = _settle(item, submission)
            changes = _changes(item, outcome)
            if not pump.finish(InboxItem, [item.pk], token=token, **changes):
                raise LostLease
    except LostLease:
        return None
    except Exception as error:
        logger.exception("capture_failed", item=item.pk)
        return _record_failure(item, token, error)
    for name, value in changes.items():
        setattr(item, name, value)
    return outcome


def _changes(item: InboxItem, outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
        "reason_code": outcome.code,
        "reason": outcome.reason,
        "lead_id": outcome.lead_id,
        "source_id": item.source_id,
        "form_version_id": item.form_version_id,
        "is_test": item.is_test,
        "progress": item.progress,
        "email": item.email,
        "answers_hash": item.answers_hash,
        "message_hash": item.message_hash,
        "screened": item.screened,
        "settled_at": datetime.now(UTC),
    }


def _record_failure(item: InboxItem, token: uuid.UUID, error: Exception) -> Outcome | None:
    reason = f"{type(error).__name__} while processing. Try again, or report it with the receipt."
    if item.attempts < MAX_ATTEMPTS:
        seconds = pump.retry_seconds(item.attempts)
        pump.postpone(
            InboxItem,
            item.pk,
            token=token,
            seconds=seconds,
            reason_code="retrying",
            reason=reason,
            progress=item.progress,
        )
        return None
    outcome = Outcome(State.FAILED, "error", reason)
    pump.finish(
        InboxItem,
        [item.pk],
        token=token,
        state=outcome.state,
        reason_code=outcome.code,
        reason=reason,
        progress=item.progress,
        settled_at=datetime.now(UTC),
    )
    item.state, item.reason = outcome.state, reason
    return outcome


def set_aside(item: InboxItem, problem: Unreadable) -> None:
    """Keep for a person what its sender was told to correct.

    Its idempotency key becomes free, so that the corrected body may carry it.
    """
    item.state, item.reason = State.NEEDS_REVIEW, problem.detail
    item.email = address_in(item)
    InboxItem.objects.filter(pk=item.pk, state=State.RECEIVED).update(
        state=item.state,
        reason_code=problem.errors[0].code,
        reason=item.reason,
        email=item.email,
        idempotency_key=None,
        due_at=None,
        lease_token=None,
        settled_at=Now(),
    )


def address_in(item: InboxItem) -> str:
    """So that a person finds it who looks for whom it is from."""
    try:
        person = person_of(corrections.understood(item).values, {})
    except Unreadable:
        return ""
    return person.email.canonical[:254] if person.email else ""


# ---- judging ----


def _settle(item: InboxItem, submission: Submission | None) -> Outcome:
    done = Inquiry.objects.filter(inbox_item=item).values_list("lead_id", flat=True).first()
    if done is not None:
        return Outcome(State.APPLIED, lead_id=done)
    item.progress = []
    try:
        submission = submission or corrections.understood(item)
        place = place_of(item, submission)
    except Unreadable as problem:
        return Outcome(State.NEEDS_REVIEW, problem.errors[0].code, problem.detail)
    item.source_id, item.is_test = place.source.pk, submission.is_test
    item.form_version_id = place.version.pk if place.version else None
    if submission.instead is not None and (settled := submission.instead(item)) is not None:
        return settled
    unfinished.close(place.version, submission.nonce)
    if unfinished.FLAG in item.flags:
        submission.context["unfinished"] = True
    questions = {**place.questions, **submission.questions}
    formal.read_boxes(submission, place.version)
    person = person_of(submission.values, corrections.questions_of(item, questions))
    formal.name_by_link(person, submission, at=item.received_at)
    _step(item, "parsed", f"{_counted(len(submission.values))} to {place.words}")
    repeats.mark(item, submission, person, place.version)
    return (
        _doubled(item, submission)
        or _refusal(item, submission, place, person)
        or _held(item, submission, place, person)
        or _apply(item, submission, place, person)
    )


def _step(item: InboxItem, step: str, words: str) -> None:
    """What was reached, for the item's page: received → parsed → matched → applied."""
    item.progress.append({"step": step, "words": words})


def _counted(answers: int) -> str:
    return "1 answer" if answers == 1 else f"{answers:,} answers"


def _doubled(item: InboxItem, submission: Submission) -> Outcome | None:
    """A second click: its body is kept, the first one counts."""
    twin = repeats.twin_of(item, has_nonce=bool(submission.nonce))
    if twin is None:
        return None
    apart = abs(item.received_at - twin.received_at)
    span = "ten minutes" if apart <= repeats.WINDOW else "a day"
    words = f"The same answers came within {span} as {twin.receipt_id}, which counts."
    return Outcome(State.REJECTED, "double_submit", words, twin.lead_id)


def place_of(item: InboxItem, submission: Submission) -> Place:
    """The form or source that the item or the body names.

    :raises Unreadable: naming one that is not there.
    """
    if item.form_version_id is not None:
        version = _version_shown(item.form_version_id, submission.version_id)
        return Place(version.form.source, version)
    if submission.form:
        return _place_of_form(submission.form)
    if item.source is not None and not submission.source:
        return Place(item.source)
    return Place(source_of(submission.source))


def _version_shown(stored_id: int, shown_id: int | None) -> FormVersion:
    """The one the visitor saw, if it is of the same form: its words are what was agreed to."""
    versions = FormVersion.objects.select_related("form__source")
    stored = versions.get(pk=stored_id)
    if shown_id is None or shown_id == stored_id:
        return stored
    return versions.filter(pk=shown_id, form=stored.form_id).first() or stored


def _place_of_form(slug: str) -> Place:
    form = forms_with_version().filter(slug=slug).first()
    if form is None:
        raise Unreadable(_unknown("form", slug, Form.objects.values_list("slug", flat=True)))
    version = form.published or form.versions.order_by("-number").first()
    if version is not None:
        version.form = form
    return Place(form.source, version)


def forms_with_version() -> QuerySet[Form]:
    return Form.objects.select_related("source", "published")


def source_of(key: str) -> Source:
    if not key:
        source, _ = Source.objects.get_or_create(key=API_SOURCE, defaults={"name": "API"})
        return source
    found = Source.objects.filter(key=key).first()
    if found is None:
        raise Unreadable(_unknown("source", key, Source.objects.values_list("key", flat=True)))
    return found


def _unknown(name: str, given: str, known: QuerySet[Any, str]) -> FieldError:
    names = ", ".join(sorted(known)[:20]) or "none yet"
    message = f"There is no {name} “{given[:60]}”. Choose from: {names}."
    return FieldError(name, message, "unknown")


def _refusal(
    item: InboxItem, submission: Submission, place: Place, person: Person
) -> Outcome | None:
    """Why a person must look at this first; None when nothing speaks against it."""
    case = _case(item, submission, place, person)
    against = spam.signs(case)
    if against and spam.score(against) >= case.policy.threshold:
        words = " ".join(sign.words for sign in against)
        return Outcome(State.QUARANTINED, max(against, key=lambda s: s.points).code, words)
    closed = place.form is not None and not place.form.is_open(item.received_at)
    if closed and not {spam.RELEASED, CONFIRMED} & set(item.flags):
        words = "The form was not published when this arrived."
        return Outcome(State.NEEDS_REVIEW, "form_unpublished", words)
    if not person.is_known_somehow:
        said = f"“{person.bad_email}” is not an e-mail address. " if person.bad_email else ""
        words = f"{said}There is no e-mail address, phone number or name in it."
        return Outcome(State.NEEDS_REVIEW, "nobody", words)
    return None


def _held(item: InboxItem, submission: Submission, place: Place, person: Person) -> Outcome | None:
    words = formal.hold(item, submission, place.version, person)
    return Outcome(State.REJECTED, "unconfirmed", words) if words else None


def _case(item: InboxItem, submission: Submission, place: Place, person: Person) -> spam.Case:
    received, form = item.received_at.timestamp(), place.form
    mode = form.proof if form else "off"
    version = place.version
    asked = [str(question.get("label")) for question in version.fields] if version else []
    return spam.Case(
        submission=submission,
        flags=[*item.flags, *_email_flags(item, person)],
        received=received,
        person=person,
        policy=proof.policy(),
        questions=" ".join([version.title, version.intro, *asked]) if version else "",
        proof=proof.verify(submission.proof, form=form.slug, at=received, user=str(item.receipt_id))
        if form and mode != "off"
        else None,
        proof_is_strict=mode == "always",
        others=repeats.addresses_with_message(item),
        # A page of ours proves itself by its signed mark, at whatever host it was opened.
        origin="" if form is None or submission.rendered_at else _strange_origin(item, form),
    )


def _strange_origin(item: InboxItem, form: Form) -> str:
    origin = str(item.headers.get("Origin", "")).lower()
    known = {*form.allowed_origins, settings.SITE_URL.rstrip("/").lower()}
    is_named = bool(form.allowed_origins) and origin not in {"", "null"}
    return origin if is_named and origin not in known and item.door.startswith("form:") else ""


def _email_flags(item: InboxItem, person: Person) -> list[str]:
    if person.email is None or spam.TRUSTED in item.flags:
        return []
    hashed = keyed_hash("rate", person.email.canonical)[:24]  # no addresses in Valkey
    verdict = ratelimit.hit(f"capture-email:{hashed}", limit=5, seconds=600)
    item.screened = item.screened and verdict.screened
    return [] if verdict.allowed else ["rate_email"]


# ---- applying ----


def _apply(item: InboxItem, submission: Submission, place: Place, person: Person) -> Outcome:
    at = _received(item)
    person.contact = cast(ContactFields, clean_fields(person.contact))
    unread = _read_own_fields(person)
    external = external_id(place.source.key, person.external_id)
    found = _recognised(person, place, at=at, is_test=submission.is_test, external=external)
    lead_id, said = found.lead_id, {}
    if not found.is_new or found.held_back:
        known = complete_lead(lead_id, person.contact, person.custom, at=at, external=external)
        lead_id, said = known.lead_id, known.said
    match = match_shape(found.match)
    _step(item, "matched", _words_of(match))
    withheld = formal.withhold(item, submission, place.version, person)
    context = _context(submission, person, said, match) | unread
    inquiry = add_inquiry(
        lead_id,
        NewInquiry(
            item=item,
            received_at=at,
            occurred_at=_occurred(submission, at),
            source=place.source,
            form_version=place.version,
            fields=_kept(submission.values, person),
            context=context,
            match=match,
            message=person.message,
            activity=_activity(item, place),
            is_test=submission.is_test,
            channel=item.door.partition(":")[0],
        ),
        is_new=found.is_new,
    )
    if not submission.is_test:
        propose(lead_id, said, at=at, inquiry=inquiry)
    _add_touch(inquiry, submission, place)
    for purpose, given in submission.consent.items():
        _add_consent(inquiry, purpose, given, place)
    formal.follow(
        item,
        submission,
        place.version,
        person,
        lead_id,
        source=place.source,
        withheld=withheld,
        at=at,
    )
    if submission.again:
        _close_earlier_try(item, submission.again)
    _step(item, "applied", "Part of the lead’s story")
    return Outcome(State.APPLIED, lead_id=lead_id)


def _activity(item: InboxItem, place: Place) -> str:
    if unfinished.FLAG in item.flags:
        return "form_unfinished"
    return place.form.kind if place.form else Form.Kind.CONTACT


def _read_own_fields(person: Person) -> dict[str, Any]:
    """Type the answers that fill custom fields; what no field can hold stays with the inquiry."""
    found = records.sort_out(person.custom)
    person.custom = {key: value for key, value in found.values.items() if value is not None}
    unread = [
        {"field": problem.errors[0].field, "value": found.unread[key], "why": problem.message}
        for key, problem in zip(found.unread, found.bad, strict=True)
    ]
    return {"unread": unread} if unread else {}


def _close_earlier_try(item: InboxItem, receipt_id: str) -> None:
    """The visitor corrected what was sent back: nobody need look at the first try."""
    InboxItem.objects.filter(
        receipt_id=receipt_id, door=item.door, state=State.NEEDS_REVIEW, reason_code="incomplete"
    ).update(
        state=State.REJECTED,
        reason_code="corrected",
        reason=f"The visitor corrected it and sent it again as {item.receipt_id}.",
    )


def _received(item: InboxItem) -> datetime:
    """What waited in quarantine begins when a person let it go: the response clock is fair."""
    waited = {spam.RELEASED, CONFIRMED} & set(item.flags)
    return datetime.now(UTC) if waited else item.received_at


def _occurred(submission: Submission, received: datetime) -> datetime:
    said = submission.submitted_at
    if said is None or not received - OLDEST_SUBMISSION <= said <= received:
        return received
    return said


@dataclass(frozen=True, slots=True)
class Recognised:
    lead_id: int
    is_new: bool
    match: Match
    held_back: bool = False  # a value of which there may be one, and another lead has it


def _recognised(
    person: Person, place: Place, *, at: datetime, is_test: bool, external: str
) -> Recognised:
    email = person.email.canonical if person.email else ""
    found = recognise(person.contact, email=email, external=external)
    if found.lead_id is not None:
        return Recognised(found.lead_id, is_new=False, match=found)
    contact = person.contact.copy()
    if person.custom:
        contact["custom"] = free(person.custom)
    lead_id, is_new = take_in(
        contact, source=place.source, at=at, is_test=is_test, external=external
    )
    if not is_new:
        reason = Reason("same_moment", "Captured a moment before under the same address or id")
        found = Match(Verdict.SAME, lead_id, (reason,))
    held_back = len(contact.get("custom", {})) < len(person.custom)
    return Recognised(lead_id, is_new=is_new, match=found, held_back=held_back)


def _words_of(match: Mapping[str, Any]) -> str:
    lead = {"same": "A lead that was known", "suggest": "A new lead, perhaps a known person"}
    reasons = ", ".join(reason["words"].lower() for reason in match["reasons"])
    return f"{lead.get(match['verdict'], 'A new lead')}: {reasons}"


def _kept(values: Mapping[str, Any], person: Person) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if key != "bant"}
    return {**kept, "bant": person.bant} if person.bant else kept


def _context(
    submission: Submission, person: Person, conflicts: Mapping[str, Any], match: Mapping[str, Any]
) -> dict[str, Any]:
    """What came with the answers, and what a person should know about how they were read."""
    extra: dict[str, Any] = {
        "conflicts": dict(conflicts),
        "bad_email": person.bad_email,
        "same_phone": [r["lead"] for r in match["reasons"] if "phone" in r["code"] and "lead" in r],
        "notes": submission.notes,
        "submitted_at": submission.submitted_at.isoformat() if submission.submitted_at else "",
        "consent": {purpose: given.granted for purpose, given in submission.consent.items()},
    }
    stated = {key: value for key, value in submission.context.items() if value not in ("", None)}
    return {**stated, **{key: value for key, value in extra.items() if value}}


def _add_touch(inquiry: Inquiry, submission: Submission, place: Place) -> None:
    origin = origin_of(submission.context, submission.values, place.source)
    if not any(origin.utm.values()) and not origin.click_ids:
        origin = origin_of(with_visit(submission.context), submission.values, place.source)
    add_touch(
        inquiry.lead_id,
        inquiry,
        channel=origin.channel,
        utm=origin.utm,
        click_ids=origin.click_ids,
        referrer=origin.referrer,
        landing_page=origin.landing_page,
        at=_occurred(submission, inquiry.received_at),
    )


def _add_consent(inquiry: Inquiry, purpose: str, given: Consented, place: Place) -> None:
    """A receipt with the words that were shown. “No” is one only where there was a “yes”."""
    if not given.granted and not _has_granted(inquiry.lead_id, purpose):
        return
    version, item = place.version, inquiry.inbox_item
    record_consent(
        inquiry.lead_id,
        purpose,
        granted=given.granted,
        at=inquiry.received_at,
        wording=given.wording or (version.consent_text if version else ""),
        source=f"form:{version.form.slug} v{version.number}" if version else place.source.key,
        remote_address=item.remote_address if item else "",
        inbox_item=item,
    )


def _has_granted(lead_id: int, purpose: str) -> bool:
    newest = Consent.objects.filter(lead_id=lead_id, purpose=purpose).order_by("-at", "-pk")
    return bool(newest.values_list("granted", flat=True).first())
