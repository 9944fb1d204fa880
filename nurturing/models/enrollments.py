from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leads.models import Lead
from nurturing.models.campaigns import DripCampaign, DripVersion, Step
from nurturing.reasons import REASONS


class Enrollment(WorkItem):
    """A lead inside a drip campaign, standing at `step` until `due_at`.

    While paused `due_at` is empty and `resume_at` keeps the moment it had.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "In it"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        EXITED = "exited", "Left"

    campaign = models.ForeignKey(
        DripCampaign, models.CASCADE, related_name="enrollments", db_index=False
    )
    version = models.ForeignKey(DripVersion, models.CASCADE, related_name="enrollments")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="enrollments", db_index=False)
    step = models.ForeignKey(
        Step, models.SET_NULL, null=True, blank=True, related_name="enrollments"
    )
    state = models.CharField(max_length=9, choices=State, default=State.ACTIVE)
    cause = models.CharField(max_length=40, blank=True)  # what put the lead in: capture, manual …
    inquiry_id = models.BigIntegerField(null=True, blank=True)
    exit_reason = models.CharField(max_length=30, blank=True)
    reached_goal_at = models.DateTimeField(null=True, blank=True)
    entered_at = models.DateTimeField(db_default=Now())
    step_since = models.DateTimeField(db_default=Now())
    resume_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    INSIDE: ClassVar[Q] = Q(state__in=["active", "paused"])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "lead"],
                condition=Q(state__in=["active", "paused"]),
                name="enrolled_once_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="enrollment_due"),
            models.Index(fields=["lead", "-entered_at"], name="enrollment_by_lead"),
            models.Index(fields=["campaign", "-id"], name="enrollment_by_campaign"),
            models.Index(
                fields=["step"],
                condition=Q(state__in=["active", "paused"]),
                name="enrollment_by_step",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.campaign_id}"

    @property
    def is_inside(self) -> bool:
        return self.state in {self.State.ACTIVE, self.State.PAUSED}

    @property
    def exit_words(self) -> str:
        return REASONS.get(self.exit_reason, self.exit_reason)
