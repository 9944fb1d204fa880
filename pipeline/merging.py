"""What becomes of sales work when two leads turn out to be one person, and of taking them apart.

One person has one open pass through the funnel: of two the one further on goes on, and takes over
what the other brought, as if it had been one from the beginning. That keeps the reports honest.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Max, Model

from leads.merging.registry import (
    Found,
    Identity,
    Merging,
    after_moving,
    after_taking_apart,
    before_moving,
    carrying_identity,
    moves,
    stays,
)
from leads.merging.values import LOSER, OWNER
from leads.models import Lead, Lifecycle, Stage
from pipeline.actions.ledger import LIFECYCLE_ORDER
from pipeline.actions.work import refresh_next_step
from pipeline.models import (
    Assignment,
    ClockHop,
    CycleFact,
    Deal,
    Letter,
    Meeting,
    ResponseClock,
    Rest,
    RoutingDecision,
    SalesCycle,
    StaffEmail,
    StageTimer,
    Task,
    Transition,
    WaitingLead,
)

EARLIEST = ("opened_at", "received_at", "mql_at", "sql_at", "accepted_at")
CLOCK = (
    "target_id",
    "target_minutes",
    "uses_working_hours",
    "started_at",
    "respond_by",
    "first_response_at",
    "stopped_by_id",
    "activity_id",
    "wall_seconds",
    "working_seconds",
    "cancelled_at",
    "warned_at",
    "late_at",
    "escalated_at",
    "due_at",
)
RESPONSE = ("response_started_at", "response_due_at", "responded_at")

moves(SalesCycle, one="sales cycle")
moves(Transition, one="stage change")
moves(Deal, one="deal")
moves(Task, one="task")
moves(Assignment, one="assignment")
moves(RoutingDecision, one="routing decision")
moves(ResponseClock)
moves(StaffEmail)
moves(ClockHop, one="escalation")
moves(Letter, one="e-mail")
moves(Meeting, one="meeting")
stays(CycleFact, why="It is copied anew when the cycle goes to another lead.")
stays(Rest, why="The survivor is laid aside or not by its own story.")
stays(StageTimer, why="When to look at its stage again; the survivor has its own.")
stays(WaitingLead, why="Nobody waits twice; see `settle_owner`.")


# Before: the owner -------------------------------------------------------------------------------


@before_moving(10)
def settle_owner(merging: Merging) -> None:
    """One current assignment: the chosen owner's; else whoever owns one of the two, not a queue."""
    survivor, loser = merging.survivor, merging.loser
    mine, theirs = _current(survivor), _current(loser)
    takes_theirs = _takes_theirs(merging, mine, theirs)
    ended = mine if takes_theirs else theirs
    if ended is not None:
        merging.journal.change(ended, to_at=max(merging.at, ended.from_at))
    if takes_theirs:
        merging.journal.change(survivor, owner=loser.owner, team=loser.team)
    _settle_waiting(merging, takes_theirs=takes_theirs)


def _current(lead: Lead) -> Assignment | None:
    return Assignment.objects.filter(Assignment.CURRENT, lead=lead).first()


def _takes_theirs(merging: Merging, mine: Assignment | None, theirs: Assignment | None) -> bool:
    if theirs is None:
        return False
    chosen = merging.choices.get(OWNER)
    if chosen is not None:
        return chosen == LOSER
    return mine is None or (mine.owner_id is None and theirs.owner_id is not None)


def _settle_waiting(merging: Merging, *, takes_theirs: bool) -> None:
    survivor, loser = merging.survivor, merging.loser
    waiting = WaitingLead.objects.filter(lead=loser).first() if takes_theirs else None
    if takes_theirs:
        merging.journal.remove(WaitingLead.objects.filter(lead=survivor))
    merging.journal.remove(WaitingLead.objects.filter(lead=loser))
    if waiting is not None:
        merging.journal.create(
            WaitingLead(
                lead=survivor,
                pool=waiting.pool,
                user=waiting.user,
                queued_at=waiting.queued_at,
            )
        )


# Before: the cycles ------------------------------------------------------------------------------


@before_moving(11)
def settle_cycles(merging: Merging) -> None:
    survivor, loser = merging.survivor, merging.loser
    mine, theirs = _open(survivor), _open(loser)
    if mine is not None and theirs is not None:
        _absorb(merging, mine, theirs)
    highest = survivor.cycles.aggregate(Max("number"))["number__max"] or 0
    if highest:
        # From the last on, so that no number is taken while another still has it.
        for cycle in loser.cycles.order_by("-number"):
            merging.journal.change(cycle, number=cycle.number + highest)
    _settle_response(merging, mine, theirs)


def _open(lead: Lead) -> SalesCycle | None:
    return SalesCycle.objects.filter(SalesCycle.OPEN, lead=lead).first()


