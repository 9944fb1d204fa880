"""The response clock: from the receipt of an inquiry to the first human answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from leadcrm.accounts.models import Role, User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.activity_types import RESPONDING
from leads.events import LeadTakenOver
from leads.models import Activity, Lead, Status
from pipeline import queries
from pipeline.actions.answers import mark_accepted
from pipeline.actions.defaults import TARGET_MINUTES
from pipeline.actions.ledger import lock_lead, open_cycle_of, save_lead, write_transition
from pipeline.actions.owners import assign
from pipeline.models import Assignment, ResponseClock, ResponseTarget, SalesCycle, Transition
from pipeline.worktime import after_working_minutes, working_seconds

QUEUE = "response_clocks"
LONGEST_WARNING = timedelta(minutes=15)
SPOKE = frozenset({"call_connected", "call_inbound", "meeting_booked", "meeting_held"})
CONTACTED_STAGE = "contacted"


def start_clock(lead: Lead, cycle: SalesCycle, *, since: datetime, at: datetime) -> None:
    """Start the clock of a cycle at an inquiry's receipt, or again if that came after an answer.

    The lead must be locked. Run twice it changes nothing the second time.
    """
    clock = ResponseClock.objects.filter(cycle=cycle).first()
    if clock is not None and not _asks_again(clock, since):
        return
    target = queries.target_for(lead.pk)
    respond_by = _respond_by(lead, target, since)
    values = {
        "lead": lead,
        "target": target,
        "target_minutes": target.minutes if target else TARGET_MINUTES,
        "uses_working_hours": bool(target and target.uses_working_hours),
        "started_at": since,
        "respond_by": respond_by,
    }
    clock, _ = ResponseClock.objects.update_or_create(
        cycle=cycle,
        defaults={
            **values,
            "due_at": warn_at(ResponseClock(**values)),
            "lease_token": None,
            "attempts": 0,
            "is_stale": False,
            **dict.fromkeys(_OUTCOME),
        },
    )
    save_lead(lead, at=at, response_started_at=since, response_due_at=respond_by, responded_at=None)
    answered = queries.first_response(lead.pk, since=since)
    if answered is not None:
        _stop(lead, clock, answered, at=at)


_OUTCOME = [
    "first_response_at",
    "stopped_by",
    "activity_id",
    "wall_seconds",
    "working_seconds",
    "cancelled_at",
    "warned_at",
    "late_at",
    "escalated_at",
    "climbed",
]


def _asks_again(clock: ResponseClock, since: datetime) -> bool:
    """Whether an inquiry received at `since` is news to a clock that has already stopped."""
    stopped_at = clock.first_response_at or clock.cancelled_at
    return stopped_at is not None and since > stopped_at


def _respond_by(lead: Lead, target: ResponseTarget | None, since: datetime) -> datetime:
    if target is not None and target.uses_working_hours:
        calendar = queries.calendar_for(lead.owner)
        return after_working_minutes(calendar, since, target.minutes)
    return since + timedelta(minutes=target.minutes if target else TARGET_MINUTES)


def warn_at(clock: ResponseClock) -> datetime:
    """As long before the end as the target says; else a quarter of the time, at most 15 minutes."""
    span = clock.respond_by - clock.started_at
    before = min(LONGEST_WARNING, span / 4)
    if clock.target is not None and clock.target.warn_minutes is not None:
        before = min(timedelta(minutes=clock.target.warn_minutes), span)
    return clock.respond_by - before


@transaction.atomic
def record_contact(lead_id: int, *, activity_id: int, at: datetime) -> None:
    """Let a human attempt or talk have its effects: the clock stops, status and stage move on.

    Anything automatic has none. Run twice it changes nothing the second time.
    """
    lead = lock_lead(lead_id)
    activity = Activity.objects.select_related("user").get(pk=activity_id, lead=lead)
    if activity.type not in RESPONDING or activity.klass != Activity.Class.HUMAN:
        return
    cycle = open_cycle_of(lead)
    if cycle is None:
        return
    _note_first_response(lead, cycle, activity)
    clock = ResponseClock.objects.filter(ResponseClock.RUNNING, cycle=cycle).first()
    if clock is not None and activity.occurred_at >= clock.started_at:
        _stop(lead, clock, activity, at=at)
    _take_over(lead, activity, at=at)
    _move_on(lead, cycle, activity, at=at)


def _note_first_response(lead: Lead, cycle: SalesCycle, activity: Activity) -> None:
    if activity.occurred_at < cycle.received_at:
        return
    known = cycle.first_response_at
    if known is not None and known <= activity.occurred_at:
        return
    cycle.first_response_at = activity.occurred_at
    cycle.first_response_activity_id = activity.pk
    cycle.first_response_by = activity.user or lead.owner
    cycle.save(
        update_fields=["first_response_at", "first_response_activity_id", "first_response_by"]
    )


def _stop(lead: Lead, clock: ResponseClock, activity: Activity, *, at: datetime) -> None:
    answered_at = activity.occurred_at
    calendar = queries.calendar_for(lead.owner or activity.user)
    clock.first_response_at = answered_at
    clock.stopped_by = activity.user or lead.owner
    clock.activity_id = activity.pk
    clock.wall_seconds = int((answered_at - clock.started_at).total_seconds())
    clock.working_seconds = working_seconds(calendar, clock.started_at, answered_at)
    clock.due_at, clock.lease_token = None, None
    clock.save()
    _note_first_response(lead, clock.cycle, activity)
    save_lead(lead, at=at, responded_at=answered_at)


def _take_over(lead: Lead, activity: Activity, *, at: datetime) -> None:
    """A rep who talks to a lead nobody owns gets it; and the others learn who works with it."""
    user = activity.user
    if user is None:
        return
    if lead.owner is None and user.role == Role.REP:
        assign(lead.pk, owner=user, at=at, actor=user, cause=Assignment.Cause.CLAIMED)
        lead.owner = user
    if lead.owner == user:
        mark_accepted(lead, at=at)


def _move_on(lead: Lead, cycle: SalesCycle, activity: Activity, *, at: datetime) -> None:
    status = Status.CONNECTED if activity.type in SPOKE else Status.ATTEMPTING
    ahead = [Status.NEW, Status.ATTEMPTING] if status == Status.CONNECTED else [Status.NEW]
    if lead.status in ahead:
        save_lead(lead, at=at, status=status)
    stages = {stage.key: stage for stage in cycle.pipeline.stages.all()}
    contacted = stages.get(CONTACTED_STAGE)
    first = min(stages.values(), key=lambda stage: stage.position)
    if contacted is not None and contacted.is_open and lead.stage_id == first.pk != contacted.pk:
        write_transition(
            lead,
            cycle,
            contacted,
            at=max(at, activity.occurred_at),
            actor=activity.user,
            cause=Transition.Cause.CONTACTED,
        )


@transaction.atomic
def announce_takeover(lead_id: int, *, user_id: int, at: datetime) -> None:
    """Tell everybody that a person works with the lead, so that automatic mail stops."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        publish(LeadTakenOver(lead_id=lead_id, user_id=user_id), at=at, actor=user)


