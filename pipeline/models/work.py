from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models import Lead


class Task(models.Model):
    """Something a colleague means to do for a lead."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        MEETING = "meeting", "Meeting"
        TODO = "todo", "To do"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="tasks")
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="tasks")
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.TODO)
    title = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["assignee", "due_at", "id"], condition=Q(done_at=None), name="task_to_do"
            ),
            models.Index(
                fields=["lead", "due_at"], condition=Q(done_at=None), name="task_open_of_lead"
            ),
            models.Index(
                fields=["assignee", "-done_at"],
                condition=Q(done_at__isnull=False),
                name="task_done",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_done(self) -> bool:
        return self.done_at is not None


class StaffEmail(WorkItem):
    """One e-mail to a colleague, sent by a worker outside any transaction."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SENT = "sent", "Sent"
        DEAD = "dead", "Gave up"

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    lead = models.ForeignKey(Lead, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    dedupe_key = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="staff_email_due"),
        ]

    def __str__(self) -> str:
        return self.subject
