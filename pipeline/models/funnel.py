from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models import Inquiry, Lead, Pipeline, Source, Stage

CENT = Decimal("0.01")


class LostReason(models.TextChoices):
    """Why cycles are lost, in a new installation; from then on the rows of `CloseReason` count."""

    NO_RESPONSE = "no_response", "Never answered"
    NO_BUDGET = "no_budget", "No budget"
    NO_NEED = "no_need", "No need"
    TIMING = "timing", "Not now"
    COMPETITOR = "competitor", "Chose a competitor"
    PRICE = "price", "Too expensive"
    MISSING_FEATURE = "missing_feature", "Something is missing"
    WRONG_PERSON = "wrong_person", "Cannot decide"
    NOT_A_FIT = "not_a_fit", "Not a fit"
    OTHER = "other", "Other"


class CloseReason(models.Model):
    """Why leads are lost, or rejected by sales. Its key stays when it is renamed."""

    class Kind(models.TextChoices):
        LOST = "lost", "Lost"
        REJECTED = "rejected", "Rejected"

    kind = models.CharField(max_length=8, choices=Kind)
    key = models.SlugField(max_length=20)
    label = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)
    needs_note = models.BooleanField(default=False)
    asks_competitor = models.BooleanField(default=False)
    disqualifies = models.BooleanField(default=False)  # nobody should try again
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="one_reason_per_key"),
        ]

    def __str__(self) -> str:
        return self.label


class SalesCycle(models.Model):
    """One pass of a lead through the funnel. At most one is open.

    `received_at` is when the inquiry behind it arrived: speed to lead counts from there.
    """

    class Outcome(models.TextChoices):
        OPEN = "", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="cycles", db_index=False)
    number = models.PositiveSmallIntegerField(default=1)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="cycles", db_index=False)
    source = models.ForeignKey(
        Source, models.SET_NULL, null=True, blank=True, related_name="cycles", db_index=False
    )
    opened_at = models.DateTimeField()
    opened_by_inquiry = models.ForeignKey(
        Inquiry,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="opened_cycles",
        db_index=False,
    )
    received_at = models.DateTimeField()
    first_response_at = models.DateTimeField(null=True, blank=True)
    first_response_activity_id = models.BigIntegerField(null=True, blank=True)
    first_response_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # The furthest it came on the way to won, and when it qualified: by its score, or by being
    # moved that far. Kept by `actions.ledger`, so that reports need not read every transition.
    furthest = models.ForeignKey(
        Stage, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    mql_at = models.DateTimeField(null=True, blank=True)
    sql_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    rejected_at = models.DateTimeField(null=True, blank=True)
    rejected_reason = models.CharField(max_length=200, blank=True, default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=4, choices=Outcome, blank=True, default=Outcome.OPEN)
    lost_reason = models.CharField(max_length=20, blank=True, default="")  # a CloseReason's key
    lost_note = models.CharField(max_length=500, blank=True, default="")
    competitor = models.CharField(max_length=120, blank=True, default="")
    owner_at_close = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    OPEN: ClassVar[Q] = Q(closed_at=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "number"], name="cycle_number_of_lead"),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(closed_at=None), name="one_open_cycle_per_lead"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="")
                | Q(closed_at__isnull=False, outcome__in=["won", "lost"]),
                name="closed_cycle_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="lost") | ~Q(lost_reason=""), name="lost_cycle_has_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["opened_at"], name="cycle_by_opening"),
            models.Index(fields=["received_at"], name="cycle_by_receipt"),
            where_set("closed_at", name="cycle_by_close"),
            models.Index(fields=["opened_at"], condition=Q(closed_at=None), name="cycle_open"),
            where_set("mql_at", name="cycle_by_mql"),
            where_set("sql_at", name="cycle_by_sql"),
            where_set("opened_by_inquiry", name="cycle_by_inquiry"),
            where_set("first_response_by", name="cycle_by_responder"),
            where_set("owner_at_close", name="cycle_by_closer"),
        ]

    def __str__(self) -> str:
        return f"Cycle {self.number} of {self.lead_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Transition(models.Model):
    """One move between stages, never changed. The ledger behind `Lead.stage`."""

    class Cause(models.TextChoices):
        OPENED = "opened", "Cycle opened"
        MANUAL = "manual", "Moved by hand"
        BULK = "bulk", "Moved in bulk"
        API = "api", "Moved by the API"
        QUALIFIED = "qualified", "Qualified"
        CONTACTED = "contacted", "First contact"
        REJECTED = "rejected", "Rejected by sales"
        REOPENED = "reopened", "Reopened"
        MERGED = "merged", "Merged with another lead"
        AUTO = "auto", "Moved by a rule"
        PIPELINE = "pipeline", "Moved to another pipeline"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="transitions", db_index=False)
    cycle = models.ForeignKey(
        SalesCycle, models.CASCADE, related_name="transitions", db_index=False
    )
    from_stage = models.ForeignKey(
        Stage, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    to_stage = models.ForeignKey(Stage, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    cause = models.CharField(max_length=10, choices=Cause, default=Cause.MANUAL)
    seconds_in_from = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["cycle", "at", "id"], name="transition_by_cycle"),
            models.Index(fields=["lead", "-at", "-id"], name="transition_by_lead"),
            models.Index(fields=["to_stage", "at"], name="transition_by_stage"),
            models.Index(fields=["at"], name="transition_by_time"),
            where_set("actor", name="transition_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id}: {self.from_stage_id} → {self.to_stage_id}"


class AutoMove(models.Model):
    """“When this happens to a lead in this stage, it goes there.”

    `idle` counts from the last thing that people did; a planned next step makes it wait.
    """

    class Trigger(models.TextChoices):
        CONTACTED = "contacted", "somebody contacts it"
        SPOKE = "spoke", "somebody speaks with it"
        REPLIED = "replied", "it replies by e-mail"
        MEETING_BOOKED = "meeting_booked", "a meeting is booked"
        MEETING_HELD = "meeting_held", "a meeting was held"
        DEAL_ADDED = "deal_added", "a deal is added"
        HOT = "hot", "it becomes hot"
        SEGMENT = "segment", "it enters a segment"
        STAYED = "stayed", "it stays for some days"
        IDLE = "idle", "nothing happens for some days"

    TIMED: ClassVar[tuple[str, ...]] = ("stayed", "idle")

    stage = models.ForeignKey(Stage, models.CASCADE, related_name="auto_moves")
    to_stage = models.ForeignKey(Stage, models.CASCADE, related_name="+")
    trigger = models.CharField(max_length=14, choices=Trigger)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    segment = models.CharField(max_length=12, blank=True, default="")  # a public id
    reason = models.CharField(max_length=20, blank=True, default="")  # for a lost stage
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(trigger__in=["stayed", "idle"]) | Q(days__gte=1),
                name="timed_move_has_days",
            ),
            models.CheckConstraint(
                condition=~Q(stage=models.F("to_stage")), name="auto_move_goes_elsewhere"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage_id} → {self.to_stage_id} ({self.trigger})"


class StageTimer(WorkItem):
    """When to look next at a lead whose stage has a limit or moves by time."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="stage_timer")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="+")
    entered_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)  # that it stays too long

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "lead"], condition=WorkItem.DUE, name="stage_timer_due"),
        ]

    def __str__(self) -> str:
        return str(self.lead_id)


class ProductCategory(models.Model):
    name = models.CharField(max_length=60, unique=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something that is sold, at a price in one currency."""

    class Billing(models.TextChoices):
        ONCE = "once", "once"
        MONTHLY = "monthly", "a month"
        YEARLY = "yearly", "a year"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    name = models.CharField(max_length=120)
    code = models.CharField(max_length=40, blank=True)
    category = models.ForeignKey(
        ProductCategory, models.SET_NULL, null=True, blank=True, related_name="products"
    )
    price = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    billing = models.CharField(max_length=7, choices=Billing, default=Billing.ONCE)
    unit = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=500, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="price_not_negative"),
            models.UniqueConstraint(
                fields=["code"], condition=~Q(code=""), name="one_product_per_code"
            ),
        ]
        indexes = [models.Index(fields=["name", "id"], name="product_by_name")]

    def __str__(self) -> str:
        return self.name


