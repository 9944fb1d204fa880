import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User


class ScoringModel(models.Model):
    """A way to score leads. The default one gives the score that every page shows."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_model"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    """The rules and thresholds of a model at one time. Only a draft may change."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    model = models.ForeignKey(ScoringModel, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    fit_cap = models.PositiveSmallIntegerField(default=40)
    engagement_cap = models.PositiveSmallIntegerField(default=60)
    bant_cap = models.PositiveSmallIntegerField(default=50)
    total_cap = models.PositiveSmallIntegerField(default=100)
    floor = models.SmallIntegerField(default=0)
    warm_from = models.SmallIntegerField(default=40)
    hot_from = models.SmallIntegerField(default=70)
    hysteresis = models.PositiveSmallIntegerField(default=3)  # points below before it cools down
    # Conditions; null: nobody qualifies by the machine.
    mql = models.JSONField(null=True, blank=True)
    sql = models.JSONField(null=True, blank=True)
    pql = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number"),
            models.UniqueConstraint(
                fields=["model", "state"],
                condition=Q(state__in=["draft", "published"]),
                name="one_draft_and_one_published",
            ),
            models.CheckConstraint(
                condition=Q(warm_from__lt=models.F("hot_from")), name="warm_below_hot"
            ),
            models.CheckConstraint(
                condition=Q(floor__lt=models.F("total_cap"), total_cap__lte=1000, floor__gte=-1000),
                name="floor_below_cap",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def caps(self) -> dict[str, int]:
        """The most that each group can add."""
        return {"fit": self.fit_cap, "engagement": self.engagement_cap, "bant": self.bant_cap}

    @property
    def qualifications(self) -> dict[str, object]:
        """The condition of each kind that has one, in the order leads pass through them."""
        kinds = {"mql": self.mql, "sql": self.sql, "pql": self.pql}
        return {kind: condition for kind, condition in kinds.items() if condition is not None}


class Rule(models.Model):
    """Points for something: an attribute rule has a `condition`, an activity rule a type to count.

    An activity rule looks at what happened in the last `window_days` (None: ever), needs `at_least`
    matches, and counts once, every time, or the `max_count` newest. With decay, what counts loses
    all of its worth after `decay_days` (expiry) or half of it every `decay_days` (half-life).
    """

    class Group(models.TextChoices):
        FIT = "fit", "Fit"
        ENGAGEMENT = "engagement", "Engagement"
        BANT = "bant", "BANT"

    class WeightClass(models.TextChoices):
        MOST_IMPORTANT = "most_important", "Most important"
        VERY_IMPORTANT = "very_important", "Very important"
        VALID = "valid", "Valid"
        NEGATIVE = "negative", "Negative"

    class Counting(models.TextChoices):
        ONCE = "once", "Once"
        EVERY = "every", "Every time"
        AT_MOST = "at_most", "At most"

    class Decay(models.TextChoices):
        NONE = "none", "Never"
        EXPIRY = "expiry", "All after"
        HALF_LIFE = "half_life", "Half every"

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="rules")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)  # the same in every version
    group = models.CharField(max_length=10, choices=Group)
    weight_class = models.CharField(max_length=14, choices=WeightClass)
    label = models.CharField(max_length=120)
    condition = models.JSONField(null=True, blank=True)
    activity_type = models.CharField(max_length=30, blank=True)
    where = models.JSONField(default=dict, blank=True)
    at_least = models.PositiveSmallIntegerField(default=1)
    counting = models.CharField(max_length=7, choices=Counting, default=Counting.ONCE)
    max_count = models.PositiveSmallIntegerField(default=1)
    window_days = models.PositiveSmallIntegerField(null=True, blank=True)
    decay = models.CharField(max_length=9, choices=Decay, default=Decay.NONE)
    decay_days = models.PositiveSmallIntegerField(null=True, blank=True)
    points = models.SmallIntegerField()
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    override_note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "uid"], name="rule_once_in_version"),
            models.CheckConstraint(
                condition=~Q(override_note="")
                | Q(weight_class="most_important", points__range=(10, 15))
                | Q(weight_class="very_important", points__range=(5, 9))
                | Q(weight_class="valid", points__range=(1, 4))
                | Q(weight_class="negative", points__lt=0),
                name="points_inside_band",
            ),
            models.CheckConstraint(
                condition=Q(points__range=(-100, 100)), name="points_at_most_100"
            ),
            models.CheckConstraint(
                condition=Q(condition__isnull=False, activity_type="")
                | (Q(condition__isnull=True) & ~Q(activity_type="")),
                name="rule_is_attribute_or_activity",
            ),
            models.CheckConstraint(
                condition=Q(decay="none") | Q(decay_days__gte=1), name="decay_has_days"
            ),
            models.CheckConstraint(
                condition=Q(at_least__gte=1, max_count__gte=1), name="rule_counts_from_one"
            ),
        ]
        indexes = [models.Index(fields=["version", "group", "position"], name="rule_in_order")]

    def __str__(self) -> str:
        return self.label

    @property
    def is_activity(self) -> bool:
        return bool(self.activity_type)
