from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models import Lead, Temperature
from scoring.models.model import ModelVersion, ScoringModel


class Cause(models.TextChoices):
    """Why a score moved: the lead or time changed, or other rules were published."""

    CHANGE = "change", "Something changed"
    PUBLISH = "publish", "New rules"


class ScoreChange(models.Model):
    """Every change of a lead's score or temperature. Only ever added to.

    Without foreign-key checks in the database: a million of them are written when a version is
    published; deleting a lead still removes its rows.
    """

    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="score_changes", db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    from_score = models.SmallIntegerField()
    to_score = models.SmallIntegerField()
    from_temperature = models.CharField(max_length=4, choices=Temperature)
    to_temperature = models.CharField(max_length=4, choices=Temperature)
    fit = models.SmallIntegerField()
    engagement = models.SmallIntegerField()
    bant = models.SmallIntegerField()
    cause = models.CharField(
        max_length=7, choices=Cause, default=Cause.CHANGE, db_default=Cause.CHANGE
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lead", "-at", "-id"], name="score_change_by_lead")]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.from_score} → {self.to_score}"


class Qualification(models.Model):
    """A stretch of time in which a lead met a qualification rule, with the proof at its start."""

    class Kind(models.TextChoices):
        MQL = "mql", "Marketing-qualified"
        SQL = "sql", "Sales-qualified"
        PQL = "pql", "Product-qualified"

    class Verdict(models.TextChoices):
        NONE = "", "No answer yet"
        ACCEPTED = "accepted", "Accepted by sales"
        REJECTED = "rejected", "Rejected by sales"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="qualifications")
    kind = models.CharField(max_length=3, choices=Kind)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    proof = models.JSONField(default=dict)  # the scores, and each part of the condition
    cause = models.CharField(
        max_length=7, choices=Cause, default=Cause.CHANGE, db_default=Cause.CHANGE
    )
    verdict = models.CharField(
        max_length=8, choices=Verdict, blank=True, default="", db_default=""
    )  # what sales said of it
    verdict_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    verdict_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "kind"],
                condition=Q(left_at=None),
                name="one_open_qualification",
            )
        ]
        indexes = [models.Index(fields=["kind", "-entered_at"], name="qualified_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.lead_id}"


class Adjustment(models.Model):
    """Points that a colleague added or took, with the reason. Counts until it expires.

    Only ever added to; taking one back dates its end.
    """

    model = models.ForeignKey(ScoringModel, models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="adjustments", db_index=False)
    points = models.SmallIntegerField()
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    made_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__range=(-100, 100)) & ~Q(points=0), name="adjustment_adjusts"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_reason"),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=models.F("at")),
                name="adjustment_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["lead", "-at", "-id"], name="adjustment_by_lead")]

    def __str__(self) -> str:
        return f"{self.points:+d} for {self.lead_id}: {self.reason}"


class VersionScore(models.Model):
    """A lead's score by a version other than the one that pages show.

    By the published version of a category's model, and, while the default model is being published,
    by its coming version, wherever that differs.
    """

    version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="scores", db_index=False, db_constraint=False
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="version_scores", db_index=False, db_constraint=False
    )
    score = models.SmallIntegerField()
    fit = models.SmallIntegerField()
    engagement = models.SmallIntegerField()
    bant = models.SmallIntegerField()
    grade = models.CharField(max_length=2)
    computed_at = models.DateTimeField()
    next_change_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "lead"], name="one_score_by_version")
        ]
        indexes = [
            models.Index(fields=["lead", "-score"], name="version_score_by_lead"),
            models.Index(
                fields=["next_change_at"],
                condition=Q(next_change_at__isnull=False),
                name="version_score_next_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} by {self.version_id}: {self.score}"


class Rescore(WorkItem):
    """A full pass over all leads, in ranges of ids; `next_id` is where it goes on.

    Two passes over the ranges publish a version: the first works out the coming scores beside those
    that are shown, the second puts them in their place.
    """

    class Phase(models.TextChoices):
        SCORING = "scoring", "Working out scores"
        SWITCHING = "switching", "Switching over"

    phase = models.CharField(
        max_length=9, choices=Phase, default=Phase.SCORING, db_default=Phase.SCORING
    )
    hand_over = models.BooleanField(default=True, db_default=True)
    moves = models.JSONField(default=dict, db_default={})  # {"cold>warm": 12}
    qualified = models.JSONField(default=dict, db_default={})  # {"mql": 3}
    first_id = models.BigIntegerField(default=0, db_default=0)
    total = models.PositiveIntegerField(default=0, db_default=0)
    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="rescores")
    next_id = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField()
    scored = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=WorkItem.DUE, name="rescore_due")]

    def __str__(self) -> str:
        return f"Re-score by {self.version}: {self.next_id} of {self.last_id}"

    @property
    def percent(self) -> int:
        """How far it is, by ids; switching over is the last fifth."""
        whole = max(self.last_id + 1 - self.first_id, 1)
        share = min(max(self.next_id - self.first_id, 0) / whole, 1)
        if self.phase == self.Phase.SCORING:
            return int(share * 80)
        return int(80 + share * 20)
