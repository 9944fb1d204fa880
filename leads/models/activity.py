from django.contrib.postgres.indexes import BTreeIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models.lead import Lead


class Activity(models.Model):
    """One thing a lead did, or that was done with it. Only ever added to; the timeline."""

    class Class(models.TextChoices):
        HUMAN = "human", "Human"
        MACHINE = "machine", "Machine"
        UNKNOWN = "unknown", "Unknown"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="activities", db_index=False)
    type = models.CharField(max_length=30)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    properties = models.JSONField(default=dict)
    category = models.CharField(max_length=40, blank=True, default="")  # product category
    klass = models.CharField(max_length=7, choices=Class, default=Class.HUMAN)
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )  # the colleague who did it
    dedupe_key = models.CharField(max_length=100, null=True, blank=True)
    link = models.ForeignKey(
        "leads.IdentityLink",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="activities",
        db_index=False,
    )  # through which a visitor's event became this; cutting the link takes it back

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(dedupe_key__isnull=False),
                name="activity_recorded_once",
            )
        ]
        indexes = [
            models.Index(fields=["lead", "occurred_at"], include=["type"], name="activity_by_lead"),
            BTreeIndex(
                fields=["user", "-occurred_at"],
                condition=Q(user__isnull=False),
                name="activity_by_user",
            ),
            models.Index(fields=["link"], condition=Q(link__isnull=False), name="activity_by_link"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.lead_id}"


class DirtyLead(WorkItem):
    """A lead whose score and segments must be worked out again; once, however often it changed."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=WorkItem.DUE, name="dirty_due")]

    def __str__(self) -> str:
        return str(self.lead_id)


class Note(models.Model):
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="notes", db_index=False)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lead", "-created_at"], name="note_by_lead")]

    def __str__(self) -> str:
        return self.body[:60]
