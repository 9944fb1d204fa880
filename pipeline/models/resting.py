from django.db import models
from django.db.models import Q

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models import Lead


class Rest(WorkItem):
    """A lead that was laid aside: why, and when to ask again. It is due on the day to wake it."""

    class Reason(models.TextChoices):
        NOT_NOW = "not_now", "Not now"
        NOT_A_FIT = "not_a_fit", "Not a fit"
        NOT_A_LEAD = "not_a_lead", "Not somebody who buys"
        DUPLICATE = "duplicate", "Known already"
        SPAM = "spam", "Spam or nonsense"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="rests", db_index=False)
    reason = models.CharField(max_length=10, choices=Reason)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    wake_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at=None), name="laid_aside_once"
            ),
            models.CheckConstraint(
                condition=~Q(reason="not_now") | Q(wake_at__isnull=False),
                name="not_now_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-at"], name="rest_by_lead"),
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="rest_due"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.get_reason_display()}"
