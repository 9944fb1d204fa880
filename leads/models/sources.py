"""How the programs of others reach us: addresses, secrets, mappings, and what is fetched by id."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.lib.pump import WorkItem
from leadcrm.lib.sealing import unseal
from leads.models.capture import InboxItem, Source


class Connection(models.Model):
    """What stands behind a source that somebody else's program sends to.

    `options` holds what its provider asks for, nothing secret. `allowed_hosts` are websites whose
    visitors may be sent back there and whose scripts may read the answer.
    """

    source = models.OneToOneField(
        Source, models.CASCADE, primary_key=True, related_name="connection"
    )
    provider = models.CharField(max_length=20)
    is_test = models.BooleanField(default=False)
    options = models.JSONField(default=dict)
    allowed_hosts = models.JSONField(default=list)
    mapping = models.ForeignKey(
        "SourceMapping", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    watchers: Any = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.source} ({self.provider})"

    def plain_secrets(self, use: str) -> list[str]:
        """Those in force, the newest first: after a change the former one lives on for a while."""
        live = self.secrets.filter(LIVE, use=use).order_by("-pk")
        return [plain for secret in live if (plain := unseal(secret.sealed))]


LIVE = Q(expires_at=None) | Q(expires_at__gt=Now())


class ConnectionSecret(models.Model):
    """One secret of a connection, sealed. The one in its address is found by its fingerprint."""

    class Use(models.TextChoices):
        ADDRESS = "address", "In its address"
        SIGNING = "signing", "Proves who sends"
        ACCESS = "access", "Opens the provider's own API"
        FEEDBACK = "feedback", "Opens what is told of conversions"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="secrets")
    use = models.CharField(max_length=8, choices=Use)
    fingerprint = models.CharField(max_length=64)
    sealed = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(use="address"),
                name="address_of_one_connection",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_use_display()} of {self.connection_id}"


class SourceMapping(models.Model):
    """What the answers of a source mean, at one time; never changed, a new one follows.

    `rules`: a list of `{"path", "target"}`, see `leads.providers.mapping`.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="mappings")
    number = models.PositiveIntegerField()
    rules = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "number"], name="source_mapping_number")
        ]

    def __str__(self) -> str:
        return f"Mapping {self.number} of {self.connection_id}"

    @property
    def targets(self) -> dict[str, str]:
        return {rule["path"]: rule["target"] for rule in self.rules}


class RemoteLead(WorkItem):
    """A lead that a provider named by its id only; it is fetched, and becomes a capture."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be fetched"
        NO_ACCESS = "no_access", "Waits for access"
        STORED = "stored", "Stored"
        GONE = "gone", "No longer there"
        FAILED = "failed", "Failed"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="remote_leads")
    external_id = models.CharField(max_length=200)
    details = models.JSONField(default=dict)  # what the notice told beside the id
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True)
    item = models.ForeignKey(
        InboxItem, models.SET_NULL, null=True, blank=True, related_name="fetched_as"
    )
    announced_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "external_id"], name="remote_lead_fetched_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="remote_lead_due")
        ]

    OPEN: ClassVar[tuple[str, ...]] = (State.WAITING, State.NO_ACCESS, State.FAILED)

    def __str__(self) -> str:
        return self.external_id


class Poll(WorkItem):
    """A place that is looked into from time to time: a mailbox, or the leads of one form.

    `checkpoint` says how far everything is stored, in the words of the provider's own code.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="polls")
    name = models.CharField(max_length=100)
    checkpoint = models.JSONField(default=dict)
    last_run_at = models.DateTimeField(null=True, blank=True)
    found = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "name"], name="polled_place_once")
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="poll_due")]

    def __str__(self) -> str:
        return f"{self.name} of {self.connection_id}"
