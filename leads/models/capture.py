import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from leadcrm.accounts.access import reach_of
from leadcrm.accounts.models import User
from leadcrm.lib.indexes import where_set
from leadcrm.lib.pump import WorkItem
from leads.models.attribution import Channel
from leads.models.lead import Lead, visible_lead


class Source(models.Model):
    """Where leads come in: a form, an API key's website, an import, a provider."""

    class Kind(models.TextChoices):
        FORM = "form", "Form"
        API = "api", "API"
        WEBHOOK = "webhook", "Webhook"
        EMAIL = "email", "E-mail"
        IMPORT = "import", "Import"
        MANUAL = "manual", "Entered by hand"

    key = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.API)
    channel = models.CharField(max_length=20, default=Channel.OTHER)
    is_active = models.BooleanField(default=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    # What the apps above are asked to do with its leads; see `leads.wishes`.
    wishes = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class Form(models.Model):
    """A form that strangers fill in. What it asks is in its published version.

    `kind` says what filling it in means: which activity it writes on the timeline.
    """

    class Kind(models.TextChoices):
        CONTACT = "form_submit", "Contact"
        DEMO = "demo_requested", "Demo request"
        DOWNLOAD = "asset_download", "Download"
        WEBINAR = "webinar_registered", "Webinar registration"
        TRIAL = "trial_started", "Trial"

    class Proof(models.TextChoices):
        OFF = "off", "Never"
        SUSPICIOUS = "suspicious", "When an address posts often"
        ALWAYS = "always", "Always"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(
        max_length=30, choices=Kind, default=Kind.CONTACT, db_default=Kind.CONTACT.value
    )
    source = models.ForeignKey(Source, models.PROTECT, related_name="forms")
    published = models.ForeignKey(
        "FormVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    allowed_origins = models.JSONField(default=list, blank=True)
    notify_owner = models.BooleanField(default=True)
    proof = models.CharField(
        max_length=10, choices=Proof, default=Proof.OFF, db_default=Proof.OFF.value
    )
    is_kiosk = models.BooleanField(default=False, db_default=False)  # many people, one browser
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    # What the apps above are asked to do with its leads; see `leads.wishes`.
    wishes = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    # The version that is being written; None: as the newest one. See `leads.actions.drafts`.
    draft = models.JSONField(null=True, blank=True)
    draft_revision = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_published(self) -> bool:
        return self.published_id is not None and self.archived_at is None

    def is_open(self, at: datetime) -> bool:
        """Whether strangers may fill it in at this moment."""
        began = self.opens_at is None or self.opens_at <= at
        return self.is_published and began and (self.closes_at is None or at < self.closes_at)


class FormVersion(models.Model):
    """What a form asked at one time; never changed, so that a submission keeps its meaning.

    `fields`: a list of `{"key", "label", "type", "required", "help", "options", "maps_to"}`, where
    `maps_to` names a lead field, `name` (the full one), `custom.<key>`, `bant.<dimension>`, `tag`
    or `message`. An option is a text, or `{"value", "label", "level"}` with a BANT level. Also
    "placeholder", "default", "param" (of the page's address), "when" (`{"field", "op", "value"}`),
    "skip_known" and, of a consent box, "purpose".
    `settings`: "theme", "confirm", "confirm_days", "asset", "max_asked", "thank_you_title", and of
    what is typed but not sent "keep" ("show", "lead"), "keep_days", "keep_words".
    """

    form = models.ForeignKey(Form, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    intro = models.TextField(blank=True)
    fields = models.JSONField(default=list)
    consent_text = models.TextField(blank=True)  # shown beside the consent box; empty: no box
    submit_label = models.CharField(max_length=40, default="Send")
    thank_you = models.TextField(default="Thank you. We will be in touch.")
    redirect_url = models.CharField(max_length=300, blank=True)
    settings = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    published_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["form", "number"], name="form_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.form} v{self.number}"


class InboxItemQuerySet(models.QuerySet["InboxItem"]):
    def visible_to(self, principal: Any) -> Self:
        """Captures of leads this person may see, and those that belong to nobody yet."""
        if reach_of(principal).everything:
            return self
        return self.filter(Q(lead=None) | visible_lead(principal, path="lead"))


class InboxItem(WorkItem):
    """One capture exactly as it arrived. Stored before anything is judged, never lost after.

    `received = applied + quarantined + needs_review + failed + rejected` for every source.
    """

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        QUARANTINED = "quarantined", "Quarantined"
        NEEDS_REVIEW = "needs_review", "Needs review"
        FAILED = "failed", "Failed"
        REJECTED = "rejected", "Rejected"

    receipt_id = models.UUIDField(unique=True, default=uuid.uuid4)
    source = models.ForeignKey(
        Source, models.PROTECT, null=True, related_name="inbox_items", db_index=False
    )
    form_version = models.ForeignKey(
        FormVersion, models.PROTECT, null=True, blank=True, db_index=False
    )
    # Who asked where, "form:12" or "api:3": tells how to read the body, and the scope of the key.
    door = models.CharField(max_length=60, default="api", db_default="api")
    path = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=200, blank=True)
    headers = models.JSONField(default=dict)  # an allow-list, no cookies or keys
    body = models.BinaryField()
    remote_address = models.CharField(max_length=45, blank=True)  # truncated to /24 or /48
    api_key_id = models.BigIntegerField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVED)
    reason_code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    # How far it came: [{"step": "parsed", "words": "5 answers to Book a demo v3"}, …].
    progress = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    # What a person set right: {"targets": {answer: field}, "values": {answer: value}, "by", "at"}.
    # The body stays as it came.
    corrections = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # What it was when a person rejected it: {"state", "code", "reason", "deed"?}.
    before = models.JSONField(null=True, blank=True)
    email = models.CharField(max_length=254, blank=True, db_default="")  # canonical, as read
    # The same form, address and answers; and the same long message, whoever it is from.
    answers_hash = models.CharField(max_length=32, blank=True, db_default="")
    message_hash = models.CharField(max_length=32, blank=True, db_default="")
    # What the door noticed: "rate_address", "released" …
    flags = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    is_test = models.BooleanField(default=False)
    screened = models.BooleanField(default=True)  # False: the rate limit could not be checked
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="inbox_items"
    )
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = InboxItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["door", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_item_per_idempotency_key",
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="inbox_due"),
            models.Index(fields=["state", "-id"], name="inbox_by_state"),
            models.Index(fields=["source", "-id"], name="inbox_by_source"),
            BrinIndex(fields=["received_at"], name="inbox_by_time"),
            where_set("form_version", name="inbox_by_form"),
            models.Index(fields=["email", "-id"], condition=~Q(email=""), name="inbox_by_email"),
            models.Index(
                fields=["answers_hash"], condition=~Q(answers_hash=""), name="inbox_by_answers"
            ),
            models.Index(
                fields=["message_hash"], condition=~Q(message_hash=""), name="inbox_by_message"
            ),
        ]

    SETTLED: ClassVar[frozenset[str]] = frozenset(
        {State.APPLIED, State.QUARANTINED, State.NEEDS_REVIEW, State.FAILED, State.REJECTED}
    )

    def __str__(self) -> str:
        return str(self.receipt_id)


class Inquiry(models.Model):
    """One capture that became part of a lead's story. The response clock starts here."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="inquiries", db_index=False)
    inbox_item = models.OneToOneField(
        InboxItem, models.PROTECT, null=True, blank=True, related_name="inquiry"
    )
    source = models.ForeignKey(
        Source, models.PROTECT, null=True, related_name="inquiries", db_index=False
    )
    form_version = models.ForeignKey(
        FormVersion, models.PROTECT, null=True, blank=True, db_index=False
    )
    fields = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    # Who it is: {"verdict": "same" | "suggest" | "new", "reasons": [{"code", "words", "lead"?}]}.
    match = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    is_test = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["lead", "-received_at"], name="inquiry_by_lead"),
            models.Index(fields=["received_at"], name="inquiry_by_time"),
            where_set("form_version", name="inquiry_by_form"),
        ]

    def __str__(self) -> str:
        return f"Inquiry {self.pk} of {self.lead_id}"
