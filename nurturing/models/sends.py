from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models import Lead
from nurturing.models.campaigns import DripCampaign, Step
from nurturing.models.enrollments import Enrollment
from nurturing.models.templates import TemplateVersion


class Send(WorkItem):
    """One mail to one person, from the plan to its fate; each state with its reason.

    `planned → claimed → handed_off → accepted → delivered | bounced | complained`;
    `planned | claimed → skipped | deferred → planned`; `handed_off → unknown`: the process died
    between the end of the message and the server's answer, so nobody knows, and it is never sent
    again by itself.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        CLAIMED = "claimed", "Being sent"
        HANDED_OFF = "handed_off", "Handed over"
        ACCEPTED = "accepted", "Sent"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Reported as spam"
        SKIPPED = "skipped", "Not sent"
        DEFERRED = "deferred", "Postponed"
        UNKNOWN = "unknown", "In doubt"
        FAILED = "failed", "Failed"

    WAITING: ClassVar[frozenset[str]] = frozenset({"planned", "claimed", "deferred"})
    GONE: ClassVar[frozenset[str]] = frozenset(
        {"handed_off", "accepted", "delivered", "bounced", "complained", "unknown"}
    )

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    enrollment = models.ForeignKey(Enrollment, models.CASCADE, related_name="sends", db_index=False)
    campaign = models.ForeignKey(DripCampaign, models.CASCADE, related_name="sends", db_index=False)
    step = models.ForeignKey(Step, models.SET_NULL, null=True, related_name="sends")
    step_key = models.CharField(max_length=20)
    visit = models.PositiveSmallIntegerField(default=1)
    variant = models.CharField(max_length=10, blank=True)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="sends", db_index=False)
    template_version = models.ForeignKey(
        TemplateVersion, models.PROTECT, null=True, related_name="sends"
    )
    topic = models.CharField(max_length=40, blank=True)

    message_id = models.CharField(max_length=200, unique=True)  # the same for every attempt
    email_hash = models.CharField(max_length=64, blank=True)
    to_address = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)

    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    reason_code = models.CharField(max_length=30, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    smtp_response = models.CharField(max_length=300, blank=True)
    planned_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, blank=True)
    handed_off_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    # The first of each that a person did; machines are in DeliveryEvent only.
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "step_key", "visit"], name="sent_once_per_visit"
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="send_due"),
            models.Index(fields=["lead", "-id"], name="send_by_lead"),
            models.Index(fields=["campaign", "-id"], name="send_by_campaign"),
            models.Index(fields=["campaign", "step_key", "state"], name="send_by_step"),
            models.Index(
                fields=["email_hash"],
                condition=Q(state__in=["planned", "claimed", "deferred"]),
                name="send_waiting_by_address",
            ),
            models.Index(
                fields=["lead", "handed_off_at"],
                condition=Q(handed_off_at__isnull=False),
                name="send_by_lead_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.public_id}: {self.state}"

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING


class Link(models.Model):
    """A web address that mails point to. Click links name its id, so they can lead nowhere else."""

    url = models.TextField()
    url_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.url


class DeliveryEvent(models.Model):
    """Something that was reported about a mail, raw, with the judgement whether a person did it."""

    class Kind(models.TextChoices):
        OPEN = "open", "Opened"
        CLICK = "click", "Clicked"
        BOUNCE = "bounce", "Bounced"
        COMPLAINT = "complaint", "Reported as spam"
        DELIVERED = "delivered", "Delivered"
        REPLY = "reply", "Replied"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribed"

    class Class(models.TextChoices):
        HUMAN = "human", "Human"
        MACHINE = "machine", "Machine"
        UNKNOWN = "unknown", "Unknown"

    send = models.ForeignKey(Send, models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind)
    klass = models.CharField(max_length=7, choices=Class, default=Class.UNKNOWN)
    reasons = ArrayField(models.CharField(max_length=30), default=list)
    link = models.ForeignKey(Link, models.SET_NULL, null=True, blank=True, related_name="+")
    ip = models.CharField(max_length=45, blank=True)  # cut to /24 or /48
    user_agent = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["send", "kind", "at"], name="event_by_send"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.klass}) of {self.send_id}"
