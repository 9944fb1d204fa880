import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User


class ScoringModel(models.Model):
    """A way to score leads. The default one gives the score that every page shows.

    The others each score for a `category` of products, from what was done in that category.
    """

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    category = models.CharField(max_length=40, blank=True, default="", db_default="")
    is_default = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
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
        PUBLISHING = "publishing", "Being published"  # scored by in the background, not shown yet
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    model = models.ForeignKey(ScoringModel, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
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
    # When leads stop to be qualified; null: when they are `hysteresis` points below.
    mql_leave = models.JSONField(null=True, blank=True)
    sql_leave = models.JSONField(null=True, blank=True)
    pql_leave = models.JSONField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="", db_default="")
    restored_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number"),
            models.UniqueConstraint(
                fields=["model", "state"],
                condition=Q(state__in=["draft", "publishing", "published"]),
                name="one_version_in_each_state",
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
    def is_shown(self) -> bool:
        """Whether its scores are those that all pages show."""
        return self.model.is_default and self.state == self.State.PUBLISHED

    @property
    def caps(self) -> dict[str, int]:
        """The most that each group can add."""
        return {"fit": self.fit_cap, "engagement": self.engagement_cap, "bant": self.bant_cap}

    @property
    def qualifications(self) -> dict[str, object]:
        """The condition of each kind that has one, in the order leads pass through them."""
        kinds = {"mql": self.mql, "sql": self.sql, "pql": self.pql}
        return {kind: condition for kind, condition in kinds.items() if condition is not None}

    @property
    def leavings(self) -> dict[str, object]:
        """For each kind the condition that ends it; those without one are left out."""
        kinds = {"mql": self.mql_leave, "sql": self.sql_leave, "pql": self.pql_leave}
        return {kind: condition for kind, condition in kinds.items() if condition is not None}


class Rule(models.Model):
    """Points for something: an attribute rule has a `condition`, an activity rule a type to count.

    An activity rule looks at what happened in the last `window_days` (None: ever) and needs
    `at_least` matches. Then these count: one (the newest), every one, the `max_count` newest (of
    each day, week or month with `per`), the first of each day, the newest for each value of the
    property `counted_by`, or the sum of the amounts in that property, for each `per_amount` of it.

    What counts loses its worth at once after `decay_days` (expiry), evenly until then (linear), or
    half of it every `decay_days` (half-life). A rule gives no more than `max_points`, or takes.
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
        PER_DAY = "per_day", "First of each day"
        DISTINCT = "distinct", "Each different value"
        AMOUNT = "amount", "Sum of an amount"

    class Per(models.TextChoices):
        WINDOW = "", "Altogether"
        DAY = "day", "A day"
        WEEK = "week", "A week"
        MONTH = "month", "A month"

    class Decay(models.TextChoices):
        NONE = "none", "Never"
        EXPIRY = "expiry", "All after"
        LINEAR = "linear", "Evenly until"
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
    counting = models.CharField(max_length=8, choices=Counting, default=Counting.ONCE)
    max_count = models.PositiveSmallIntegerField(default=1)
    per = models.CharField(max_length=5, choices=Per, blank=True, default="", db_default="")
    counted_by = models.CharField(max_length=60, blank=True, default="", db_default="")
    per_amount = models.PositiveIntegerField(default=1, db_default=1)
    max_points = models.PositiveSmallIntegerField(null=True, blank=True)
    human_only = models.BooleanField(default=True, db_default=True)
    any_category = models.BooleanField(default=False, db_default=False)
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
            models.CheckConstraint(
                condition=~Q(counting__in=["distinct", "amount"]) | ~Q(counted_by=""),
                name="rule_names_what_it_counts",
            ),
            models.CheckConstraint(
                condition=Q(per_amount__gte=1), name="rule_divides_by_something"
            ),
        ]
        indexes = [models.Index(fields=["version", "group", "position"], name="rule_in_order")]

    def __str__(self) -> str:
        return self.label

    @property
    def is_activity(self) -> bool:
        return bool(self.activity_type)