def _absorb(merging: Merging, kept: SalesCycle, other: SalesCycle) -> None:
    journal = merging.journal
    _settle_clocks(merging, kept, other)
    CycleFact.objects.filter(cycle=other).delete()  # a copy: it is made anew, here and apart again
    for relation in SalesCycle._meta.related_objects:
        model: type[Model] = relation.related_model
        journal.move(model._base_manager.all(), relation.field.name, start=other.pk, to=kept.pk)
    changes: dict[str, Any] = {name: _earliest(kept, other, name) for name in EARLIEST}
    if other.received_at < kept.received_at:
        changes |= {"opened_by_inquiry": other.opened_by_inquiry, "source": other.source}
    changes["furthest"] = _further_of(kept.furthest, other.furthest)
    answered = _answered_first(kept, other)
    changes |= {
        "first_response_at": answered.first_response_at,
        "first_response_activity_id": answered.first_response_activity_id,
        "first_response_by": answered.first_response_by,
    }
    journal.remove(SalesCycle.objects.filter(pk=other.pk))
    journal.change(kept, **changes)


def _further_of(*stages: Stage | None) -> Stage | None:
    known = [stage for stage in stages if stage is not None]
    return max(known, key=lambda stage: stage.position, default=None)


def _earliest(kept: SalesCycle, other: SalesCycle, name: str) -> datetime | None:
    known = [moment for cycle in (kept, other) if (moment := getattr(cycle, name)) is not None]
    return min(known, default=None)


def _answered_first(kept: SalesCycle, other: SalesCycle) -> SalesCycle:
    """Whose first response counts for both: the earlier one there is."""
    if kept.first_response_at is None or other.first_response_at is None:
        return other if kept.first_response_at is None else kept
    return kept if kept.first_response_at <= other.first_response_at else other


def _settle_clocks(merging: Merging, kept: SalesCycle, other: SalesCycle) -> None:
    """One clock for the cycle that goes on: the one that says more of how long they wait."""
    mine = ResponseClock.objects.filter(cycle=kept).first()
    theirs = ResponseClock.objects.filter(cycle=other).first()
    if mine is None or theirs is None:
        return  # it goes over with whatever else belongs to the other cycle
    counting = telling_clock(mine, theirs)
    merging.journal.remove(ResponseClock.objects.filter(pk=theirs.pk))
    if counting is theirs:
        merging.journal.change(mine, **{name: getattr(theirs, name) for name in CLOCK})


def telling_clock(mine: ResponseClock, theirs: ResponseClock) -> ResponseClock:
    """Running beats stopped, unless the other's answer came after; of two alike the first, of two
    that have stopped the last."""
    if mine.is_running and theirs.is_running:
        return min(mine, theirs, key=lambda clock: clock.started_at)
    if mine.is_running == theirs.is_running:
        return max(mine, theirs, key=lambda clock: clock.started_at)
    running, stopped = (mine, theirs) if mine.is_running else (theirs, mine)
    answered = stopped.first_response_at
    return stopped if answered is not None and answered >= running.started_at else running


def _settle_response(merging: Merging, mine: SalesCycle | None, theirs: SalesCycle | None) -> None:
    """The lead's own copy of what its clock says."""
    survivor, loser = merging.survivor, merging.loser
    if theirs is None:
        return
    if mine is None:
        values = {name: getattr(loser, name) for name in RESPONSE}
    else:
        clock = ResponseClock.objects.filter(cycle=mine).first()
        if clock is None:
            return
        values = {
            "response_started_at": clock.started_at,
            "response_due_at": clock.respond_by,
            "responded_at": clock.first_response_at,
        }
    merging.journal.change(survivor, **values)


# After: where the lead stands --------------------------------------------------------------------


@after_moving(10)
def settle_stage(merging: Merging) -> None:
    """The further stage of the cycle that is open; else where its last cycle ended."""
    survivor, loser = merging.survivor, merging.loser
    cycle = _open(survivor)
    last = _last_transition(survivor)
    if last is None:
        return
    stage = _further(merging, cycle) if cycle is not None else None
    if cycle is not None and stage is not None and last.to_stage_id != stage.pk:
        last = _move(merging, cycle, last, stage)
    status = survivor.status
    if not last.to_stage.is_open:
        status = last.to_stage.category
    elif last.to_stage_id == loser.stage_id != survivor.stage_id:
        status = loser.status
    merging.journal.change(survivor, stage=last.to_stage, stage_entered_at=last.at, status=status)


def _last_transition(lead: Lead) -> Transition | None:
    return lead.transitions.select_related("to_stage").order_by("-at", "-pk").first()


