from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.tokens import new_public_id
from leads.models import Lead, TransactionalMail
from pipeline.models.work import Task


class LetterTemplate(models.Model):
    """A text to begin an e-mail with; nobody's own is everybody's."""

    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    owner = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="letter_templates"
    )
    updated_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["name", "id"], name="letter_template_by_name")]

    def __str__(self) -> str:
        return self.name


class Letter(models.Model):
    """An e-mail that a colleague wrote to a lead personally, and what became of it."""

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="letters", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="letters", db_index=False)
    template = models.ForeignKey(
        LetterTemplate, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    mail = models.OneToOneField(
        TransactionalMail, models.SET_NULL, null=True, blank=True, related_name="letter"
    )
    activity_id = models.BigIntegerField(null=True, blank=True)
    message_id = models.CharField(max_length=250, unique=True)
    answers = models.CharField(max_length=250, blank=True)  # the message it replies to
    to_address = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    is_tracked = models.BooleanField(default=True)
    written_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["lead", "-written_at", "-id"], name="letter_by_lead"),
            models.Index(fields=["user", "-written_at", "-id"], name="letter_by_author"),
        ]

    def __str__(self) -> str:
        return self.subject


class Meeting(models.Model):
    """A time agreed with a lead. `sequence` counts the invitations sent, as calendars want it."""

    class State(models.TextChoices):
        BOOKED = "booked", "Booked"
        HELD = "held", "Held"
        NO_SHOW = "no_show", "Did not come"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="meetings", db_index=False)
    host = models.ForeignKey(User, models.PROTECT, related_name="meetings", db_index=False)
    task = models.OneToOneField(
        Task, models.SET_NULL, null=True, blank=True, related_name="meeting"
    )
    title = models.CharField(max_length=120)
    place = models.CharField(max_length=300, blank=True)
    agenda = models.TextField(blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.BOOKED)
    is_invited = models.BooleanField(default=False)
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="meeting_ends_after_start"
            )
        ]
        indexes = [
            models.Index(fields=["lead", "-starts_at"], name="meeting_by_lead"),
            models.Index(fields=["host", "starts_at"], name="meeting_by_host"),
        ]

    def __str__(self) -> str:
        return self.title
