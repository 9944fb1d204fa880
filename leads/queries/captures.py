"""What arrived, what became of it, and whether the two add up."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Count, F, Func, Q, QuerySet, Value
from django.utils.dateparse import parse_datetime

from leadcrm.lib import normalise
from leads.models import InboxItem

EXCERPT_BYTES = 1000


def captures(principal: Any) -> QuerySet[InboxItem]:
    """Captures with their source and lead, and the beginning of the body instead of all of it."""
    beginning = Func(
        F("body"),
        Value(1),
        Value(EXCERPT_BYTES),
        function="substring",
        output_field=BinaryField(),
    )
    return (
        InboxItem.objects.visible_to(principal)
        .select_related("source", "lead")
        .defer("body")
        .annotate(beginning=beginning)
    )


def narrowed(items: QuerySet[InboxItem], conditions: Mapping[str, Any]) -> QuerySet[InboxItem]:
    """The captures a filter means. Conditions are plain JSON: a deed of tomorrow reads them too."""
    for name, value in conditions.items():
        items = items.filter(CONDITIONS[name](value))
    return items


def _since(text: str) -> Q:
    return Q(received_at__gte=parse_datetime(text))


def _until(text: str) -> Q:
    return Q(received_at__lt=parse_datetime(text))


def _searched(text: str) -> Q:
    """A receipt, an address, or how an address begins."""
    plain = text.strip()
    with suppress(ValueError):
        return Q(receipt_id=uuid.UUID(plain))
    address = normalise.email(plain)
    if address is not None:
        return Q(email=address.canonical[:254]) & ~Q(email="")
    return Q(email__startswith=plain.lower()[:254]) & ~Q(email="")


CONDITIONS: dict[str, Callable[[Any], Q]] = {
    "state": lambda value: Q(state=value),
    "source": lambda value: Q(source_id=value),
    "door": lambda value: Q(door__startswith=f"{value}:"),
    "reason": lambda value: Q(reason_code=value),
    "since": _since,
    "until": _until,
    "q": _searched,
    "receipts": lambda values: Q(receipt_id__in=values),
    "deed": lambda value: Q(state=InboxItem.State.REJECTED, before__deed=value),
    "unknown": lambda _: Q(source=None),
}


@dataclass(frozen=True, slots=True)
class Balance:
    """One source: what was received equals what was settled in one of five ways, or waits."""

    source: str
    key: str
    received: int
    states: dict[str, int]

    @property
    def parts(self) -> str:
        """“80 applied + 5 quarantined”: what the received ones became, without the zeros."""
        labels = {**dict(InboxItem.State.choices), InboxItem.State.RECEIVED: "Waiting"}
        counted = [(labels[state].lower(), n) for state, n in self.states.items() if n]
        return " + ".join(f"{n:,} {label}" for label, n in counted) or "nothing"

    @property
    def adds_up(self) -> bool:
        return self.received == sum(self.states.values())


def total_of(sources: Sequence[Balance]) -> Balance:
    states = {
        state: sum(each.states[state] for each in sources) for state in InboxItem.State.values
    }
    return Balance("All sources", "", sum(each.received for each in sources), states)


def balances(principal: Any, *, since: datetime) -> list[Balance]:
    """For every source: received = applied + quarantined + needs review + failed + rejected."""
    counts = {state: Count("pk", filter=Q(state=state)) for state in InboxItem.State.values}
    rows: Any = (
        InboxItem.objects.visible_to(principal)
        .filter(received_at__gte=since)
        .values("source__name", "source__key")
        .annotate(received_count=Count("pk"), **counts)
        .order_by("-received_count", "source__key")
    )
    return [
        Balance(
            row["source__name"] or "Not yet known",
            row["source__key"] or "",
            row["received_count"],
            {state: row[state] for state in InboxItem.State.values},
        )
        for row in rows
    ]
