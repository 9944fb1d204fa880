"""Browsers on our websites: who they are not (yet), what they did, and whom they turned out to be.

A visitor is never a lead. Events are stored here first; those of a visitor whose person is known
are also activities of that lead, and carry the link through which they came.
"""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from leadcrm.accounts.models import ApiKey, User
from leadcrm.lib.pump import WorkItem
from leads.models.activity import Activity
from leads.models.attribution import Touch
from leads.models.lead import Lead


class TrackedSite(models.Model):
    """A website that loads `/t.js`. Its publishable key stands in its pages, so it is kept whole.

    Whom a site's server says is signed in is believed when signed with the site's secret, which is
    worked out from `secret_number` and never stored.
    """

    class Storage(models.TextChoices):
        LOCAL = "local", "In the browser’s storage"
        COOKIE = "cookie", "In a first-party cookie, shared by subdomains"
        NONE = "none", "Nowhere: visits are counted, people are not recognised"

    name = models.CharField(max_length=80)
    api_key = models.OneToOneField(ApiKey, models.CASCADE, related_name="tracked_site")
    key = models.CharField(max_length=100, unique=True)
    storage = models.CharField(max_length=6, choices=Storage, default=Storage.LOCAL)
    waits_for_consent = models.BooleanField(default=False)
    honours_gpc = models.BooleanField(default=True)
    honours_dnt = models.BooleanField(default=False)
    follows_links = models.BooleanField(default=True)
    secret_number = models.PositiveSmallIntegerField(default=1)
    last_event_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class TrackingPolicy(models.Model):
    """What holds for all sites; one row for the whole workspace."""

    truncates_addresses = models.BooleanField(default=True)
    keep_days = models.PositiveSmallIntegerField(default=180)
    keep_machine_days = models.PositiveSmallIntegerField(default=7)
    excluded_addresses = models.TextField(blank=True)
    excluded_paths = models.TextField(blank=True)
    pruned_at = models.DateTimeField(null=True, blank=True)
    pruned_visitors = models.BigIntegerField(default=0)
    pruned_events = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="only_one_tracking_policy"),
            models.CheckConstraint(
                condition=Q(keep_days__gte=1, keep_machine_days__gte=1),
                name="tracking_kept_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.keep_days} days"

    @classmethod
    def load(cls) -> "TrackingPolicy":
        """What was chosen; until somebody chooses, what a new installation does."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class VisitorSalt(models.Model):
    """What makes a visitor of a site without storage the same for one day. Deleted with the day.

    Once it is gone, nobody can tell whose address and browser an id was made from.
    """

    day = models.DateField(unique=True)
    salt = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.day.isoformat()


class TrackingBatch(WorkItem):
    """What one browser sent at once, as it arrived; gone as soon as its events are stored."""

    site = models.ForeignKey(
        TrackedSite, models.CASCADE, null=True, related_name="+", db_index=False
    )
    body = models.BinaryField()
    visitor = models.UUIDField(null=True)  # made by the server, for sites without storage
    remote_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    signs = ArrayField(models.CharField(max_length=20), default=list)
    received_at = models.DateTimeField()
    error = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=WorkItem.DUE, name="tracking_due")]

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class Visitor(models.Model):
    """One browser. `link` says whose it is at the moment.

    `reasons` tell why it is taken for a machine. `first` is where it came from the first time.
    """

    class Consent(models.TextChoices):
        UNKNOWN = "unknown", "Not asked"
        GRANTED = "granted", "Granted"
        DENIED = "denied", "Denied"

    token = models.UUIDField(unique=True)
    site = models.ForeignKey(
        TrackedSite, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    link = models.ForeignKey(
        "IdentityLink", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    klass = models.CharField(max_length=7, choices=Activity.Class, default=Activity.Class.HUMAN)
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    consent = models.CharField(max_length=7, choices=Consent, default=Consent.UNKNOWN)
    first = models.JSONField(default=dict)  # landing_page, referrer, utm_… and click ids
    user_agent = models.CharField(max_length=300, blank=True)
    remote_address = models.CharField(max_length=45, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    # Seen again within this time is not written down, so that most batches change no visitor.
    SEEN_GRAIN = timedelta(minutes=5)

    class Meta:
        indexes = [
            models.Index(fields=["last_seen_at"], condition=Q(link=None), name="visitor_to_prune"),
            # Machines go earlier: without an index of their own each look would pass all people.
            models.Index(
                fields=["last_seen_at"],
                condition=Q(link=None, klass="machine"),
                name="machine_to_prune",
            ),
            models.Index(fields=["link"], condition=Q(link__isnull=False), name="visitor_by_link"),
        ]

    def __str__(self) -> str:
        return str(self.token)


class IdentityLink(models.Model):
    """A browser belonged to a person from then on, and how we know. It can be cut.

    At most one is open for a visitor. A new person on the same browser ends it and opens another:
    what happened before stays with the first. A hint is somebody's unproven word: it changes
    nothing until a colleague confirms it.
    """

    class Method(models.TextChoices):
        FORM = "form", "Sent a form"
        CLICK = "click", "Followed a link in a mail"
        IDENTIFY = "identify", "Signed in on the website"
        API = "api", "Named by another system"
        HAND = "hand", "Confirmed by a colleague"
        HINT = "hint", "The page says so, unproven"

    class Confidence(models.TextChoices):
        HIGH = "high", "Certain"
        MEDIUM = "medium", "Probable"
        LOW = "low", "Unproven"

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="links", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="identity_links")
    method = models.CharField(max_length=8, choices=Method)
    confidence = models.CharField(max_length=6, choices=Confidence)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # another person came, or the visit
    cut_at = models.DateTimeField(null=True, blank=True)
    cut_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    cut_reason = models.CharField(max_length=100, blank=True, default="")
    # Who was named, for telling apart leads that were merged: an address, or a lead's public id.
    named = models.CharField(max_length=254, blank=True, default="", db_default="")

    OPEN = Q(cut_at=None, ended_at=None) & ~Q(confidence="low")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["visitor"],
                condition=Q(cut_at=None, ended_at=None) & ~Q(confidence="low"),
                name="one_open_link_per_visitor",
            )
        ]
        indexes = [models.Index(fields=["visitor", "-at"], name="link_by_visitor")]

    def __str__(self) -> str:
        return f"{self.visitor_id} is {self.lead_id}"


class Visit(models.Model):
    """One session of a visitor: where it began and where it came from.

    `touch` is what attribution knows of it, once the visitor is somebody.
    """

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="visits", db_index=False)
    token = models.UUIDField()
    started_at = models.DateTimeField()
    last_at = models.DateTimeField()
    origin = models.JSONField(default=dict)  # landing_page, referrer, utm_… and click ids
    link = models.ForeignKey(
        IdentityLink, models.SET_NULL, null=True, blank=True, related_name="visits", db_index=False
    )
    touch = models.ForeignKey(
        Touch, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visitor", "token"], name="visit_stored_once"),
            models.CheckConstraint(
                condition=Q(last_at__gte=F("started_at")), name="visit_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(
                fields=["link", "-started_at"],
                condition=Q(link__isnull=False),
                name="visit_by_link",
            ),
            models.Index(fields=["touch"], condition=Q(touch__isnull=False), name="visit_by_touch"),
        ]

    def __str__(self) -> str:
        return f"Visit of {self.visitor_id}"


class VisitorEvent(models.Model):
    """One thing a browser did. Only added in bulk, and pruned by age.

    The unique pair is also what finds the events of a visitor: one index instead of two. Visits
    and links are found through the visitor, so they need neither index nor constraint.
    `link`: it is an activity of that link's lead.
    """

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="events", db_index=False)
    event_id = models.UUIDField()  # made by the browser, so that sending twice stores once
    visit = models.ForeignKey(
        Visit,
        models.DO_NOTHING,
        null=True,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    type = models.CharField(max_length=30)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    properties = models.JSONField(default=dict)
    category = models.CharField(max_length=40, blank=True, default="")
    klass = models.CharField(max_length=7, choices=Activity.Class, default=Activity.Class.HUMAN)
    link = models.ForeignKey(
        IdentityLink,
        models.DO_NOTHING,
        null=True,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "event_id"], name="visitor_event_stored_once"
            )
        ]
        indexes = [BrinIndex(fields=["received_at"], name="visitor_event_by_time")]

    def __str__(self) -> str:
        return f"{self.type} of {self.visitor_id}"
