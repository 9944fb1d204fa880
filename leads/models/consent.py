from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.indexes import where_set
from leads.models.lead import Lead


class Consent(models.Model):
    """A receipt: who allowed or withdrew what, in which words. Only ever added to.

    The newest receipt for a purpose is the present state.
    """

    class Purpose(models.TextChoices):
        MARKETING_EMAIL = "marketing_email", "Marketing e-mail"
        TRACKING = "tracking", "Tracking on the website"
        PHONE = "phone", "Calls"

    class Basis(models.TextChoices):
        CONSENT = "consent", "Consent"
        CONTRACT = "contract", "Contract"
        LEGITIMATE_INTEREST = "legitimate_interest", "Legitimate interest"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="consents", db_index=False)
    purpose = models.CharField(max_length=20, choices=Purpose)
    granted = models.BooleanField()
    basis = models.CharField(max_length=20, choices=Basis, default=Basis.CONSENT)
    wording = models.TextField(blank=True)
    wording_hash = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=80, blank=True)
    remote_address = models.CharField(max_length=45, blank=True)
    inbox_item = models.ForeignKey(
        "leads.InboxItem", models.SET_NULL, null=True, blank=True, db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["lead", "purpose", "-at", "-id"], name="consent_newest"),
            where_set("inbox_item", name="consent_by_capture"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {'granted' if self.granted else 'withdrawn'}"


class Suppression(models.Model):
    """An address that must not be mailed, known only by a keyed hash; survives erasure."""

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Complained"
        MANUAL = "manual", "By hand"

    email_hash = models.CharField(max_length=64)
    scope = models.CharField(max_length=40, default="global")  # or a topic
    reason = models.CharField(max_length=12, choices=Reason)
    source = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email_hash", "scope"],
                condition=Q(released_at=None),
                name="suppressed_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.reason}"
