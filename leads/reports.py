"""What reports count, on the ground floor: which leads, new ones, spend, and the touch that counts.

A report is about a `Scope`: somebody's eyes, a stretch of time, and the filters of the page.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Expression, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from leads.models import Lead, SpendEntry, Touch
from leads.models.attribution import Channel

NONE = "none"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose eyes, from `start` until just before `end`, days in `zone`, and which leads.

    A filter is the key of a row, `none` for leads without one, or empty for all.
    """

    principal: Any
    start: datetime
    end: datetime
    now: datetime
    zone: ZoneInfo
    currency: str = "EUR"
    source: str = ""
    owner: str = ""
    team: str = ""
    country: str = ""
    channel: str = ""
    # Whose leads go into an average without names, instead of the visible ones.
    averaged: frozenset[int] = frozenset()

    def within(self, field: str) -> Q:
        return Q(**{f"{field}__gte": self.start, f"{field}__lt": self.end})

    def narrowed(self, **filters: str) -> "Scope":
        return replace(self, **filters)  # type: ignore[arg-type]

    def leads(self) -> QuerySet[Lead]:
        """The leads that count: visible to these eyes, real people, passing the filters."""
        seen = Lead.objects.visible_to(self.principal)
        if self.averaged:
            seen = Lead.objects.live().filter(owner__in=self.averaged)
        found: QuerySet[Lead] = seen.in_metrics()
        found = found.filter(_same("owner_id", self.owner), _same("team_id", self.team))
        if self.country:
            found = found.filter(country="" if self.country == NONE else self.country)
        return found

    def of_source(self) -> Q:
        """Leads or cycles that came from the chosen source and channel."""
        chosen = _same("source_id", self.source)
        return chosen & Q(source__channel=self.channel) if self.channel else chosen


def _same(field: str, value: str) -> Q:
    if not value:
        return Q()
    return Q(**{f"{field}__isnull": True}) if value == NONE else Q(**{field: int(value)})


def new_leads(scope: Scope) -> QuerySet[Lead]:
    """People who became known in the period, counted when their record was made.

    Merged, deleted and test records do not count. Source and owner are those of today.
    """
    return scope.leads().filter(scope.within("created_at"), scope.of_source())


# The touch that gets the credit -------------------------------------------------------------------


def first_touch(lead: str, source_channel: str) -> Expression:
    """All credit goes to the first touch ever recorded; without any, to the source's channel."""
    return _channel(_touches(lead).order_by("occurred_at", "pk"), source_channel)


def last_touch(lead: str, source_channel: str, until: str) -> Expression:
    """All credit goes to the last touch up to the inquiry; without any, to the source's channel."""
    touches = _touches(lead).filter(occurred_at__lte=OuterRef(until))
    return _channel(touches.order_by("-occurred_at", "-pk"), source_channel)


def _touches(lead: str) -> QuerySet[Touch]:
    return Touch.objects.filter(lead=OuterRef(lead))


def _channel(touches: QuerySet[Touch], source_channel: str) -> Expression:
    return Coalesce(
        Subquery(touches.values("channel")[:1]), source_channel, Value(Channel.OTHER.value)
    )


# Spend --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spend:
    """Money by channel in the workspace's currency; what is in others is named, never added."""

    by_channel: dict[str, Decimal]
    other_currencies: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        return sum(self.by_channel.values(), Decimal(0))


def spend(scope: Scope) -> Spend:
    """Money spent in the period: an entry counts by the share of its days that lie inside."""
    first = scope.start.astimezone(scope.zone).date()
    last = (scope.end - timedelta(microseconds=1)).astimezone(scope.zone).date()
    entries = SpendEntry.objects.filter(first_day__lte=last, last_day__gte=first)
    if scope.channel:
        entries = entries.filter(channel=scope.channel)
    return _added(entries, first, last, scope.currency)


def _added(entries: Iterable[SpendEntry], first: date, last: date, currency: str) -> Spend:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    others = set()
    for entry in entries:
        if entry.currency == currency:
            sums[entry.channel] += share_inside(entry, first, last)
        else:
            others.add(entry.currency)
    rounded = {channel: amount.quantize(Decimal("0.01")) for channel, amount in sums.items()}
    return Spend(rounded, tuple(sorted(others)))


def share_inside(entry: SpendEntry, first: date, last: date) -> Decimal:
    days = (entry.last_day - entry.first_day).days + 1
    inside = (min(entry.last_day, last) - max(entry.first_day, first)).days + 1
    return entry.amount * max(inside, 0) / days
