"""Passes through the funnel: opening, closing and reopening them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib.errors import Conflict, Invalid
from leadcrm.lib.normalise import clean_text
from leads.events import CycleClosed, CycleOpened
from leads.models import Inquiry, Lead, Lifecycle, Pipeline, Source, Stage, Status
from pipeline import queries
from pipeline.actions.deals import close_open_deals, create_deal, reopen_deals, update_deal
from pipeline.actions.defaults import ensure_default_funnel
from pipeline.actions.ledger import (
    advance_lifecycle,
    lock_lead,
    open_cycle_of,
    write_transition,
)
from pipeline.actions.owners import assign
from pipeline.actions.response import cancel_clock, start_clock
from pipeline.models import (
    Assignment,
    CloseReason,
    Deal,
    SalesCycle,
    Transition,
    WaitingLead,
)

NOTE_LIMIT = 500
COMPETITOR_LIMIT = 120
CLOSING = ["closed_at", "outcome", "lost_reason", "lost_note", "competitor", "owner_at_close"]


class AlreadyClosed(Conflict):
    """The cycle was won or lost before."""

    code = "cycle_closed"


class NothingToReopen(Conflict):
    code = "nothing_to_reopen"


@transaction.atomic
def open_cycle(
    lead_id: int,
    *,
    at: datetime,
    inquiry: Inquiry | None = None,
    owner: User | None = None,
    actor: User | None = None,
) -> SalesCycle | None:
    """Begin a pass through the funnel, unless one is open, and let an inquiry start the clock.

    A new inquiry on an open cycle starts its clock again if it had been answered. Returns None
    when the inquiry's own cycle is over already. Safe to repeat.

    :param owner: who has it from the start; else it keeps its owner, or waits in a queue.
    """
    lead = lock_lead(lead_id)
    cycle = open_cycle_of(lead)
    if cycle is None:
        if inquiry is not None and inquiry.opened_cycles.exists():
            return None
        cycle = _begin(lead, at=at, inquiry=inquiry, owner=owner, actor=actor)
    elif inquiry is not None:
        _adopt(cycle, inquiry)
    if inquiry is not None:
        start_clock(lead, cycle, since=inquiry.received_at, at=at)
    return cycle


def _adopt(cycle: SalesCycle, inquiry: Inquiry) -> None:
    """An inquiry that came before the cycle opened is what opened it: events may overtake."""
    if cycle.opened_by_inquiry_id is None and inquiry.received_at <= cycle.opened_at:
        cycle.opened_by_inquiry, cycle.received_at = inquiry, inquiry.received_at
        cycle.source = inquiry.source or cycle.source
        cycle.save(update_fields=["opened_by_inquiry", "received_at", "source"])


def _begin(
    lead: Lead,
    *,
    at: datetime,
    inquiry: Inquiry | None,
    owner: User | None,
    actor: User | None,
) -> SalesCycle:
    pipeline = _pipeline_for(lead)
    first = queries.stages(pipeline).filter(category=Stage.Category.OPEN).first()
    if first is None:
        raise Conflict(
            f"The pipeline “{pipeline.name}” has no open stage. Add one in its settings."
        )
    last = lead.cycles.order_by("-number").first()
    source: Source | None = (inquiry.source if inquiry else None) or lead.source
    cycle = SalesCycle.objects.create(
        lead=lead,
        number=last.number + 1 if last else 1,
        pipeline=pipeline,
        source=source,
        opened_at=at,
        opened_by_inquiry=inquiry,
        received_at=inquiry.received_at if inquiry else at,
    )
    lead.stage, lead.stage_entered_at = None, None  # time between two cycles is not time in a stage
    write_transition(
        lead,
        cycle,
        first,
        at=at,
        actor=actor,
        cause=Transition.Cause.OPENED,
        status=Status.NEW,
        **advance_lifecycle(lead, Lifecycle.LEAD),
    )
    _find_responsible(lead, owner, at=at, actor=actor)
    publish(CycleOpened(lead_id=lead.pk, cycle_id=cycle.pk), at=at, actor=actor)
    return cycle


def _pipeline_for(lead: Lead) -> Pipeline:
    """The first whose condition holds for the lead and that has somewhere to begin."""
    for pipeline in queries.pipelines():
        if pipeline.is_default or not pipeline.condition:
            continue
        if queries.leads_matching(pipeline.condition, [lead.pk]) and _can_begin(pipeline):
            return pipeline
    return ensure_default_funnel()


def _can_begin(pipeline: Pipeline) -> bool:
    return queries.stages(pipeline).filter(category=Stage.Category.OPEN).exists()


def _find_responsible(lead: Lead, owner: User | None, *, at: datetime, actor: User | None) -> None:
    """An open cycle always has an owner or a queue."""
    if owner is not None:
        made = assign(lead.pk, owner=owner, at=at, actor=actor, cause=Assignment.Cause.CREATED)
    elif lead.owner is None or not lead.owner.is_active:
        made = assign(lead.pk, owner=None, at=at, actor=actor, cause=Assignment.Cause.OPENED)
    else:
        made = assign(lead.pk, owner=lead.owner, at=at, actor=actor)
    if made is not None:
        lead.owner, lead.team = made.owner, made.team


@transaction.atomic
def close_cycle(
    lead_id: int,
    *,
    to: Stage,
    at: datetime,
    actor: User | None = None,
    cause: str = Transition.Cause.MANUAL,
    reason: str = "",
    note: str = "",
    competitor: str = "",
    amount: Decimal | None = None,
    currency: str = "",
) -> Transition:
    """End the open cycle as won or lost, which the category of the stage `to` says.

    Open deals follow; winning with an `amount` makes a deal when there is none, and corrects the
    one that is open.

    :raises AlreadyClosed: there is no open cycle.
    :raises Invalid: lost without a reason, or for “other” without a note.
    """
    lead = lock_lead(lead_id)
    cycle = open_cycle_of(lead)
    if cycle is None:
        raise AlreadyClosed(_closed_text(lead))
    text, disqualifies = clean_text(note, limit=NOTE_LIMIT), False
    if to.category == Stage.Category.LOST:
        why = _check_reason(reason, text)
        cycle.competitor = clean_text(competitor, limit=COMPETITOR_LIMIT)
        disqualifies = why.disqualifies
    elif amount is not None:
        _note_worth(cycle, amount, currency=currency, at=at, actor=actor)
    cycle.closed_at = max(at, cycle.opened_at)
    cycle.outcome = to.category
    cycle.lost_reason = reason if to.category == Stage.Category.LOST else ""
    cycle.lost_note = text if to.category == Stage.Category.LOST else ""
    cycle.owner_at_close = lead.owner
    cycle.save(update_fields=CLOSING)
    close_open_deals(cycle, state=to.category, at=cycle.closed_at)
    cancel_clock(lead, cycle, at=at)
    WaitingLead.objects.filter(lead=lead).delete()
    transition = write_transition(
        lead,
        cycle,
        to,
        at=at,
        actor=actor,
        cause=cause,
        note=text,
        **_after_close(lead, cycle, disqualifies=disqualifies),
    )
    publish(
        CycleClosed(lead_id=lead.pk, cycle_id=cycle.pk, outcome=cycle.outcome), at=at, actor=actor
    )
    return transition


def _note_worth(
    cycle: SalesCycle, amount: Decimal, *, currency: str, at: datetime, actor: User | None
) -> None:
    """What was said when it was won: of the deal there is; several deals know better."""
    if not cycle.deals.exists():
        create_deal(cycle.lead_id, amount=amount, currency=currency, at=at, actor=actor)
        return
    still_open = list(cycle.deals.filter(state=Deal.State.OPEN)[:2])
    if len(still_open) == 1 and still_open[0].amount != amount:
        update_deal(still_open[0].pk, at=at, amount=amount)


def _closed_text(lead: Lead) -> str:
    stage = f" as “{lead.stage.name}”" if lead.stage else ""
    return f"This lead is closed{stage}. Reopen it first."


def _check_reason(key: str, note: str) -> CloseReason:
    found = queries.find_reason(key)
    if found is None:
        known = ", ".join(reason.key for reason in queries.reasons())
        raise Invalid.field("reason", f"Say why it was lost: one of {known}.", "required")
    if found.needs_note and not note:
        raise Invalid.field(
            "note", f"“{found.label}” needs a note that says what happened.", "required"
        )
    return found


def _after_close(lead: Lead, cycle: SalesCycle, *, disqualifies: bool) -> dict[str, Any]:
    if cycle.outcome == SalesCycle.Outcome.WON:
        return {"status": Status.WON, **advance_lifecycle(lead, Lifecycle.CUSTOMER)}
    is_customer = lead.lifecycle in {Lifecycle.CUSTOMER, Lifecycle.EVANGELIST}
    if disqualifies and not is_customer:
        return {"status": Status.LOST, "lifecycle": Lifecycle.DISQUALIFIED}
    return {"status": Status.LOST}


@transaction.atomic
def reopen_cycle(
    lead_id: int, *, at: datetime, actor: User | None = None, to: Stage | None = None
) -> Transition:
    """Open the last cycle again, where it stood before it closed or in the open stage `to`.

    :raises NothingToReopen: the last cycle is open, or there is none.
    """
    lead = lock_lead(lead_id)
    cycle = lead.cycles.order_by("-number").first()
    if cycle is None or cycle.is_open:
        raise NothingToReopen("This lead is open. There is nothing to reopen.")
    target = to or _stage_before_close(cycle)
    if not target.is_open:
        raise Invalid.field("stage", f"“{target.name}” is not an open stage. Choose an open one.")
    closed_at = cycle.closed_at
    cycle.closed_at, cycle.outcome = None, SalesCycle.Outcome.OPEN
    cycle.lost_reason, cycle.lost_note, cycle.competitor = "", "", ""
    cycle.owner_at_close = None
    cycle.save(update_fields=CLOSING)
    reopen_deals(cycle, closed_at=closed_at)
    transition = write_transition(
        lead,
        cycle,
        target,
        at=at,
        actor=actor,
        cause=Transition.Cause.REOPENED,
        status=Status.CONNECTED if cycle.first_response_at else Status.NEW,
        lifecycle=_lifecycle_of(lead, cycle),
    )
    _find_responsible(lead, None, at=at, actor=actor)
    publish(CycleOpened(lead_id=lead.pk, cycle_id=cycle.pk), at=at, actor=actor)
    return transition


def _stage_before_close(cycle: SalesCycle) -> Stage:
    last_open = (
        cycle.transitions.filter(
            to_stage__category=Stage.Category.OPEN,
            to_stage__archived_at=None,
            to_stage__pipeline=cycle.pipeline_id,
        )
        .select_related("to_stage")
        .order_by("-at", "-pk")
        .first()
    )
    if last_open is not None:
        return last_open.to_stage
    return queries.stages(cycle.pipeline).filter(category=Stage.Category.OPEN)[0]


def _lifecycle_of(lead: Lead, cycle: SalesCycle) -> str:
    if lead.cycles.filter(outcome=SalesCycle.Outcome.WON).exists():
        return Lifecycle.CUSTOMER
    if cycle.deals.exists():
        return Lifecycle.OPPORTUNITY
    if cycle.sql_at:
        return Lifecycle.SQL
    return Lifecycle.MQL if cycle.mql_at else Lifecycle.LEAD
