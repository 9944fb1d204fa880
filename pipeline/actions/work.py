"""What colleagues do: tasks, and calls, e-mails and meetings written down."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import models, transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import record_activity
from leads.models import Lead
from pipeline import queries
from pipeline.actions.entering import check_next_step
from pipeline.actions.ledger import lock_lead
from pipeline.actions.response import record_contact
from pipeline.models import Task

TITLE_LIMIT = 200
NOTE_LIMIT = 20_000


class CallOutcome(models.TextChoices):
    CONNECTED = "connected", "Spoke"
    NO_ANSWER = "no_answer", "No answer"
    VOICEMAIL = "voicemail", "Left a voicemail"
    BUSY = "busy", "Busy"
    WRONG_NUMBER = "wrong_number", "Wrong number"


class MeetingOutcome(models.TextChoices):
    BOOKED = "booked", "Booked"
    HELD = "held", "Held"
    NO_SHOW = "no_show", "Did not come"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """The next step to plan with what was just logged."""

    title: str
    due_at: datetime | None = None
    kind: str = Task.Kind.TODO


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What usually comes next: in hours from now, or on the morning some days from now."""

    title: str
    kind: str
    hours: int = 0
    days: int = 0

    @property
    def when(self) -> str:
        if self.hours:
            return f"in {self.hours} hours"
        return "tomorrow" if self.days == 1 else f"in {self.days} days"

    def moment(self, local: datetime) -> datetime:
        """:param local: now, where the person is; mornings begin at nine, and not on week-ends."""
        if self.hours:
            return local + timedelta(hours=self.hours)
        found = (local + timedelta(days=self.days)).replace(
            hour=9, minute=0, second=0, microsecond=0
        )
        return found + timedelta(days=max(0, 7 - found.weekday()) if found.weekday() > 4 else 0)

    def follow_up(self, local: datetime) -> FollowUp:
        return FollowUp(title=self.title, due_at=self.moment(local), kind=self.kind)


def suggestion_for(deed: str, lead: Lead) -> Suggestion | None:
    """The next step after a call's or meeting's outcome, or an e-mail; None: nothing is usual."""
    found = SUGGESTIONS.get(deed)
    if found is None:
        return None
    return replace(found, title=found.title.format(name=lead.first_name or lead.name))


SUGGESTIONS = {
    "connected": Suggestion("Send {name} what was agreed", "email", days=1),
    "no_answer": Suggestion("Call {name} again", "call", hours=4),
    "voicemail": Suggestion("Call {name} again", "call", days=2),
    "busy": Suggestion("Call {name} again", "call", hours=1),
    "wrong_number": Suggestion("Find the right number of {name}", "todo", days=1),
    "email": Suggestion("Ask {name} whether the e-mail arrived", "call", days=3),
    "held": Suggestion("Send {name} the next steps", "email", days=1),
    "no_show": Suggestion("Offer {name} another time", "email", hours=1),
}


class TaskDone(Conflict):
    """The task was done before."""

    code = "task_done"


# Logging ------------------------------------------------------------------------------------------


def log_call(
    lead_id: int,
    *,
    user: User,
    outcome: str,
    at: datetime,
    note: str = "",
    minutes: int | None = None,
    inbound: bool = False,
    follow_up: FollowUp | None = None,
) -> int:
    """Write down a call; it stops the response clock. Returns the activity's id.

    :raises Invalid: no such outcome.
    """
    known = _choice(CallOutcome, outcome)
    reached = known == CallOutcome.CONNECTED
    type_ = "call_connected" if reached else "call_attempt"
    properties = {"outcome": known.value, "note": note, "minutes": minutes}
    return _log(
        lead_id,
        "call_inbound" if inbound else type_,
        properties,
        user=user,
        at=at,
        follow_up=follow_up,
    )


def log_email(
    lead_id: int,
    *,
    user: User,
    at: datetime,
    subject: str = "",
    note: str = "",
    follow_up: FollowUp | None = None,
) -> int:
    """Write down an e-mail that a colleague wrote personally; it stops the response clock."""
    properties = {"subject": clean_text(subject, limit=200), "note": note}
    return _log(lead_id, "email_outbound", properties, user=user, at=at, follow_up=follow_up)


def log_meeting(
    lead_id: int,
    *,
    user: User,
    at: datetime,
    outcome: str = MeetingOutcome.BOOKED,
    note: str = "",
    starts_at: datetime | None = None,
    follow_up: FollowUp | None = None,
) -> int:
    """Write down a meeting that was booked, held or missed; a booked one becomes a task.

    :raises Invalid: no such outcome.
    """
    known = _choice(MeetingOutcome, outcome)
    properties = {"note": note, "starts_at": starts_at.isoformat() if starts_at else None}
    type_ = f"meeting_{known.value}"
    if known == MeetingOutcome.BOOKED and starts_at is not None and follow_up is None:
        follow_up = FollowUp(title="Meeting", due_at=starts_at, kind=Task.Kind.MEETING)
    return _log(lead_id, type_, properties, user=user, at=at, follow_up=follow_up)


