"""What reports count, on the ground floor: which leads, new ones, and spend.

A report is about a `Scope`: somebody's eyes, a stretch of time, and the filters of the page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from leads.models import ExchangeRate, Lead, SpendEntry
from leads.models.lead import within_reach

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

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of the period, both inside."""
        last = self.end - timedelta(microseconds=1)
        return self.start.astimezone(self.zone).date(), last.astimezone(self.zone).date()

    def narrowed(self, **filters: str) -> "Scope":
        return replace(self, **filters)  # type: ignore[arg-type]

    def leads(self) -> QuerySet[Lead]:
        """The leads that count: visible to these eyes, real people, passing the filters."""
        seen = Lead.objects.visible_to(self.principal)
        if self.averaged:
            seen = Lead.objects.live().filter(owner__in=self.averaged)
        found: QuerySet[Lead] = seen.in_metrics()
        return found.filter(self.of_people())

    def of_facts(self) -> Q:
        """The same for rows that hold a counting lead's owner, team and country."""
        seen = Q(owner__in=self.averaged) if self.averaged else within_reach(self.principal)
        return seen & self.of_people()

    def of_people(self) -> Q:
        """Whose leads, and where they live."""
        chosen = _same("owner_id", self.owner) & _same("team_id", self.team)
        if self.country:
            chosen &= Q(country="" if self.country == NONE else self.country)
        return chosen

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


# Spend --------------------------------------------------------------------------------------------

Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Spend:
    """Money by channel and campaign in the workspace's currency.

    Other currencies count by the rates entered for them; without a rate they are named, not added.
    """

    by_place: dict[Place, Decimal]
    other_currencies: tuple[str, ...] = ()

    @property
    def by_channel(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for (channel, _), amount in self.by_place.items():
            sums[channel] += amount
        return dict(sums)

    @property
    def total(self) -> Decimal:
        return sum(self.by_place.values(), Decimal(0))


def spend(scope: Scope) -> Spend:
    """Money spent in the period: an entry counts by the share of its days that lie inside."""
    first, last = scope.days
    return _added(_entries(scope), first, last, scope.currency)


def spend_by_month(scope: Scope) -> dict[tuple[str, date], Decimal]:
    """The same money by channel and month of the period."""
    first, last = scope.days
    rates = Rates(scope.currency)
    sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for entry in _entries(scope):
        for start, end in months_between(first, last):
            sums[entry.channel, start.replace(day=1)] += rates.counted(entry, start, end) or 0
    return dict(sums)


def _entries(scope: Scope) -> QuerySet[SpendEntry]:
    first, last = scope.days
    entries = SpendEntry.objects.filter(first_day__lte=last, last_day__gte=first)
    return entries.filter(channel=scope.channel) if scope.channel else entries


def _added(entries: Iterable[SpendEntry], first: date, last: date, currency: str) -> Spend:
    sums: dict[Place, Decimal] = defaultdict(Decimal)
    others = set()
    rates = Rates(currency)
    for entry in entries:
        amount = rates.counted(entry, first, last)
        if amount is None:
            others.add(entry.currency)
        else:
            sums[entry.channel, entry.campaign_id] += amount
    rounded = {place: amount.quantize(Decimal("0.01")) for place, amount in sums.items()}
    return Spend(rounded, tuple(sorted(others)))


class Rates:
    """What other currencies are worth, month by month; read when the first one is met."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    @cached_property
    def known(self) -> dict[str, list[tuple[date, Decimal]]]:
        """By currency, the newest month first."""
        found: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        rows = ExchangeRate.objects.order_by("-month").values_list("currency", "month", "rate")
        for currency, month, rate in rows:
            found[currency].append((month, rate))
        return found

    def on(self, day: date, currency: str) -> Decimal | None:
        """The rate of the day's month, or of the last month before it that has one."""
        if currency == self.currency:
            return Decimal(1)
        return next((rate for month, rate in self.known.get(currency, ()) if month <= day), None)

    def counted(self, entry: SpendEntry, first: date, last: date) -> Decimal | None:
        """The part of an entry inside the period; None where a day of it has no rate."""
        if entry.currency == self.currency:
            return share_inside(entry, first, last)
        total = Decimal(0)
        for start, end in months_between(max(entry.first_day, first), min(entry.last_day, last)):
            rate = self.on(start, entry.currency)
            if rate is None:
                return None
            total += share_inside(entry, start, end) * rate
        return total


def months_between(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Each month's days inside, the first and the last."""
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        yield first, min(end, last)
        first = end + timedelta(days=1)


def share_inside(entry: SpendEntry, first: date, last: date) -> Decimal:
    days = (entry.last_day - entry.first_day).days + 1
    inside = (min(entry.last_day, last) - max(entry.first_day, first)).days + 1
    return entry.amount * max(inside, 0) / days
