from typing import ClassVar

from django.db import models
from django.db.models import Q

from leadcrm.accounts.models import User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leads.models import Lead
from pipeline.models.funnel import SalesCycle


class ResponseTarget(models.Model):
    """How soon a lead should hear from a person. The first whose condition holds counts."""

    order = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=80)
    condition = models.JSONField(default=dict, blank=True)  # empty: every lead
    minutes = models.PositiveIntegerField(default=60)
    uses_working_hours = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=1), name="target_is_a_minute_or_more")
        ]
        indexes = [models.Index(fields=["order", "id"], name="target_in_order")]

    def __str__(self) -> str:
        return self.name


class ResponseClock(WorkItem):
    """How long a lead waits for a person. Runs from `started_at` until the first human response.

    `due_at` is when the sweep must look next: to warn, then to mark it late. A new inquiry after
    an answer starts the same clock again; the first response of the cycle stays on the cycle.
    """

    cycle = models.OneToOneField(SalesCycle, models.CASCADE, related_name="clock")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="response_clocks", db_index=False)
    target = models.ForeignKey(
        ResponseTarget,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    target_minutes = models.PositiveIntegerField()
    uses_working_hours = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    respond_by = models.DateTimeField()
    first_response_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    activity_id = models.BigIntegerField(null=True, blank=True)
    wall_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    working_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)  # closed without an answer
    warned_at = models.DateTimeField(null=True, blank=True)
    late_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    RUNNING: ClassVar[Q] = Q(first_response_at=None, cancelled_at=None)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_response_at=None)
                | Q(first_response_at__gte=models.F("started_at")),
                name="response_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=WorkItem.DUE, name="response_clock_due"
            ),
            models.Index(
                fields=["respond_by"],
                condition=Q(first_response_at=None, cancelled_at=None),
                name="response_clock_running",
            ),
            models.Index(fields=["started_at"], name="response_clock_by_start"),
            models.Index(fields=["lead"], name="response_clock_by_lead"),
            where_set("target", name="response_clock_by_target"),
            where_set("stopped_by", name="response_clock_by_person"),
        ]

    def __str__(self) -> str:
        return f"Clock of {self.lead_id}"

    @property
    def is_running(self) -> bool:
        return self.first_response_at is None and self.cancelled_at is None
