"""Who is who: what a person says differently, who may be the same, and who was merged."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models.capture import Inquiry
from leads.models.lead import Lead, visible_lead


class FieldProposal(models.Model):
    """A value that a known person gave, other than the one we know. A colleague decides.

    `field` is a contact field or `custom.<key>`; `before` is what an accepted value replaced.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="proposals", db_index=False)
    field = models.CharField(max_length=60)
    value = models.JSONField()
    before = models.JSONField(null=True, blank=True)
    inquiry = models.ForeignKey(Inquiry, models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "field"], condition=Q(state="open"), name="one_open_proposal"
            )
        ]
        indexes = [models.Index(fields=["lead", "state", "-id"], name="proposal_by_lead")]

    def __str__(self) -> str:
        return f"{self.field} of {self.lead_id}"


class CandidateQuerySet(models.QuerySet["DuplicateCandidate"]):
    def open(self) -> Self:
        return self.filter(state="open")

    def visible_to(self, principal: Any) -> Self:
        """Pairs of which this person may see both."""
        return self.filter(
            visible_lead(principal, path="lead_a"), visible_lead(principal, path="lead_b")
        )


class DuplicateCandidate(models.Model):
    """Two leads that may be one person. “Not duplicates” is remembered for ever.

    `reasons`: `[{"code", "words"}]`. `is_same`: the class that may be merged in bulk.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DISMISSED = "dismissed", "Not duplicates"
        MERGED = "merged", "Merged"

    lead_a = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    lead_b = models.ForeignKey(Lead, models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField()
    is_same = models.BooleanField(default=False, db_default=False)
    reasons = models.JSONField(default=list)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects: ClassVar[Any] = CandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead_a", "lead_b"], name="one_candidate_per_pair"),
            models.CheckConstraint(condition=Q(lead_a__lt=F("lead_b")), name="candidate_in_order"),
        ]
        indexes = [
            models.Index(
                fields=["-score", "-id"], condition=Q(state="open"), name="candidate_to_decide"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_a_id} and {self.lead_b_id}: {self.score}"


class DuplicateCheck(WorkItem):
    """A lead whose twins must be looked for; once, however often it changed."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="duplicate_check_due")
        ]

    def __str__(self) -> str:
        return str(self.lead_id)


class DuplicateSearch(WorkItem):
    """A search through all leads, in ranges of ids; `next_id` is where it goes on."""

    next_id = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField()
    checked = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    started_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="duplicate_search_due")
        ]

    def __str__(self) -> str:
        return f"Search to {self.last_id}: {self.next_id}"

    @property
    def percent(self) -> int:
        """How far it is, by ids."""
        return min(100, self.next_id * 100 // max(self.last_id, 1))


class Merge(models.Model):
    """Two leads became one. `plan` says how to undo it: see `leads.merging.journal`.

    `choices`: `{field: "survivor" | "loser"}` where a person chose; `split`: what went back when it
    was undone.
    """

    class Way(models.TextChoices):
        HAND = "hand", "By hand"
        BULK = "bulk", "In bulk"
        API = "api", "By the API"

    survivor = models.ForeignKey(Lead, models.CASCADE, related_name="merges")
    loser = models.ForeignKey(Lead, models.CASCADE, related_name="merged_by", db_index=False)
    way = models.CharField(max_length=4, choices=Way, default=Way.HAND)
    batch = models.UUIDField(null=True, blank=True)  # those of one bulk action
    choices = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    plan = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    counts = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    split = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    unmerged_at = models.DateTimeField(null=True, blank=True)
    unmerged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    ACTIVE: ClassVar[Q] = Q(unmerged_at=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser"], condition=Q(unmerged_at=None), name="merged_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(survivor=F("loser")), name="merged_with_somebody_else"
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="merge_by_batch"),
            models.Index(fields=["loser", "-id"], name="merge_by_loser"),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id} into {self.survivor_id}"
