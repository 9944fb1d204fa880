"""How people found the company: touches, channels and the rules that choose them, campaigns, spend.

Channels are kept as keys. The usual ones are `Channel`; a row of `MarketingChannel` renames, orders
or archives one of them, or adds one of the company's own.
"""

from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now

from leadcrm.accounts.models import User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leads.models.consent import Consent


class Channel(models.TextChoices):
    """How somebody found the company, in the usual grouping of web analytics."""

    ORGANIC_SEARCH = "organic_search", "Organic search"
    PAID_SEARCH = "paid_search", "Paid search"
    ORGANIC_SOCIAL = "organic_social", "Organic social"
    PAID_SOCIAL = "paid_social", "Paid social"
    EMAIL = "email", "E-mail"
    REFERRAL = "referral", "Referral"
    DIRECT = "direct", "Direct"
    DISPLAY = "display", "Display"
    AFFILIATE = "affiliate", "Affiliate"
    PARTNER = "partner", "Partner"
    EVENT = "event", "Event"
    PHONE = "phone", "Phone"
    OFFLINE = "offline", "Offline"
    IMPORT = "import", "Import"
    API = "api", "API"
    OTHER = "other", "Other"


class MarketingChannel(models.Model):
    """A channel of the company's own, or how one of the usual ones is called here."""

    key = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=40)
    icon = models.CharField(max_length=40, default="shapes")
    position = models.PositiveSmallIntegerField(default=1000)
    is_archived = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="one_channel_per_name")]

    def __str__(self) -> str:
        return self.name


class ChannelRuleSet(models.Model):
    """One version of the rules that choose a touch's channel; published ones never change.

    `rules`, the first that matches wins: `{"key", "name", "channel", "conditions": [{"field", "op",
    "values"}]}`, of which all must hold. Without a published version the rules of
    `leads.attribution.defaults` hold.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    rules = models.JSONField(default=list)
    own_hosts = models.JSONField(default=list)  # sites whose links are no origin
    changed_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="published"), name="one_published_channel_rules"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="draft"), name="one_draft_of_channel_rules"
            ),
        ]

    def __str__(self) -> str:
        return f"Channel rules, version {self.number}"


class Regrouping(WorkItem):
    """Old touches getting the channels of a rule set, batch by batch in the order of their ids."""

    rule_set = models.ForeignKey(
        ChannelRuleSet, models.CASCADE, related_name="regroupings", db_index=False
    )
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    done_to = models.BigIntegerField(default=0)  # the last touch looked at
    last = models.BigIntegerField(default=0)  # the last touch there was at the start
    seen = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="regrouping_due")
        ]

    def __str__(self) -> str:
        return f"Regrouping by {self.rule_set}"

    @property
    def share(self) -> float:
        return 1.0 if self.finished_at or not self.last else min(self.done_to / self.last, 1.0)


class AttributionSettings(models.Model):
    """How credit is shared, and how long click ids are kept. One row."""

    window_days = models.PositiveSmallIntegerField(
        default=90, validators=[MinValueValidator(1), MaxValueValidator(730)]
    )
    half_life_days = models.DecimalField(
        max_digits=5,
        decimal_places=1,
        default=Decimal(7),
        validators=[MinValueValidator(Decimal("0.5")), MaxValueValidator(Decimal(365))],
    )
    ends_percent = models.PositiveSmallIntegerField(
        default=40, validators=[MinValueValidator(0), MaxValueValidator(50)]
    )
    ignore_direct = models.BooleanField(default=False)
    click_id_days = models.PositiveSmallIntegerField(
        default=90, validators=[MinValueValidator(1), MaxValueValidator(730)]
    )
    # To what a person must have agreed before an advertiser is told of conversions; empty: nothing.
    conversion_consent = models.CharField(
        max_length=20,
        blank=True,
        default=Consent.Purpose.TRACKING,
        db_default=Consent.Purpose.TRACKING.value,
        choices=Consent.Purpose,
    )
    # What Google Ads calls a conversion, by `mql`, `sql`, `won`; empty: the usual names.
    google_names = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    PK: ClassVar[int] = 1

    def __str__(self) -> str:
        return "Attribution"

    @classmethod
    def load(cls) -> "AttributionSettings":
        return cls.objects.filter(pk=cls.PK).first() or cls(pk=cls.PK)


class MarketingCampaign(models.Model):
    """What UTM tags and spend name; not a drip campaign."""

    name = models.CharField(max_length=100)
    utm_campaign = models.CharField(max_length=200, unique=True)
    channel = models.CharField(max_length=20, default=Channel.OTHER)
    budget = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    is_archived = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(budget=None) | Q(budget__gte=0), name="budget_not_negative"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CampaignAlias(models.Model):
    """Another spelling of a campaign's `utm_campaign`, in small letters."""

    spelling = models.CharField(max_length=200, unique=True)
    campaign = models.ForeignKey(MarketingCampaign, models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return self.spelling


class SpendEntry(models.Model):
    """Money spent on a channel, and perhaps a campaign, over some days (both included)."""

    class Origin(models.TextChoices):
        HAND = "hand", "By hand"
        FILE = "file", "From a file"
        API = "api", "By a program"

    channel = models.CharField(max_length=20)
    campaign = models.ForeignKey(
        MarketingCampaign, models.CASCADE, null=True, blank=True, related_name="spend"
    )
    first_day = models.DateField()
    last_day = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=200, blank=True, db_default="")
    origin = models.CharField(
        max_length=4, choices=Origin, default=Origin.HAND, db_default=Origin.HAND.value
    )
    # What the sender calls it: sent again, it replaces itself.
    external_id = models.CharField(max_length=100, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="spend_ends_after_start",
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="spend_not_negative"),
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="spend_sent_once"
            ),
        ]
        indexes = [models.Index(fields=["last_day", "first_day"], name="spend_by_day")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.amount} {self.currency}"


