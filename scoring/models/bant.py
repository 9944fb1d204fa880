from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leads.models import Lead


class Dimension(models.TextChoices):
    """What BANT asks. Other frameworks ask other things, or the same under other names."""

    BUDGET = "budget", "Budget"
    AUTHORITY = "authority", "Authority"
    NEED = "need", "Need"
    TIMELINE = "timeline", "Timeline"


class Level(models.TextChoices):
    UNKNOWN = "unknown", "Unknown"
    NO = "no", "No"
    PARTIAL = "partial", "Partly"
    YES = "yes", "Yes"


CRITERION = RegexValidator(
    r"^[a-z][a-z0-9_]{0,29}$", "Small letters, digits and underscores, beginning with a letter."
)


class Framework(models.Model):
    """What is asked of every lead: BANT, MEDDIC, CHAMP or a company's own list; one is in use.

    Answers belong to criteria by their key, so that frameworks that ask the same share them.
    """

    key = models.CharField(max_length=30, unique=True, validators=[CRITERION])
    name = models.CharField(max_length=60)
    is_active = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_active_framework"
            )
        ]

    def __str__(self) -> str:
        return self.name


class BantCriterion(models.Model):
    """One thing a framework asks, how to ask for it, and the points of its answers."""

    class Kind(models.TextChoices):
        TEXT = "text", "Words"
        MONEY = "money", "An amount of money"
        CHOICE = "choice", "One of a list"
        DATE = "date", "A date or quarter"

    framework = models.ForeignKey(
        Framework, models.CASCADE, related_name="criteria", db_index=False
    )
    position = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=30, validators=[CRITERION])
    label = models.CharField(max_length=40)
    question = models.CharField(max_length=200, blank=True)  # how a person would ask
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    # Of a choice: [{"label", "level"?}], where choosing one also says how sure it is.
    options = models.JSONField(default=list, blank=True, db_default=Value([], models.JSONField()))
    yes_points = models.SmallIntegerField(default=10)
    partial_points = models.SmallIntegerField(default=5)
    no_points = models.SmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "key"], name="criterion_once"),
        ]

    def __str__(self) -> str:
        return f"{self.framework_id}: {self.label}"


class BantAnswer(models.Model):
    """What is known of one criterion. A newer answer supersedes it; nothing is overwritten.

    The present answer is the one without `superseded_at`: one indexed row for a lead and criterion.
    An answer held from `at` until `superseded_at`, so that any past moment can be told.
    """

    class Source(models.TextChoices):
        FORM = "form", "Form"
        REP = "rep", "Colleague"
        API = "api", "API"
        SURVEY = "survey", "Survey"
        IMPORT = "import", "Import"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="bant_answers", db_index=False)
    dimension = models.CharField(max_length=30)  # the key of a criterion
    level = models.CharField(max_length=7, choices=Level, default=Level.UNKNOWN)
    value = models.CharField(max_length=300, blank=True)  # “€15–20k”, “CFO”, “before March”
    # The same for programs: {"amount", "amount_to"?, "currency"?}, {"date", "quarter"?}
    # or {"choice"}; see `scoring.values`.
    details = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
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
            models.CheckConstraint(condition=Q(level__in=Level.values), name="bant_level"),
        ]
        indexes = [models.Index(fields=["lead", "-at", "-id"], name="bant_history")]

    def __str__(self) -> str:
        return f"{self.dimension} of {self.lead_id}: {self.level}"
