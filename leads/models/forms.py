"""What surrounds a form: its numbers, words of consent, confirmations, and what it gives away."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leads.models.capture import FormVersion, InboxItem
from leads.models.consent import Consent
from leads.models.lead import Lead


class ConsentText(models.Model):
    """Words that stood beside a box, numbered for each purpose. Never changed."""

    purpose = models.CharField(max_length=20, choices=Consent.Purpose)
    number = models.PositiveIntegerField()
    wording = models.TextField()
    wording_hash = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "number"], name="consent_text_number"),
            models.UniqueConstraint(fields=["purpose", "wording_hash"], name="consent_text_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, version {self.number}"


class FormCount(models.Model):
    """How often something happened to one version on one day: a counter, no rows of visitors."""

    class What(models.TextChoices):
        VIEW = "view", "Seen"
        START = "start", "Started"
        SUBMIT = "submit", "Sent"
        FILLED = "filled", "Field filled in"
        LEFT = "left", "Left at this field"

    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="counts", db_index=False)
    day = models.DateField()
    what = models.CharField(max_length=6, choices=What)
    field = models.CharField(max_length=40, default="", db_default="", blank=True)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "day", "what", "field"], name="one_counter_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version_id} {self.day} {self.what} {self.field}: {self.number}"


class Confirmation(models.Model):
    """Double opt-in: what a person must confirm by a link in a mail before it counts.

    With `holds_lead` the capture becomes a lead only then.
    """

    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="+", db_index=False)
    inbox_item = models.OneToOneField(InboxItem, models.CASCADE, related_name="confirmation")
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="confirmations"
    )
    email = models.CharField(max_length=254)
    purposes = models.JSONField(default=list)  # [{"purpose", "wording"}]
    holds_lead = models.BooleanField(default=False)
    mails = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_from = models.CharField(max_length=45, blank=True)  # truncated address
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.email}: {'confirmed' if self.confirmed_at else 'open'}"


class TransactionalMail(WorkItem):
    """One mail that a person asked for by what they did: sent once, or known to be in doubt."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        HANDED_OFF = "handed_off", "Being sent"
        SENT = "sent", "Sent"
        UNKNOWN = "unknown", "Perhaps sent"
        FAILED = "failed", "Not sent"

    kind = models.CharField(max_length=20)
    to_address = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    sender = models.CharField(max_length=320, blank=True)  # nothing: the workspace's address
    reply_to = models.CharField(max_length=640, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    calendar = models.TextField(blank=True)  # an invitation, as iCalendar
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="transactional_mails"
    )
    dedupe_key = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=400, blank=True, db_default="")  # in words
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    # A person's decision about one that failed or is in doubt.
    decided_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=10, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="transactional_mail_due"),
            models.Index(
                fields=["-id"],
                condition=Q(state__in=["unknown", "failed"]),
                name="transactional_mail_trouble",
            ),
        ]

    TROUBLE: ClassVar[tuple[str, ...]] = (State.UNKNOWN, State.FAILED)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to_address}"


class Asset(models.Model):
    """What a form gives in return: a file, a link or a coupon code."""

    class Kind(models.TextChoices):
        FILE = "file", "File"
        LINK = "link", "Link"
        COUPON = "coupon", "Coupon code"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.FILE)
    file = models.FileField(upload_to="assets/", max_length=200, blank=True)
    filename = models.CharField(max_length=120, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField(default=0)
    url = models.CharField(max_length=500, blank=True)
    code = models.CharField(max_length=60, blank=True)  # the same for everybody
    valid_days = models.PositiveSmallIntegerField(default=7)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class AssetGrant(models.Model):
    """An asset given to one person. Its link ends; each download is counted."""

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="grants")
    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="+", db_index=False)
    inbox_item = models.OneToOneField(InboxItem, models.CASCADE, related_name="grant")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="asset_grants")
    code = models.CharField(max_length=60, blank=True)
    expires_at = models.DateTimeField()
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.asset_id} to {self.lead_id}"


class CouponCode(models.Model):
    """One of a list of codes, each given once."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="codes", db_index=False)
    code = models.CharField(max_length=60)
    grant = models.OneToOneField(
        AssetGrant, models.SET_NULL, null=True, blank=True, related_name="coupon"
    )

    FREE: ClassVar[Q] = Q(grant__isnull=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "code"], name="coupon_code_once")]
        indexes = [
            models.Index(fields=["asset", "id"], condition=Q(grant=None), name="coupon_code_free")
        ]

    def __str__(self) -> str:
        return self.code
