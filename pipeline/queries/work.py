"""What is to be done, by whom and when."""

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from leadcrm.accounts.models import User
from leads.models import Lead
from pipeline.models import Task

# A snoozed task is due when the snooze ends, unless it is due later anyway.
EFFECTIVE_DUE = Greatest("due_at", Coalesce("snoozed_until", "due_at"))


def tasks_visible_to(principal: Any) -> QuerySet[Task]:
    """Tasks of leads somebody may see."""
    return Task.objects.filter(
        lead__in=Lead.objects.visible_to(principal).values("pk")
    ).select_related("lead", "assignee")


def open_tasks_of(lead_id: int) -> QuerySet[Task]:
    return (
        Task.objects.filter(lead_id=lead_id, done_at=None)
        .select_related("assignee")
        .order_by(F("due_at").asc(nulls_last=True), "pk")
    )


def to_do(user: User, *, at: datetime) -> QuerySet[Task]:
    """A person's open tasks that are not snoozed, the most urgent first."""
    return (
        tasks_visible_to(user)
        .filter(assignee=user, done_at=None)
        .filter(Q(snoozed_until=None) | Q(snoozed_until__lte=at))
        .order_by(F("due_at").asc(nulls_last=True), "pk")
    )


def snoozed(user: User, *, at: datetime) -> QuerySet[Task]:
    return (
        tasks_visible_to(user)
        .filter(assignee=user, done_at=None, snoozed_until__gt=at)
        .order_by("snoozed_until", "pk")
    )


def done_since(user: User, *, since: datetime) -> QuerySet[Task]:
    return (
        Task.objects.filter(assignee=user, done_at__gte=since)
        .select_related("lead")
        .order_by("-done_at", "-pk")
    )
