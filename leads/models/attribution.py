from django.db import models
from django.db.models.functions import Now

from leadcrm.lib.indexes import where_set


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


class MarketingCampaign(models.Model):
    """What UTM tags and spend name; not a drip campaign."""

    name = models.CharField(max_length=100)
    utm_campaign = models.CharField(max_length=200, unique=True)
    channel = models.CharField(max_length=20, choices=Channel, default=Channel.OTHER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class SpendEntry(models.Model):
    """Money spent on a channel, and perhaps a campaign, over some days (both included)."""

    channel = models.CharField(max_length=20, choices=Channel)
    campaign = models.ForeignKey(
        MarketingCampaign, models.CASCADE, null=True, blank=True, related_name="spend"
    )
    first_day = models.DateField()
    last_day = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="spend_ends_after_start",
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="spend_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.amount} {self.currency}"


class Touch(models.Model):
    """One visit or capture with what is known of its origin."""

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="touches", db_index=False)
    inquiry = models.ForeignKey(
        "leads.Inquiry",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="touches",
        db_index=False,
    )
    channel = models.CharField(max_length=20, choices=Channel)
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
    click_ids = models.JSONField(default=dict)
    referrer = models.CharField(max_length=500, blank=True)
    landing_page = models.CharField(max_length=500, blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["lead", "occurred_at", "id"], name="touch_by_lead"),
            where_set("inquiry", name="touch_by_inquiry"),
            where_set("campaign", name="touch_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.lead_id}"
