"""What arrived, what became of it, and whether the two add up."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Count, F, Func, Max, Q, QuerySet, Sum, Value
from django.utils.dateparse import parse_datetime

from leadcrm.lib import normalise
from leads.models import ExpiredCaptures, InboxItem, Reconciliation

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
    expired: int = 0  # deleted as old quarantine, on days that lie wholly in the period

    @property
    def parts(self) -> str:
        """“80 applied + 5 quarantined”: what the received ones became, without the zeros."""
        labels = {**dict(InboxItem.State.choices), InboxItem.State.RECEIVED: "Waiting"}
        counted = [(labels[state].lower(), n) for state, n in self.states.items() if n]
        counted += [("expired", self.expired)] if self.expired else []
        return " + ".join(f"{n:,} {label}" for label, n in counted) or "nothing"

    @property
    def adds_up(self) -> bool:
        return self.received == sum(self.states.values()) + self.expired


def total_of(sources: Sequence[Balance]) -> Balance:
    states = {
        state: sum(each.states[state] for each in sources) for state in InboxItem.State.values
    }
    received, expired = sum(s.received for s in sources), sum(s.expired for s in sources)
    return Balance("All sources", "", received, states, expired)


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
    expired = expired_since(since)
    found = []
    for row in rows:
        name, key = row["source__name"] or "Not yet known", row["source__key"] or ""
        _, gone = expired.pop(key or Reconciliation.UNKNOWN, ("", 0))
        states = {state: row[state] for state in InboxItem.State.values}
        found.append(Balance(name, key, row["received_count"] + gone, states, gone))
    nothing = dict.fromkeys(InboxItem.State.values, 0)
    left = [(key.replace(Reconciliation.UNKNOWN, ""), *each) for key, each in expired.items()]
    return found + [Balance(name, key, gone, nothing, gone) for key, name, gone in left]


def expired_since(since: datetime) -> dict[str, tuple[str, int]]:
    """Of each source, by its key: its name, and how many went after their days in quarantine."""
    rows = ExpiredCaptures.objects.filter(day__gt=since.date()).values_list("key")
    counted = rows.annotate(called=Max("name"), gone=Sum("number")).order_by("key")
    return {key: (called, gone) for key, called, gone in counted}
