from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leads.models import Lead, Temperature
from scoring.models.model import ModelVersion


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

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="qualifications")
    kind = models.CharField(max_length=3, choices=Kind)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    proof = models.JSONField(default=dict)

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


class Rescore(WorkItem):
    """A full pass over all leads, in ranges of ids; `next_id` is where it goes on."""

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
        """How far it is, by ids."""
        return min(100, self.next_id * 100 // max(self.last_id, 1))