class ExchangeRate(models.Model):
    """What one unit of a currency was worth in the workspace's from a month on, until the next."""

    currency = models.CharField(max_length=3)
    month = models.DateField()  # its first day
    rate = models.DecimalField(max_digits=16, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "month"], name="one_rate_a_month"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.month:%Y-%m}: {self.rate}"


class Touch(models.Model):
    """One visit or capture with what is known of its origin.

    `click_ids` holds the names only, such as `["gclid"]`; their values are `ClickId` rows.
    """

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="touches", db_index=False)
    inquiry = models.ForeignKey(
        "leads.Inquiry",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="touches",
        db_index=False,
    )
    channel = models.CharField(max_length=20)
    # Somebody said so: rules leave it alone.
    is_stated = models.BooleanField(default=False, db_default=False)
    campaign = models.ForeignKey(
        MarketingCampaign,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="touches",
        db_index=False,
    )
    utm_source = models.CharField(max_length=200, blank=True)
    utm_medium = models.CharField(max_length=200, blank=True)
    utm_campaign = models.CharField(max_length=200, blank=True)
    utm_term = models.CharField(max_length=200, blank=True)
    utm_content = models.CharField(max_length=200, blank=True)
    click_ids = models.JSONField(default=list)
    referrer = models.CharField(max_length=500, blank=True)
    landing_page = models.CharField(max_length=500, blank=True)
    referred_by = models.ForeignKey(
        "leads.Lead",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="referrals",
        db_index=False,
    )
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["lead", "occurred_at", "id"], name="touch_by_lead"),
            where_set("inquiry", name="touch_by_inquiry"),
            where_set("campaign", name="touch_by_campaign"),
            where_set("referred_by", name="touch_by_referrer"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.lead_id}"


class ClickId(models.Model):
    """The value of an advertiser's click id: it can name a person there, so it is kept briefly."""

    FORGOTTEN: ClassVar[str] = "deleted"  # stands where the value of an old one stood

    touch = models.ForeignKey(Touch, models.CASCADE, related_name="clicks")
    name = models.CharField(max_length=20)
    value = models.CharField(max_length=200)
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="click_id_by_age")]

    def __str__(self) -> str:
        return self.name


class ClickIdScrub(models.Model):
    """How far values of old click ids were taken out of one table, in the order of its ids."""

    table = models.CharField(max_length=40, unique=True)
    done_to = models.BigIntegerField(default=0)
    rested_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.table} to {self.done_to}"
