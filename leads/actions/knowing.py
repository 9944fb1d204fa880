"""Recognising people, and keeping what they say differently from what is known."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import Actor
from leadcrm.lib.errors import Conflict
from leadcrm.lib.normalise import clean_text
from leads.actions.duplicates import suggest_pair
from leads.actions.leads import ContactFields, update_lead
from leads.matching import Known, Match, Reason, match
from leads.models import FieldProposal, Inquiry, Lead, LeadIdentifier
from leads.queries.survivors import survivor_id

CUSTOM = "custom."
MOST_OF_A_NUMBER = 5
MOST_READ = 50  # rows of a number; more share it than anybody would look at
EXTERNAL_LIMIT = 200
CERTAIN = frozenset({"email", "external_id"})


class AlreadyDecided(Conflict):
    """Somebody accepted or dismissed it before."""

    code = "already_decided"


def external_id(source: str, id_: str) -> str:
    """An id under the name of the source that gave it: `hubspot:1234`; empty without an id."""
    cleaned = clean_text(id_, limit=EXTERNAL_LIMIT)
    return f"{source}:{cleaned}" if cleaned else ""


# Recognising -------------------------------------------------------------------------------------


def recognise(contact: ContactFields, *, email: str = "", external: str = "") -> Match:
    """Which lead somebody is, by the policy of `leads.matching`; see there.

    Without an address nothing in the database tells two new people of one number apart, so
    captures of one number go one by one: the second finds the lead of the first.
    """
    number = contact.get("phone", "")
    number = number if number.startswith("+") else ""
    name = f"{contact.get('first_name', '')} {contact.get('last_name', '')}".strip()
    if number and name and not email and not external:
        _take_turns(f"phone:{number}")
    found = match(
        by_email=owner_of(LeadIdentifier.Kind.EMAIL, email) if email else None,
        by_external=owner_of(LeadIdentifier.Kind.EXTERNAL, external) if external else None,
        by_phone=known_by_phone(number) if number else (),
        name=name,
        has_email=bool(email),
    )
    if found.lead_id is not None:
        _suggest_others(found)
    return found


def _take_turns(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def owner_of(kind: str, value: str) -> int | None:
    """The lead an address or id belongs to; of merged leads the one that is left."""
    rows = LeadIdentifier.objects.filter(kind=kind, value=value)
    # Not first(): its ORDER BY lets the planner walk the primary key instead.
    for lead_id, merged_into in rows.values_list("lead_id", "lead__merged_into_id")[:1]:
        return lead_id if merged_into is None else survivor_id(lead_id)
    return None


def known_by_phone(number: str) -> list[Known]:
    """Leads that share a number, which several people of an office may."""
    numbers = LeadIdentifier.objects.filter(kind=LeadIdentifier.Kind.PHONE, value=number)
    ids = set(numbers.values_list("lead_id", flat=True)[:MOST_READ])
    if not ids:
        return []
    rows = Lead.objects.live().filter(pk__in=ids).order_by("pk")
    columns = rows.values_list("pk", "first_name", "last_name", "email")
    return [
        Known(pk, f"{first} {last}".strip(), bool(email))
        for pk, first, last, email in columns[:MOST_OF_A_NUMBER]
    ]


def _suggest_others(found: Match) -> None:
    """An address names one lead and an id another: they may well be one person."""
    for reason in found.reasons:
        if reason.lead_id not in (None, found.lead_id) and reason.code in CERTAIN:
            suggest_pair(found.lead_id, reason.lead_id, reason)  # type: ignore[arg-type]


def match_shape(found: Match) -> dict[str, Any]:
    """What an inquiry keeps of it. Leads other than the inquiry's own are named."""
    public = Lead.objects.filter(pk__in=found.hints) if found.hints else Lead.objects.none()
    names: dict[int, str] = dict(public.values_list("pk", "public_id")) if found.hints else {}
    return {
        "verdict": found.verdict.value,
        "reasons": [_reason_shape(reason, names) for reason in found.reasons],
    }


def _reason_shape(reason: Reason, names: Mapping[int, str]) -> dict[str, str]:
    shape = {"code": reason.code, "words": reason.words}
    if reason.lead_id is not None and reason.lead_id in names:
        shape["lead"] = names[reason.lead_id]
    return shape