@transaction.atomic
def _log(
    lead_id: int,
    type_: str,
    properties: dict[str, Any],
    *,
    user: User,
    at: datetime,
    follow_up: FollowUp | None,
) -> int:
    lead = lock_lead(lead_id)
    check_next_step(lead, planned=follow_up is not None)
    properties["note"] = clean_text(properties["note"], limit=NOTE_LIMIT)
    kept = {key: value for key, value in properties.items() if value not in (None, "")}
    # Without a dedupe key it is always written, so there is always an id.
    activity_id = cast(int, record_activity(lead_id, type_, at=at, user=user, properties=kept))
    record_contact(lead_id, activity_id=activity_id, at=at)
    if follow_up is not None:
        create_task(
            lead_id,
            title=follow_up.title,
            kind=follow_up.kind,
            due_at=follow_up.due_at,
            assignee=user,
            actor=user,
            at=at,
        )
    return activity_id


def _choice(choices: Any, value: str) -> Any:
    if value not in choices.values:
        raise Invalid.field("outcome", f"The outcome is one of {', '.join(choices.values)}.")
    return choices(value)


# Tasks --------------------------------------------------------------------------------------------


@transaction.atomic
def create_task(
    lead_id: int,
    *,
    title: str,
    at: datetime,
    kind: str = Task.Kind.TODO,
    due_at: datetime | None = None,
    assignee: User | None = None,
    actor: User | None = None,
) -> Task:
    """Plan something to do; without an assignee it is the lead owner's.

    :raises Invalid: no title, an unknown kind, or an assignee whose account is switched off.
    """
    lead = lock_lead(lead_id)
    task = Task.objects.create(
        lead=lead,
        title=_title(title),
        kind=_kind(kind),
        due_at=due_at,
        assignee=_assignee(assignee or lead.owner or actor),
        created_by=actor,
        created_at=at,
    )
    refresh_next_step(lead.pk)
    return task


def _title(title: str) -> str:
    text = clean_text(title, limit=TITLE_LIMIT)
    if not text:
        raise Invalid.field("title", "Say in a few words what is to be done.", "required")
    return text


def _kind(kind: str) -> str:
    if kind not in Task.Kind.values:
        raise Invalid.field("kind", f"A task is one of {', '.join(Task.Kind.values)}.")
    return kind


def _assignee(user: User | None) -> User | None:
    if user is not None and not user.is_active:
        raise Invalid.field("assignee", f"{user.name}’s account is switched off. Choose another.")
    return user


@transaction.atomic
def update_task(task_id: int, **changes: Any) -> Task:
    """Change title, kind, due_at or assignee of an open task.

    :raises TaskDone: reopen it first. :raises NotFound, Invalid:
    """
    task = _lock_open(task_id)
    cleaners: dict[str, Any] = {"title": _title, "kind": _kind, "assignee": _assignee}
    for field, value in changes.items():
        setattr(task, field, cleaners[field](value) if field in cleaners else value)
    if "due_at" in changes:
        task.snoozed_until = None
    task.save()
    refresh_next_step(task.lead_id)
    return task


@transaction.atomic
def complete_task(task_id: int, *, user: User | None, at: datetime, outcome: str = "") -> Task:
    """Tick it off, once.

    :raises TaskDone: it was ticked off before. :raises NotFound:
    :raises NextStepMissing: the pipeline wants another one planned first.
    """
    task = _lock_open(task_id)
    check_next_step(lock_lead(task.lead_id), leaving=task.pk)
    task.done_at, task.done_by = at, user
    task.outcome = clean_text(outcome, limit=TITLE_LIMIT)
    task.save(update_fields=["done_at", "done_by", "outcome"])
    properties = {"task": task.pk, "title": task.title, "outcome": task.outcome}
    record_activity(task.lead_id, "task_done", at=at, user=user, properties=properties)
    refresh_next_step(task.lead_id)
    return task


@transaction.atomic
def reopen_task(task_id: int) -> Task:
    """Undo the tick."""
    task = _lock(task_id)
    task.done_at = task.done_by = None
    task.save(update_fields=["done_at", "done_by"])
    refresh_next_step(task.lead_id)
    return task


@transaction.atomic
def snooze_task(task_id: int, *, until: datetime, at: datetime) -> Task:
    """Put it out of sight until then.

    :raises Invalid: the moment has passed. :raises TaskDone, NotFound:
    """
    task = _lock_open(task_id)
    if until <= at:
        raise Invalid.field("until", "Choose a moment in the future to be reminded.")
    task.snoozed_until = until
    task.save(update_fields=["snoozed_until"])
    refresh_next_step(task.lead_id)
    return task


@transaction.atomic
def delete_task(task_id: int) -> None:
    task = _lock(task_id)
    task.delete()
    refresh_next_step(task.lead_id)


def _lock(task_id: int) -> Task:
    task = Task.objects.select_for_update(of=("self",)).filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task


def _lock_open(task_id: int) -> Task:
    task = _lock(task_id)
    if task.is_done:
        raise TaskDone("This task is done already. Reopen it to change it.")
    return task


def refresh_next_step(lead_id: int) -> None:
    """Make the lead's next step the earliest of its open tasks."""
    earliest = (
        Task.objects.filter(lead=lead_id, done_at=None, due_at__isnull=False)
        .annotate(effective=queries.EFFECTIVE_DUE)
        .aggregate(models.Min("effective"))["effective__min"]
    )
    Lead.objects.filter(pk=lead_id).exclude(next_step_at=earliest).update(next_step_at=earliest)