def _further(merging: Merging, cycle: SalesCycle) -> Stage | None:
    """Of the open stages in which the two stood, the later one of the cycle's own pipeline."""
    stages = [lead.stage for lead in (merging.survivor, merging.loser)]
    own = (s for s in stages if s and s.is_open and s.pipeline_id == cycle.pipeline_id)
    return _further_of(*own)


def _move(merging: Merging, cycle: SalesCycle, last: Transition, stage: Stage) -> Transition:
    at = max(merging.at, last.at)
    transition = Transition(
        lead=merging.survivor,
        cycle=cycle,
        from_stage=last.to_stage,
        to_stage=stage,
        at=at,
        actor=merging.actor,
        cause=Transition.Cause.MERGED,
        seconds_in_from=max(int((at - last.at).total_seconds()), 0),
    )
    merging.journal.create(transition)
    return transition


@after_moving(11)
def settle_lifecycle(merging: Merging) -> None:
    """The furthest either has come; a customer stays one."""
    survivor, loser = merging.survivor, merging.loser
    known = [
        lead.lifecycle for lead in (survivor, loser) if lead.lifecycle != Lifecycle.DISQUALIFIED
    ]
    if known:
        order = LIFECYCLE_ORDER.index
        furthest = max(known, key=lambda each: order(Lifecycle(each)))
        merging.journal.change(survivor, lifecycle=furthest)
    steps = [at for at in (survivor.next_step_at, loser.next_step_at) if at is not None]
    merging.journal.change(survivor, next_step_at=min(steps, default=None))


# Apart again -------------------------------------------------------------------------------------


@carrying_identity
def by_what_they_asked(whose: Identity) -> Iterator[Found]:
    """Passes that an inquiry of theirs has opened since.

    Where their old pass is open again, the new one goes on in it: they had one all the time.
    """
    loser = Lead.objects.get(pk=whose.loser_id)
    opened = SalesCycle.objects.filter(
        lead=whose.survivor_id, opened_at__gte=whose.since, opened_by_inquiry__lead=loser
    )
    for cycle in opened.order_by("number"):
        old = _open(loser)
        if old is not None and not cycle.outcome:
            survivor = Lead.objects.get(pk=whose.survivor_id)
            _absorb(Merging(loser, survivor, whose.since, None), old, cycle)
        else:
            highest = loser.cycles.aggregate(Max("number"))["number__max"] or 0
            yield Found(SalesCycle, [cycle.pk], changes={"number": highest + 1})


@after_taking_apart
def reconcile(lead: Lead, at: datetime) -> None:
    """Make cycle, stage and owner agree with their ledgers, where later changes split them.

    Nothing to do when nothing happened between merge and unmerge.
    """
    _follow_cycles(lead)
    _follow_transitions(lead)
    _follow_ledgers(lead, at)
    refresh_next_step(lead.pk)


def _follow_cycles(lead: Lead) -> None:
    """What belongs to a cycle belongs to the lead whose cycle it is."""
    for model in (Transition, Deal, Assignment, RoutingDecision, ResponseClock):
        strays: Any = model._default_manager.filter(cycle__lead=lead).exclude(lead=lead)
        if (
            model is Assignment
            and Assignment.objects.filter(Assignment.CURRENT, lead=lead).exists()
        ):
            strays = strays.exclude(Assignment.CURRENT)
        strays.update(lead=lead)


def _follow_transitions(lead: Lead) -> None:
    """How far each cycle came, by the transitions it has now."""
    for cycle in lead.cycles.all():
        reached = cycle.transitions.exclude(to_stage__category=Stage.Category.LOST)
        furthest = reached.select_related("to_stage").order_by("-to_stage__position").first()
        if furthest is not None and furthest.to_stage_id != cycle.furthest_id:
            SalesCycle.objects.filter(pk=cycle.pk).update(furthest=furthest.to_stage)


def _follow_ledgers(lead: Lead, at: datetime) -> None:
    last = Transition.objects.select_related("to_stage").filter(lead=lead)
    moved = last.order_by("-at", "-pk").first()
    if moved is not None and moved.to_stage_id != lead.stage_id:
        changes: dict[str, Any] = {"stage": moved.to_stage, "stage_entered_at": moved.at}
        if not moved.to_stage.is_open:
            changes["status"] = moved.to_stage.category
        Lead.objects.filter(pk=lead.pk).update(**changes)
    current = _current(lead)
    if current is not None:
        Lead.objects.filter(pk=lead.pk).update(owner=current.owner, team=current.team)
    elif lead.owner_id or lead.team_id:
        Assignment.objects.create(
            lead=lead,
            cycle=_open(lead),
            owner=lead.owner,
            team=lead.team,
            from_at=at,
            cause=Assignment.Cause.MANUAL,
        )