@transaction.atomic
def add_identifier(lead_id: int, kind: str, value: str) -> bool:
    """One more thing the lead is known by; False when it is another's."""
    row = LeadIdentifier(lead_id=lead_id, kind=kind, value=value)
    LeadIdentifier.objects.bulk_create([row], ignore_conflicts=True)
    return owner_of(kind, value) == lead_id


# What they say differently -----------------------------------------------------------------------


@transaction.atomic
def propose(
    lead_id: int, said: Mapping[str, Any], *, at: datetime, inquiry: Inquiry | None = None
) -> list[FieldProposal]:
    """Keep values that differ from what is known, for somebody to decide on.

    One open proposal for a field: a newer one takes its place. What was dismissed before is not
    asked again.
    """
    if not said:
        return []
    dismissed = FieldProposal.objects.filter(lead=lead_id, state=FieldProposal.State.DISMISSED)
    known = {(field, str(value)) for field, value in dismissed.values_list("field", "value")}
    made = []
    for field, value in said.items():
        if (field, str(value)) in known or len(field) > 60:
            continue
        proposal, _ = FieldProposal.objects.update_or_create(
            lead_id=lead_id,
            field=field,
            state=FieldProposal.State.OPEN,
            defaults={"value": value, "inquiry": inquiry, "created_at": at},
        )
        made.append(proposal)
    return made


@transaction.atomic
def accept_proposal(
    proposal_id: int, *, at: datetime, user: User | None = None, actor: Actor | None = None
) -> Lead:
    """Write the proposed value.

    :raises AlreadyDecided: :raises EmailTaken: the address is another lead's: merge the two.
    """
    proposal = _lock_open(proposal_id)
    before = _value_of(proposal.lead, proposal.field)
    lead = _write(proposal, proposal.value, at=at, user=user, actor=actor)
    _decide(proposal, FieldProposal.State.ACCEPTED, at=at, user=user, before=before)
    return lead


@transaction.atomic
def dismiss_proposal(proposal_id: int, *, at: datetime, user: User | None = None) -> None:
    """Keep what is known. The same value is not proposed again.

    :raises AlreadyDecided:
    """
    proposal = _lock_open(proposal_id)
    _decide(proposal, FieldProposal.State.DISMISSED, at=at, user=user)


@transaction.atomic
def undo_proposal(
    proposal_id: int, *, at: datetime, user: User | None = None, actor: Actor | None = None
) -> None:
    """Put a decision back: an accepted value too, unless somebody changed the field since.

    :raises AlreadyDecided: a newer proposal for the field is open.
    """
    proposal = FieldProposal.objects.select_for_update(of=("self",)).get(pk=proposal_id)
    rivals = FieldProposal.objects.filter(
        lead=proposal.lead_id, field=proposal.field, state=FieldProposal.State.OPEN
    )
    if proposal.state == FieldProposal.State.OPEN or rivals.exists():
        raise AlreadyDecided("There is a newer value to decide on.")
    is_untouched = _value_of(proposal.lead, proposal.field) == proposal.value
    if proposal.state == FieldProposal.State.ACCEPTED and is_untouched:
        _write(proposal, proposal.before, at=at, user=user, actor=actor)
    _decide(proposal, FieldProposal.State.OPEN, at=None, user=None)


def _lock_open(proposal_id: int) -> FieldProposal:
    proposal = FieldProposal.objects.select_for_update(of=("self",)).get(pk=proposal_id)
    if proposal.state != FieldProposal.State.OPEN:
        raise AlreadyDecided("Somebody decided on this before.")
    return proposal


def _value_of(lead: Lead, field: str) -> Any:
    if field.startswith(CUSTOM):
        return (lead.custom or {}).get(field.removeprefix(CUSTOM))
    return getattr(lead, field)


def _write(
    proposal: FieldProposal, value: Any, *, at: datetime, user: User | None, actor: Actor | None
) -> Lead:
    field, changes = proposal.field, ContactFields()
    if field.startswith(CUSTOM):
        changes["custom"] = {field.removeprefix(CUSTOM): value}
    else:
        changes[field] = value  # type: ignore[literal-required]
    return update_lead(proposal.lead_id, changes, at=at, user=user, actor=actor or user)


def _decide(
    proposal: FieldProposal, state: str, *, at: datetime | None, user: User | None, **more: Any
) -> None:
    FieldProposal.objects.filter(pk=proposal.pk).update(
        state=state, decided_at=at, decided_by=user, **more
    )
