from django.db import models
from django.db.models import Q

from leadcrm.accounts.models import User
from leads.models import Lead


class Dimension(models.TextChoices):
    BUDGET = "budget", "Budget"
    AUTHORITY = "authority", "Authority"
    NEED = "need", "Need"
    TIMELINE = "timeline", "Timeline"


class Level(models.TextChoices):
    UNKNOWN = "unknown", "Unknown"
    NO = "no", "No"
    PARTIAL = "partial", "Partly"
    YES = "yes", "Yes"


class BantAnswer(models.Model):
    """What is known of one BANT dimension. A newer answer supersedes it; nothing is overwritten.

    The present answer is the one without `superseded_at`: one indexed row for a lead and dimension.
    """

    class Source(models.TextChoices):
        FORM = "form", "Form"
        REP = "rep", "Colleague"
        API = "api", "API"
        SURVEY = "survey", "Survey"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="bant_answers", db_index=False)
    dimension = models.CharField(max_length=9, choices=Dimension)
    level = models.CharField(max_length=7, choices=Level, default=Level.UNKNOWN)
    value = models.CharField(max_length=300, blank=True)  # “€15–20k”, “CFO”, “before March”
    evidence = models.CharField(max_length=1000, blank=True)  # where this is known from
    source = models.CharField(max_length=6, choices=Source, default=Source.REP)
    answered_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "dimension"],
                include=["level"],
                condition=Q(superseded_at=None),
                name="one_present_bant_answer",
            ),
            models.CheckConstraint(
                condition=Q(dimension__in=Dimension.values), name="bant_dimension"
            ),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="bant_level"),
        ]
        indexes = [models.Index(fields=["lead", "-at", "-id"], name="bant_history")]

    def __str__(self) -> str:
        return f"{self.dimension} of {self.lead_id}: {self.level}"
