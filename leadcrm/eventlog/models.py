from django.db import models

from leadcrm.lib.pump import WorkItem


class DomainEvent(models.Model):
    """One thing that happened, never changed afterwards."""

    name = models.CharField(max_length=60)
    lead_id = models.BigIntegerField(null=True)
    payload = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=20, default="system")
    request_id = models.CharField(max_length=32, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["lead_id", "occurred_at", "id"], name="event_by_lead"),
            models.Index(fields=["name", "id"], name="event_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class EventDelivery(WorkItem):
    """One handler's work on one event."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        DEAD = "dead", "Gave up"

    event = models.ForeignKey(
        DomainEvent, models.CASCADE, related_name="deliveries", db_index=False
    )
    handler = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "handler"], name="one_delivery_per_handler")
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=WorkItem.DUE, name="delivery_due"),
            models.Index(fields=["id"], condition=models.Q(state="dead"), name="delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.handler} for {self.event_id}"
