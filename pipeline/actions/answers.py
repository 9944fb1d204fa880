"""Yes or no to a lead: accepting it, declining it, and passing it on when nobody says either."""

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, Forbidden, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.events import SalesAccepted, SalesRejected
from leads.models import Lead, Lifecycle, Stage, Status
from pipeline.actions.ledger import lock_lead, open_cycle_of, save_lead, write_transition
from pipeline.actions.owners import NOTE_LIMIT, OwnerNotPossible, assign
from pipeline.actions.routing import route
from pipeline.models import Assignment, Offer, SalesCycle, Transition

logger = structlog.get_logger(__name__)

QUEUE = "offers"
BATCH = 50


class NotYours(Forbidden):
    """Only the owner accepts or declines a lead."""

    code = "not_yours"


class AlreadyTaken(Conflict):
    """Somebody else took it first."""

    code = "already_taken"


@transaction.atomic
def accept(lead_id: int, *, user: User, at: datetime) -> None:
    """The owner takes the lead on.

    :raises NotYours: somebody else owns it, perhaps because the time to accept it was over.
    """
    mark_accepted(_lock_for(lead_id, user), at=at)


def mark_accepted(lead: Lead, *, at: datetime) -> None:
    current = Assignment.objects.filter(Assignment.CURRENT, lead=lead, accepted_at=None)
    Offer.objects.filter(assignment__in=current.values("pk")).update(due_at=None, lease_token=None)
    current.update(accepted_at=at)
    cycle = SalesCycle.objects.filter(SalesCycle.OPEN, lead=lead, accepted_at=None).first()
    if cycle is not None:
        cycle.accepted_at = at
        cycle.save(update_fields=["accepted_at"])
        if cycle.sql_at is not None:
            publish(SalesAccepted(lead_id=lead.pk, cycle_id=cycle.pk), at=at)


@transaction.atomic
def decline(lead_id: int, *, user: User, reason: str, at: datetime) -> Assignment | None:
    """The owner cannot take it: the next by the rules gets it if they gave it to them, else it
    goes back into the queue. The reason is on the timeline, and nobody declines twice.

    :raises NotYours: somebody else owns it.
    :raises Invalid: no reason.
    """
    lead = _lock_for(lead_id, user)
    text = _reason(reason, "Say why you cannot take this lead, so that the next person knows.")
    current = Assignment.objects.filter(Assignment.CURRENT, lead=lead).first()
    as_declined = Assignment.Cause.DECLINED
    if current is None or current.decision_id is None:
        return assign(lead.pk, owner=None, at=at, cause=as_declined, actor=user, note=text)
    refuse(current, Assignment.Answer.DECLINED)
    options: dict[str, Any] = {"assigned_as": as_declined, "actor": user, "note": text}
    route(lead.pk, at=at, cause="declined", again=True, **options)
    return Assignment.objects.filter(Assignment.CURRENT, lead=lead).first()


@transaction.atomic
def claim(lead_id: int, *, user: User, at: datetime) -> Assignment | None:
    """Take a lead out of the queue; of two who do so at once, one gets it.

    :raises AlreadyTaken: somebody owns it. :raises OwnerNotPossible: marketers own no leads.
    """
    if not user.has_role(Role.REP, Role.MANAGER):
        raise OwnerNotPossible("Leads are owned by sales. Ask a rep or a manager to take this one.")
    lead = lock_lead(lead_id)
    if lead.owner is not None and lead.owner.is_active:
        raise AlreadyTaken(f"{lead.owner} has this lead. Ask them if you should have it.")
    return assign(lead.pk, owner=user, at=at, actor=user, cause=Assignment.Cause.CLAIMED)


def refuse(assignment: Assignment, answer: str) -> None:
    """Write down how an assignment ends, before the lead is routed on."""
    assignment.answer = answer
    assignment.save(update_fields=["answer"])


@transaction.atomic
def reject(lead_id: int, *, user: User, reason: str, at: datetime) -> None:
    """Sales says this is not sales-qualified: back to marketing, with the reason.

    :raises Invalid: no reason. :raises Conflict: no open cycle.
    """
    lead = lock_lead(lead_id)
    text = _reason(reason, "Say why the lead is not sales-qualified; marketing learns from it.")
    cycle = open_cycle_of(lead)
    if cycle is None:
        raise Conflict("This lead has no open cycle to reject. Reopen it first.")
    cycle.rejected_at, cycle.rejected_reason = at, text[:200]
    cycle.save(update_fields=["rejected_at", "rejected_reason"])
    publish(SalesRejected(lead_id=lead.pk, cycle_id=cycle.pk, reason=text), at=at, actor=user)
    changes: dict[str, Any] = {"status": Status.NURTURING}
    if lead.lifecycle in {Lifecycle.SQL, Lifecycle.PQL}:
        changes["lifecycle"] = Lifecycle.MQL
    earlier = cycle.pipeline.stages.filter(key="mql", category=Stage.Category.OPEN).first()
    if earlier and lead.stage and lead.stage.position > earlier.position:
        write_transition(
            lead,
            cycle,
            earlier,
            at=at,
            actor=user,
            cause=Transition.Cause.REJECTED,
            note=text,
            **changes,
        )
    else:
        save_lead(lead, at=at, **changes)


def _lock_for(lead_id: int, user: User) -> Lead:
    lead = lock_lead(lead_id)
    if lead.owner != user and user.role != Role.ADMIN:
        raise NotYours(f"{lead.owner or 'Nobody'} owns this lead; only the owner can answer.")
    return lead


def _reason(text: str, cure: str) -> str:
    cleaned = clean_text(text, limit=NOTE_LIMIT)
    if not cleaned:
        raise Invalid.field("reason", cure, "required")
    return cleaned


# Offers that nobody answered ----------------------------------------------------------------------


def sweep_offers(*, limit: int = BATCH) -> int:
    """Pass on what was not accepted in time; return how many were looked at."""
    claim = pump.claim(Offer, limit=limit)
    for offer in claim.items:
        try:
            with transaction.atomic():
                _pass_on(offer, at=timezone.now())
                pump.finish(Offer, [offer.pk], token=claim.token)
        except Exception:
            # One that cannot be passed on must not keep the others waiting.
            logger.exception("offer_sweep_failed", assignment=offer.pk)
            seconds = pump.retry_seconds(offer.attempts)
            pump.postpone(Offer, offer.pk, token=claim.token, seconds=seconds)
    return len(claim.items)


def _pass_on(offer: Offer, *, at: datetime) -> None:
    given = Assignment.objects.select_related("owner", "decision__pool").get(pk=offer.pk)
    try:
        lock_lead(given.lead_id)
    except NotFound:
        return
    given.refresh_from_db(fields=["to_at", "accepted_at"])
    if given.to_at is not None or given.accepted_at is not None:
        return
    refuse(given, Assignment.Answer.EXPIRED)
    route(
        given.lead_id,
        at=at,
        cause="not_accepted",
        again=True,
        assigned_as=Assignment.Cause.PASSED_ON,
        note=f"{given.owner} did not accept it in time.",
    )
