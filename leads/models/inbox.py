"""What people do with the inbox: work on many captures at once, count them, teach the judge."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leads.models.capture import InboxItem


class InboxDeed(WorkItem):
    """One thing done to every capture of a filter, in batches, oldest first.

    `upto` is the newest capture there was when it was asked for: later ones are not meant.
    """

    class Kind(models.TextChoices):
        PROCESS = "process", "Process again"
        RELEASE = "release", "Not spam"
        REJECT = "reject", "Reject"
        RESTORE = "restore", "Take back"

    kind = models.CharField(max_length=8, choices=Kind)
    conditions = models.JSONField(default=dict)  # the filter's query, as the page writes it
    words = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    upto = models.BigIntegerField()
    cursor = models.BigIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="inbox_deed_due")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Reconciliation(models.Model):
    """One source's captures of one day, counted: received equals what became of them.

    `key` is the source's, `UNKNOWN` where none was recognised, `ALL` for the day as a whole.
    """

    ALL: ClassVar[str] = ""
    UNKNOWN: ClassVar[str] = "?"
    STATES: ClassVar[tuple[str, ...]] = (
        "applied",
        "quarantined",
        "needs_review",
        "failed",
        "rejected",
        "waiting",
        "expired",
    )

    day = models.DateField()
    key = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=80, blank=True)
    received = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    needs_review = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0, db_default=0)  # deleted as old quarantine
    inquiries = models.PositiveIntegerField(default=0)  # made of this day's captures
    breach = models.TextField(blank=True)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "key"], name="one_count_per_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"

    @property
    def counted(self) -> dict[str, int]:
        return {state: getattr(self, state) for state in self.STATES}

    @property
    def query(self) -> str:
        """The filter of the inbox that shows the captures this row counts."""
        if self.key == self.ALL:
            return f"utc_day={self.day}"
        of_source = "unknown=1" if self.key == self.UNKNOWN else f"source={self.key}"
        return f"utc_day={self.day}&{of_source}"

    @property
    def adds_up(self) -> bool:
        return self.received == sum(self.counted.values())


class ExpiredCaptures(models.Model):
    """How many captures of a day and source were deleted from quarantine: the count outlives them.

    `key` is the source's, `Reconciliation.UNKNOWN` where none was recognised.
    """

    day = models.DateField()  # on which they were received, of universal time
    key = models.CharField(max_length=50)
    name = models.CharField(max_length=80)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "key"], name="one_expiry_per_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}: {self.number}"


class SpamRule(models.Model):
    """An address or a domain that is always let through, or never."""

    class Kind(models.TextChoices):
        ALLOW = "allow", "Let through"
        BLOCK = "block", "Quarantine"

    kind = models.CharField(max_length=5, choices=Kind)
    value = models.CharField(max_length=254, unique=True)  # "bob@x.example" or "x.example"
    note = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    learned_from = models.ForeignKey(
        InboxItem, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="spam_rule_by_kind")]

    def __str__(self) -> str:
        return self.value


class SpamPolicy(models.Model):
    """How strict this workspace is. One row."""

    threshold = models.PositiveSmallIntegerField(default=5)
    most_links = models.PositiveSmallIntegerField(default=2)
    judges_language = models.BooleanField(default=True)
    judges_disposable = models.BooleanField(default=True)
    judges_repetition = models.BooleanField(default=True)
    proof_effort = models.PositiveIntegerField(default=50_000)  # hashes a browser tries at most
    # For so many days a capture waits in quarantine before it is deleted; 0: for ever.
    keep_days = models.PositiveSmallIntegerField(default=30, db_default=30)
    keep_unproven_days = models.PositiveSmallIntegerField(default=7, db_default=7)
    expired_at = models.DateTimeField(null=True, blank=True)  # when that was last looked after

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_spam_policy")]

    def __str__(self) -> str:
        return f"Quarantine from {self.threshold} points"

    @classmethod
    def load(cls) -> "SpamPolicy":
        """The defaults until somebody changes them."""
        found: Any = cls.objects.filter(pk=1).first()
        return found or cls(pk=1)
