"""Publishing events and delivering them."""

import traceback
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from django.db import models, transaction
from django.db.models.functions import Now

from leadcrm.eventlog.models import DomainEvent, EventDelivery
from leadcrm.eventlog.moment import handling
from leadcrm.eventlog.registry import BY_EVENT, HANDLERS, Event
from leadcrm.lib import pump

logger = structlog.get_logger(__name__)

QUEUE = "deliveries"
BATCH = 100


class Actor(Protocol):
    """Whoever did it: a user or an API key."""

    @property
    def actor_id(self) -> int | None: ...


def publish(
    event: Event, *, at: datetime, actor: Actor | None = None, channel: str = "system"
) -> DomainEvent:
    """Record an event and queue its handlers, in the caller's transaction.

    A nudge wakes a worker on commit; should it get lost, the tick finds the rows.
    """
    return publish_many([event], at=at, actor=actor, channel=channel)[0]


def publish_many(
    events: Sequence[Event], *, at: datetime, actor: Actor | None = None, channel: str = "system"
) -> list[DomainEvent]:
    """The same for many, in two statements."""
    context = structlog.contextvars.get_contextvars()
    rows = DomainEvent.objects.bulk_create(
        (
            DomainEvent(
                name=event.name,
                lead_id=event.payload.get("lead_id"),
                payload=event.payload,
                actor_id=actor.actor_id if actor else None,
                channel=channel,
                request_id=str(context.get("request_id", "")),
                occurred_at=at,
            )
            for event in events
        ),
        batch_size=5_000,
    )
    deliveries = [
        EventDelivery(event=row, handler=subscription.key)
        for row in rows
        for subscription in BY_EVENT[row.name]
    ]
    EventDelivery.objects.bulk_create(deliveries, batch_size=5_000)
    if deliveries:
        pump.wake(QUEUE)
    return rows


def deliver_due(*, limit: int = BATCH) -> int:
    """Run one batch of due deliveries; return how many were taken."""
    claim = pump.claim(EventDelivery, limit=limit)
    models.prefetch_related_objects(claim.items, "event")
    for delivery in claim.items:
        _deliver(delivery, claim.token)
    return len(claim.items)


def deliver_for(lead_id: int) -> None:
    """Run what waits for one lead, before somebody looks at it; the rest stays with the workers."""
    claim = pump.claim(EventDelivery, limit=BATCH, where=models.Q(event__lead_id=lead_id))
    models.prefetch_related_objects(claim.items, "event")
    for delivery in claim.items:
        _deliver(delivery, claim.token)


def _deliver(delivery: EventDelivery, token: UUID) -> None:
    """Run one handler; its writes and the done mark commit together or not at all."""
    try:
        with transaction.atomic():
            done = pump.finish(
                EventDelivery,
                [delivery.pk],
                token=token,
                state=EventDelivery.State.DONE,
                done_at=Now(),
                last_error="",
            )
            if done:
                _handle(delivery)
    except Exception:
        logger.exception("delivery_failed", handler=delivery.handler, event_id=delivery.event_id)
        _record_failure(delivery, token, traceback.format_exc())


def _handle(delivery: EventDelivery) -> None:
    subscription = HANDLERS.get(delivery.handler)
    if subscription is None:
        raise LookupError(f"No handler is called {delivery.handler} in this release.")
    with handling(delivery.event.occurred_at):
        subscription.handler(subscription.event.from_payload(delivery.event.payload))


def _record_failure(delivery: EventDelivery, token: UUID, error: str) -> None:
    error = error[-pump.DEAD_LETTER_TEXT :]
    if delivery.attempts >= pump.MAX_ATTEMPTS:
        pump.finish(
            EventDelivery,
            [delivery.pk],
            token=token,
            state=EventDelivery.State.DEAD,
            last_error=error,
        )
    else:
        pump.postpone(
            EventDelivery,
            delivery.pk,
            token=token,
            seconds=pump.retry_seconds(delivery.attempts),
            last_error=error,
        )


def retry_dead(delivery_ids: list[int] | None = None) -> int:
    """Queue given-up deliveries again: some of them, or all."""
    dead = models.Q(state=EventDelivery.State.DEAD)
    if delivery_ids is not None:
        dead &= models.Q(pk__in=delivery_ids)
    rows = EventDelivery.objects.filter(dead).update(
        state=EventDelivery.State.PENDING, due_at=Now(), attempts=0, lease_token=None
    )
    pump.wake(QUEUE)
    return rows