@transaction.atomic
def retime_clock(lead_id: int, *, at: datetime) -> None:
    """Count the working hours of the new owner, unless the answer is late already."""
    lead = lock_lead(lead_id)
    clock = (
        ResponseClock.objects.select_related("target")
        .filter(ResponseClock.RUNNING, lead=lead, uses_working_hours=True, late_at=None)
        .first()
    )
    if clock is None:
        return
    recount(lead, clock, at=at)
    clock.lease_token = None
    clock.save(update_fields=["respond_by", "due_at", "lease_token", "is_stale"])


@transaction.atomic
def reaim_clock(lead_id: int, *, at: datetime) -> None:
    """Let the target that holds now count, if it asks for an earlier answer.

    A lead turns out to be hot, or comes to another stage, after its clock began. Nothing gets
    more time by that, and what is late stays late.
    """
    if not ResponseTarget.objects.filter(enabled=True).exclude(condition={}).exists():
        return
    lead = lock_lead(lead_id)
    clock = ResponseClock.objects.filter(ResponseClock.RUNNING, lead=lead, late_at=None).first()
    target = queries.target_for(lead.pk) if clock else None
    if clock is None or target is None or target.pk == clock.target_id:
        return
    respond_by = _respond_by(lead, target, clock.started_at)
    if respond_by >= clock.respond_by:
        return
    clock.target, clock.target_minutes = target, target.minutes
    clock.uses_working_hours, clock.respond_by = target.uses_working_hours, respond_by
    clock.warned_at, clock.lease_token = None, None
    clock.due_at = warn_at(clock)
    clock.save()
    save_lead(lead, at=at, response_due_at=respond_by)
    pump.wake(QUEUE)


def recount(lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    """When the answer is due by the calendar as it is now; the caller saves the clock.

    What was late and, as hours or holidays are now, is not, is late no more.
    """
    calendar = queries.calendar_for(lead.owner)
    clock.respond_by = after_working_minutes(calendar, clock.started_at, clock.target_minutes)
    clock.is_stale = False
    if clock.late_at is not None and clock.respond_by > at:
        clock.late_at = clock.escalated_at = clock.climbed = None
    if clock.late_at is None:
        warned = clock.warned_at is not None
        clock.due_at = clock.respond_by if warned else warn_at(clock)
    save_lead(lead, at=at, response_due_at=clock.respond_by)


def mark_stale(owners: Sequence[User] | None) -> int:
    """Let running clocks that count working time be counted again: of these people’s leads, or all.

    Done by the sweep, so that a new holiday costs one statement here; how many it will look at.
    """
    clocks = ResponseClock.objects.filter(ResponseClock.RUNNING, uses_working_hours=True)
    if owners is not None:
        clocks = clocks.filter(lead__owner__in=owners)
    number = clocks.update(is_stale=True, due_at=Now(), lease_token=None)
    if number:
        pump.wake(QUEUE)
    return number


def cancel_clock(lead: Lead, cycle: SalesCycle, *, at: datetime) -> None:
    """Stop waiting without an answer: the cycle is over."""
    ResponseClock.objects.filter(ResponseClock.RUNNING, cycle=cycle).update(
        cancelled_at=at, due_at=None, lease_token=None
    )
    if lead.responded_at is None and lead.response_due_at is not None:
        save_lead(lead, at=at, response_due_at=None)
