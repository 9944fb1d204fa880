"""What ends or postpones a lead's turn on somebody's list."""

from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict
from leads.models import Lead
from pipeline.actions.answers import accept
from pipeline.actions.ledger import lock_lead
from pipeline.actions.work import complete_task, create_task, snooze_task
from pipeline.models import Task


class AnswerFirst(Conflict):
    """A lead that waits for an answer is not done without one."""

    code = "answer_first"


@transaction.atomic
def finish_for_today(lead_id: int, *, user: User, at: datetime) -> None:
    """Tick off what was due for a lead and note that it was looked after today.

    :raises AnswerFirst: somebody still owes it a reply.
    """
    lead = lock_lead(lead_id)
    if lead.response_due_at is not None and lead.responded_at is None:
        raise AnswerFirst(f"{lead.name} waits for an answer. Log the call or e-mail first.")
    take_on(lead, user=user, at=at)
    due = Task.objects.filter(lead=lead, assignee=user, done_at=None, due_at__lte=at)
    ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True))
    if not ids:
        ids = [create_task(lead.pk, title="Looked after", at=at, assignee=user, actor=user).pk]
    for task_id in ids:
        complete_task(task_id, user=user, at=at)


@transaction.atomic
def come_back_later(lead_id: int, *, user: User, until: datetime, at: datetime) -> None:
    """Put a lead out of sight until then: its open tasks sleep, else a reminder is made."""
    lead = lock_lead(lead_id)
    take_on(lead, user=user, at=at)
    tasks = Task.objects.filter(lead=lead, assignee=user, done_at=None, due_at__lte=until)
    ids = list(tasks.order_by("due_at", "pk").values_list("pk", flat=True))
    if not ids:
        title = f"Come back to {lead.name}"
        ids = [create_task(lead.pk, title=title, at=at, due_at=until, assignee=user, actor=user).pk]
    for task_id in ids:
        snooze_task(task_id, until=until, at=at)


def take_on(lead: Lead, *, user: User, at: datetime) -> None:
    """Working with a lead of one's own accepts it."""
    if lead.owner == user:
        accept(lead.pk, user=user, at=at)
