"""Reads for operators: what is waiting, what was given up."""

from django.db.models import QuerySet

from leadcrm.eventlog.models import EventDelivery
from leadcrm.lib import pump


def dead_deliveries() -> QuerySet[EventDelivery]:
    return (
        EventDelivery.objects.filter(state=EventDelivery.State.DEAD)
        .select_related("event")
        .order_by("-pk")
    )


def delivery_lag_seconds() -> float:
    """Age of the oldest delivery that is due and not done."""
    return pump.oldest_due_seconds(EventDelivery)
