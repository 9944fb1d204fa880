from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leadcrm.accounts.models import User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leads.models import Lead
from pipeline.models.funnel import SalesCycle
from pipeline.models.routing import Assignment, Pool


class ResponseTarget(models.Model):
    """How soon a lead should hear from a person. The first whose condition holds counts."""

    order = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=80)
    condition = models.JSONField(default=dict, blank=True)  # empty: every lead
    minutes = models.PositiveIntegerField(default=60)
    uses_working_hours = models.BooleanField(default=False)
    warn_minutes = models.PositiveIntegerField(null=True, blank=True)  # before; none: by itself
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=1), name="target_is_a_minute_or_more")
        ]
        indexes = [models.Index(fields=["order", "id"], name="target_in_order")]

    def __str__(self) -> str:
        return self.name


class ResponseStep(models.Model):
    """What happens when a lead has had no answer for so long after its target."""

    class Deed(models.TextChoices):
        TELL_OWNER = "tell_owner", "Remind whoever has it"
        TELL_MANAGER = "tell_manager", "Tell the manager of the team"
        TELL_ABOVE = "tell_above", "Tell the manager above"
        TELL_PERSON = "tell_person", "Tell a person"
        NEXT = "next", "Give it to the next by the rules"
        TO_POOL = "to_pool", "Give it to somebody of a pool"
        TO_PERSON = "to_person", "Give it to a person"

    target = models.ForeignKey(ResponseTarget, models.CASCADE, related_name="steps")
    minutes = models.PositiveIntegerField()  # after the target, counted as the target is
    deed = models.CharField(max_length=12, choices=Deed)
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "minutes", "deed"], name="one_step_at_a_moment"
            ),
            models.CheckConstraint(
                condition=(
                    Q(deed__in=["tell_person", "to_person"], person__isnull=False)
                    | Q(deed="to_pool", pool__isnull=False)
                    | Q(deed__in=["tell_owner", "tell_manager", "tell_above", "next"])
                ),
                name="step_names_whom_it_needs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min: {self.get_deed_display()}"


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
    # How far up the ladder of steps it is, in minutes after the target; none: not on it.
    climbed = models.PositiveIntegerField(null=True, blank=True)
    # Working hours or holidays changed since `respond_by` was counted.
    is_stale = models.BooleanField(default=False, db_default=False)

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


class ClockHop(models.Model):
    """One thing that was done because a lead waited: the ledger of warnings and escalations."""

    class Kind(models.TextChoices):
        WARNED = "warned", "Warned that time runs out"
        LATE = "late", "Past the target"
        TOLD = "told", "Told"
        REASSIGNED = "reassigned", "Given to somebody else"
        NOBODY = "nobody", "Nobody else could take it"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="clock_hops", db_index=False)
    cycle = models.ForeignKey(SalesCycle, models.CASCADE, related_name="clock_hops")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    started_at = models.DateTimeField()  # of the clock's run it belongs to
    minutes = models.IntegerField(default=0)  # after the target; before it: negative
    words = models.CharField(max_length=300)  # whom, and what, for people
    told: Any = ArrayField(models.BigIntegerField(), default=list, blank=True)  # ids of users
    assignment = models.ForeignKey(
        Assignment, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["lead", "-at", "-id"], name="hop_by_lead"),
            where_set("assignment", name="hop_by_assignment"),
        ]

    def __str__(self) -> str:
        return self.words