class Deal(models.Model):
    """Money inside a cycle.

    With lines, `amount` is what they come to over the term, `one_off` and `monthly` its parts.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    class Forecast(models.TextChoices):
        PIPELINE = "pipeline", "Pipeline"
        BEST_CASE = "best_case", "Best case"
        COMMIT = "commit", "Commit"
        OMITTED = "omitted", "Left out"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="deals", db_index=False)
    cycle = models.ForeignKey(SalesCycle, models.CASCADE, related_name="deals", db_index=False)
    name = models.CharField(max_length=120)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    expected_close = models.DateField(null=True, blank=True)
    probability = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(100)]
    )  # percent; none: the stage's
    forecast = models.CharField(max_length=9, choices=Forecast, default=Forecast.PIPELINE)
    one_off = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    monthly = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    term_months = models.PositiveSmallIntegerField(default=12)
    version = models.PositiveIntegerField(default=1, db_default=1)
    state = models.CharField(max_length=4, choices=State, default=State.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="deal_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(probability=None) | Q(probability__lte=100),
                name="deal_probability_is_percent",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None)
                | Q(state__in=["won", "lost"], closed_at__isnull=False),
                name="closed_deal_has_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-id"], name="deal_by_lead"),
            models.Index(fields=["cycle"], name="deal_by_cycle"),
            models.Index(
                fields=["expected_close"], condition=Q(state="open"), name="deal_forecast"
            ),
            models.Index(fields=["state", "closed_at"], name="deal_by_close"),
            where_set("created_by", name="deal_by_creator"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def paid_once(self) -> Decimal:
        """What does not recur: all of a deal that was written down without lines."""
        return self.one_off if self.one_off or self.monthly else self.amount


class DealLine(models.Model):
    """A product in a deal, at its own price."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="lines")
    product = models.ForeignKey(
        Product, models.SET_NULL, null=True, blank=True, related_name="deal_lines"
    )
    name = models.CharField(max_length=120)
    quantity = models.DecimalField(max_digits=12, decimal_places=2, default=1)
    price = models.DecimalField(max_digits=14, decimal_places=2)  # of one, in the deal's currency
    discount = models.DecimalField(max_digits=5, decimal_places=2, default=0)  # percent
    billing = models.CharField(max_length=7, choices=Product.Billing, default=Product.Billing.ONCE)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_of_more_than_nothing"),
            models.CheckConstraint(condition=Q(price__gte=0), name="line_price_not_negative"),
            models.CheckConstraint(
                condition=Q(discount__gte=0, discount__lte=100), name="discount_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def total(self) -> Decimal:
        """What it comes to each time it is billed, rounded to cents."""
        gross = self.quantity * self.price * (100 - self.discount) / 100
        return gross.quantize(CENT, ROUND_HALF_UP)

    @property
    def monthly(self) -> Decimal:
        if self.billing == Product.Billing.ONCE:
            return Decimal(0)
        months = 12 if self.billing == Product.Billing.YEARLY else 1
        return (self.total / months).quantize(CENT, ROUND_HALF_UP)
