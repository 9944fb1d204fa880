"""What an advertiser's system is told of the leads it brought: how far each came."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leads.models.capture import Inquiry
from leads.models.sources import Connection


class Feedback(models.Model):
    """What is told for one source, and under which names.

    `names`: what a conversion is called there, by `lead`, `mql`, `sql`, `won` or
    `stage:<pipeline>/<stage>`; one without a name is not told.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="feedback"
    )
    is_on = models.BooleanField(default=False)
    dataset = models.CharField(max_length=40, blank=True)
    names = models.JSONField(default=dict)
    sends_contact = models.BooleanField(default=False)  # hashed e-mail, phone and name beside
    test_code = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"Feedback to {self.connection_id}"


class FeedbackEvent(WorkItem):
    """One conversion of one inquiry, to be told once."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be told"
        SENT = "sent", "Told"
        NO_ACCESS = "no_access", "Waits for access"
        FAILED = "failed", "Refused"
        NOT_ALLOWED = "not_allowed", "Did not agree"
        LEFT_OUT = "left_out", "Left out"

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="feedback_events", db_index=False
    )
    inquiry = models.ForeignKey(
        Inquiry, models.CASCADE, related_name="feedback_events", db_index=False
    )
    conversion = models.CharField(max_length=70)
    name = models.CharField(max_length=100)
    at = models.DateTimeField()
    state = models.CharField(max_length=11, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    STUCK: ClassVar[tuple[str, ...]] = (State.NO_ACCESS, State.FAILED, State.NOT_ALLOWED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inquiry", "conversion"], name="conversion_told_once")
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="feedback_due"),
            models.Index(fields=["connection", "-id"], name="feedback_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of inquiry {self.inquiry_id}"
