from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models.lead import Lead


class Segment(WorkItem):
    """A named group of leads: all who meet its conditions now, or a list that people fill.

    `due_at` is when its members are counted anew from scratch: after a change of its conditions,
    and once a day, as a check. Between that, leads that change are looked at one by one, and those
    that time alone moves when their `SegmentClock` says so.
    """

    class Kind(models.TextChoices):
        LIVE = "live", "Live"
        FROZEN = "frozen", "Frozen list"

    public_id = models.CharField(max_length=12, default=new_public_id)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.LIVE)
    description = models.CharField(max_length=300, blank=True, db_default="")
    conditions = models.JSONField(default=dict)
    archived_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveIntegerField(default=0)  # leads inside, test entries too
    counted_at = models.DateTimeField(null=True, blank=True)
    next_id = models.BigIntegerField(default=0)  # how far a recount has come
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="segment_public_id"),
            models.UniqueConstraint(
                Lower("name"), condition=Q(archived_at=None), name="one_segment_per_name"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="segment_due")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        return self.kind == self.Kind.LIVE and self.archived_at is None

    @property
    def is_counting(self) -> bool:
        """Its conditions changed, and not every lead has been looked at yet."""
        return self.counted_at is None or self.next_id > 0


class SegmentClock(models.Model):
    """When the passing of time alone next moves a lead into a segment or out of one."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="+")
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="segment_clock_due")]

    def __str__(self) -> str:
        return f"{self.lead_id} at {self.due_at}"


class SegmentMembership(models.Model):
    """From when to when a lead was in a segment, and why. One without an end is in it now."""

    class Cause(models.TextChoices):
        CHANGE = "change", "The lead changed"
        TIME = "time", "Time passed"
        CONDITIONS = "conditions", "The conditions changed"
        RECOUNT = "recount", "Found when counting from scratch"
        HAND = "hand", "By hand"
        ARCHIVED = "archived", "The segment was archived"
        GONE = "gone", "The lead was deleted or merged"

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships", db_index=False)
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="segment_memberships", db_index=False
    )
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    came_by = models.CharField(max_length=10, choices=Cause, blank=True, db_default="")
    went_by = models.CharField(max_length=10, choices=Cause, blank=True, db_default="")
    added_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    removed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    NOW: ClassVar[Q] = Q(left_at=None)
    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "segment"], condition=Q(left_at=None), name="in_segment_once"
            )
        ]
        indexes = [
            models.Index(fields=["segment", "lead"], condition=Q(left_at=None), name="members_now"),
            models.Index(fields=["lead", "-entered_at"], name="membership_by_lead"),
            models.Index(fields=["segment", "-entered_at"], name="membership_by_entry"),
            models.Index(
                fields=["segment", "-left_at"],
                condition=Q(left_at__isnull=False),
                name="membership_by_exit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.segment_id}"
