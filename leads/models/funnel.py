from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Pipeline(models.Model):
    """A funnel of stages; most companies have one.

    A new cycle runs in the first whose `condition` holds for the lead, else in the default one.
    """

    key = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=60)
    is_default = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    condition = models.JSONField(default=dict, blank=True)  # empty: only where somebody says so
    needs_next_step = models.BooleanField(default=False)  # of every open lead, after each touch
    back_needs_note = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_pipeline",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A position in the funnel. `type` is the buyer's phase, `category` says whether it is over."""

    class Type(models.TextChoices):
        AWARENESS = "awareness", "Awareness"
        RESEARCH = "research", "Research"
        PURCHASE = "purchase", "Purchase"
        RETENTION = "retention", "Retention"

    class Category(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="stages")
    key = models.SlugField(max_length=30)
    name = models.CharField(max_length=60)
    short_name = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=10, choices=Type)
    category = models.CharField(max_length=5, choices=Category, default=Category.OPEN)
    probability = models.PositiveSmallIntegerField(default=0)  # percent
    rot_days = models.PositiveSmallIntegerField(default=14)
    sla_hours = models.PositiveIntegerField(null=True, blank=True)  # how long a lead may stay
    # What must hold to come in: a condition, fields that are filled, and the stage before.
    condition = models.JSONField(default=dict, blank=True)
    required_fields: Any = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    allowed_from: Any = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "key"], name="stage_key_in_pipeline"),
            models.UniqueConstraint(
                fields=["pipeline", "position"],
                name="stage_position_in_pipeline",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=models.Q(probability__lte=100), name="probability_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.category == self.Category.OPEN

    @property
    def mark(self) -> str:
        """The kind of its symbol: `new`, `open`, `won` or `lost`."""
        if self.category != self.Category.OPEN:
            return self.category
        return "open" if self.position else "new"

    @property
    def fill(self) -> int:
        """How many eighths of its symbol are filled."""
        return 8 if self.category == self.Category.WON else min(7, 2 * self.position)
