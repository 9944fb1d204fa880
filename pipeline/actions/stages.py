"""Moves between stages, by hand and by qualification."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.timesince import timesince

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, DomainError, Invalid, StaleVersion
from leads.models import Lead, Lifecycle, Pipeline, Stage, Status
from pipeline import queries
from pipeline.actions.cycles import AlreadyClosed, close_cycle, open_cycle
from pipeline.actions.entering import Move, StageRefused, check_entry
from pipeline.actions.ledger import (
    advance_lifecycle,
    lock_lead,
    open_cycle_of,
    save_lead,
    write_transition,
)
from pipeline.actions.owners import RowResult
from pipeline.models import SalesCycle, Transition

MINUTE = timedelta(minutes=1)
SALES_READY = frozenset({Lifecycle.SQL, Lifecycle.PQL})


class MovedMeanwhile(Conflict):
    """A colleague moved the card since the board was drawn."""

    code = "moved_meanwhile"


@transaction.atomic
def move_to_stage(
    lead_id: int,
    *,
    to: str,
    at: datetime,
    actor: User | None = None,
    cause: str = Transition.Cause.MANUAL,
    expected_stage: str | None = None,
    version: int | None = None,
    reason: str = "",
    note: str = "",
    competitor: str = "",
    amount: Decimal | None = None,
    currency: str = "",
    pipeline: str = "",
    enforce: bool = True,
) -> Transition | None:
    """Move a lead and write the ledger; None if it already stands there.

    A won or lost stage closes the cycle, see `close_cycle`. A lead without any cycle begins one.

    :param expected_stage: where the mover saw the card; None moves it from wherever it is.
    :param pipeline: the key of another pipeline that the cycle runs in from now on.
    :param enforce: whether the rules of the stage count; taking a move back needs no leave.
    :raises MovedMeanwhile: it is not there any more. :raises StaleVersion: see `version`.
    :raises AlreadyClosed: the lead is won or lost; reopen it first.
    :raises StageRefused: a rule of the stage is broken.
    :raises Invalid: no such stage, or lost without a reason.
    """
    lead = lock_lead(lead_id)
    cycle = open_cycle_of(lead) or _first_cycle(lead, at=at, actor=actor)
    if cycle is None:
        stage = lead.stage.name if lead.stage else "closed"
        raise AlreadyClosed(f"This lead is closed as “{stage}”. Reopen it first.")
    lead = lock_lead(lead_id)
    target = _stage(_pipeline(cycle, pipeline), to)
    if lead.stage_id == target.pk:
        return None
    _check_fresh(lead, expected_stage, version, at=at)
    if enforce:
        check_entry(lead, target, Move(note=note, has_amount=amount is not None))
    if target.pipeline_id != cycle.pipeline_id:
        cause = Transition.Cause.PIPELINE if cause == Transition.Cause.MANUAL else cause
        change_pipeline(cycle, target.pipeline)
    if not target.is_open:
        return close_cycle(
            lead_id,
            to=target,
            at=at,
            actor=actor,
            cause=cause,
            reason=reason,
            note=note,
            competitor=competitor,
            amount=amount,
            currency=currency,
        )
    return write_transition(lead, cycle, target, at=at, actor=actor, cause=cause, note=note)


def _first_cycle(lead: Lead, *, at: datetime, actor: User | None) -> SalesCycle | None:
    if lead.cycles.exists():
        return None
    return open_cycle(lead.pk, at=at, actor=actor)


def _pipeline(cycle: SalesCycle, key: str) -> Pipeline:
    if not key or key == cycle.pipeline.key:
        return cycle.pipeline
    found = Pipeline.objects.filter(key=key, archived_at=None).first()
    if found is None:
        known = ", ".join(each.key for each in queries.pipelines())
        raise Invalid.field("pipeline", f"There is no pipeline “{key}”. Choose from {known}.")
    return found


def change_pipeline(cycle: SalesCycle, pipeline: Pipeline) -> None:
    """A cycle runs in one pipeline at a time; how far it came is counted in that one."""
    cycle.pipeline, cycle.furthest = pipeline, None
    cycle.save(update_fields=["pipeline", "furthest"])


def _stage(pipeline: Pipeline, key: str) -> Stage:
    stages = {stage.key: stage for stage in queries.stages(pipeline)}
    if key not in stages:
        raise Invalid.field(
            "stage", f"There is no stage “{key}”. Choose from {', '.join(stages)}.", "unknown_stage"
        )
    found = stages[key]
    found.pipeline = pipeline
    return found


def _check_fresh(lead: Lead, expected: str | None, version: int | None, *, at: datetime) -> None:
    if version is not None and version != lead.version:
        raise StaleVersion(
            f"Somebody else saved this lead (version {lead.version}, you had {version}). "
            "Reload, then move it again."
        )
    if expected is not None and lead.stage is not None and expected != lead.stage.key:
        last = queries.last_transition(lead.pk)
        who = last.actor.name if last and last.actor else "The product"
        ago = f" {timesince(last.at, at)} ago" if last and at - last.at >= MINUTE else " just now"
        raise MovedMeanwhile(
            f"{who} moved this lead to “{lead.stage.name}”{ago}. Look again before you move it on."
        )


def bulk_move(
    lead_ids: Sequence[int],
    *,
    to: str,
    at: datetime,
    actor: User | None = None,
    reason: str = "",
    note: str = "",
) -> list[RowResult]:
    """Move many; each stands or falls alone. A row for each lead asked for, in that order."""
    results = {
        lead_id: _move_one(lead_id, to=to, at=at, actor=actor, reason=reason, note=note)
        for lead_id in sorted(set(lead_ids))
    }
    return [results[lead_id] for lead_id in lead_ids]


def _move_one(
    lead_id: int, *, to: str, at: datetime, actor: User | None, reason: str, note: str
) -> RowResult:
    try:
        move_to_stage(
            lead_id,
            to=to,
            at=at,
            actor=actor,
            cause=Transition.Cause.BULK,
            reason=reason,
            note=note,
        )
    except DomainError as error:
        return RowResult(lead_id, ok=False, message=error.detail)
    return RowResult(lead_id, ok=True)


# Qualification ------------------------------------------------------------------------------------


@transaction.atomic
def qualify(lead_id: int, *, kind: str, at: datetime) -> bool:
    """Note that a lead is marketing-, sales- or product-qualified; stage and lifecycle go forward.

    A closed lead that becomes sales-qualified again begins a new cycle. Returns whether sales
    should have it now. Safe to repeat.
    """
    lead = lock_lead(lead_id)
    sales_ready = kind in SALES_READY
    cycle = open_cycle_of(lead)
    if cycle is None and (sales_ready or not lead.cycles.exists()):
        cycle = open_cycle(lead_id, at=at)
        lead = lock_lead(lead_id)
    if cycle is None:
        return False
    _stamp(cycle, sales_ready=sales_ready, at=at)
    changes = advance_lifecycle(lead, kind)
    if sales_ready and lead.status in {Status.NURTURING, Status.RECYCLED}:
        changes["status"] = Status.NEW
    _forward(lead, cycle, Lifecycle.SQL if sales_ready else kind, at=at, changes=changes)
    return sales_ready


def _stamp(cycle: SalesCycle, *, sales_ready: bool, at: datetime) -> None:
    """When the cycle qualified first; sales-qualified counts as marketing-qualified, too."""
    if cycle.mql_at is None:
        cycle.mql_at = at
    if sales_ready and cycle.sql_at is None:
        cycle.sql_at = at
    cycle.save(update_fields=["mql_at", "sql_at"])


def _forward(
    lead: Lead, cycle: SalesCycle, key: str, *, at: datetime, changes: dict[str, Any]
) -> None:
    target = queries.stages(cycle.pipeline).filter(key=key, category=Stage.Category.OPEN).first()
    here = lead.stage
    ahead = target is not None and here is not None and here.position < target.position
    if target is not None and ahead and _lets_in(lead, target):
        write_transition(lead, cycle, target, at=at, cause=Transition.Cause.QUALIFIED, **changes)
    elif changes:
        save_lead(lead, at=at, **changes)


def _lets_in(lead: Lead, target: Stage) -> bool:
    """Whether the rules of the stage hold; a lead that qualifies without them stays put."""
    try:
        check_entry(lead, target, Move())
    except StageRefused:
        return False
    return True
