"""What somebody typed into a form and did not send: kept for a while, if the form says so."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leads.models.capture import FormVersion, InboxItem


class Unfinished(WorkItem):
    """The answers of one visit to a form, as far as they came. Gone once they are sent, or old.

    Nothing is kept before the visitor named themselves on a page that told of it; boxes of consent
    are never kept, for they count only when they are sent.
    """

    class State(models.TextChoices):
        OPEN = "open", "May go on"
        STOPPED = "stopped", "Not sent"
        LEAD = "lead", "Made a lead"

    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="+")
    visit = models.CharField(max_length=64, unique=True)  # keyed hash of the page's nonce
    answers = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    email = models.CharField(max_length=254, blank=True)  # canonical
    last_field = models.CharField(max_length=40, blank=True)
    remote_address = models.CharField(max_length=45, blank=True)  # truncated
    state = models.CharField(max_length=7, choices=State, default=State.OPEN)
    inbox_item = models.OneToOneField(
        InboxItem, models.SET_NULL, null=True, blank=True, related_name="unfinished"
    )
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="unfinished_due"),
            models.Index(fields=["expires_at"], name="unfinished_by_end"),
            models.Index(fields=["email"], condition=~Q(email=""), name="unfinished_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email or 'Somebody'} at {self.version_id}"
