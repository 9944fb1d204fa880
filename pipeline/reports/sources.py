"""What channels and campaigns cost and bring: leads, qualified leads, wins and money, by credit."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from leads.attribution import channels
from leads.attribution.credit import FIRST, LAST, MEANINGS, MODELS
from leads.models import MarketingCampaign
from leads.reports import NONE, Place, Scope, Spend, months_between, spend, spend_by_month
from pipeline.models import CycleFact
from pipeline.reports import attribution
from pipeline.reports.attribution import Credit
from pipeline.reports.base import share

__all__ = ["FIRST", "LAST", "MEANINGS", "MODELS", "Row", "Sources", "credited", "sources"]
MEASURES = {"leads": "Leads", "mql": "MQL", "sql": "SQL", "won": "Won", "revenue": "Revenue"}
KIND_OF = {"leads": "lead", "mql": "mql", "sql": "sql", "won": "won"}
Days = dict[Place, list[tuple[float, Decimal]]]


@dataclass(frozen=True, slots=True)
class Row:
    """A channel's or a campaign's cohort: cycles opened in the period, and what became of them."""

    channel: str
    label: str
    spend: Decimal
    leads: Decimal
    mql: Decimal
    sql: Decimal
    won: Decimal
    revenue: Decimal
    icon: str = ""
    campaign: str = ""
    payback_days: int | None = None
    campaigns: tuple["Row", ...] = ()

    def cost_of(self, count: Decimal) -> float | None:
        return share(float(self.spend), float(count)) if self.spend else None

    @property
    def cost_per_lead(self) -> float | None:
        return self.cost_of(self.leads)

    @property
    def cost_per_mql(self) -> float | None:
        return self.cost_of(self.mql)

    @property
    def cost_per_sql(self) -> float | None:
        return self.cost_of(self.sql)

    @property
    def cost_per_won(self) -> float | None:
        return self.cost_of(self.won)

    @property
    def conversion(self) -> float | None:
        """Of the leads, the share that was won."""
        return share(float(self.won), float(self.leads))

    @property
    def returned(self) -> float | None:
        """Revenue for each unit of money spent."""
        return share(float(self.revenue), float(self.spend))

    @property
    def romi(self) -> float | None:
        """Return on marketing investment: what came back beyond the spend, as a part of it."""
        return share(float(self.revenue - self.spend), float(self.spend))


@dataclass(frozen=True, slots=True)
class Compared:
    """One channel's measure by each model, in their order."""

    channel: str
    label: str
    icon: str
    values: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    model: str
    rows: tuple[Row, ...]
    total: Row
    other_currencies: tuple[str, ...]
    credits: dict[Place, Credit]

    def compared(self, measure: str) -> tuple[list[Compared], tuple[Decimal, ...]]:
        """A measure by all models side by side, and their totals, which are the same."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(MODELS))
        for (channel, _), credit in self.credits.items():
            for n, model in enumerate(MODELS):
                sums[channel][n] += _measured(credit, model, measure)
        rows = [
            Compared(key, channels.label_of(key), channels.icon_of(key), tuple(values))
            for key, values in sums.items()
        ]
        rows.sort(key=lambda row: (-max(row.values), row.label))
        return rows, tuple(sum(values, Decimal(0)) for values in zip(*sums.values(), strict=True))


def _measured(credit: Credit, model: str, measure: str) -> Decimal:
    if measure == "revenue":
        return credit.revenue(model)
    return credit.count(model, KIND_OF[measure])


def credited(
    scope: Scope, model: str, channel: str, reached: str = "", campaign: str = ""
) -> QuerySet[CycleFact]:
    """Sales cycles opened in the period of which a channel or campaign gets a share.

    Credit is shared among the touches of the look-back window before each conversion. A cycle
    without one credits the channel that its source declares, or “Direct / unknown”, so that every
    model shares out the same total.
    """
    return attribution.sharing_cycles(
        scope, model, reached or "lead", channel=channel, campaign=campaign
    )


def sources(scope: Scope, model: str = FIRST, *, briefly: bool = False) -> Sources:
    """What each channel cost and brought: the cycles opened in the period, followed until now.

    Spend is spread evenly over its days. Revenue is what these cycles won until now, in the
    workspace's currency. Return is revenue divided by spend; ROMI is revenue less spend, divided by
    spend. Payback is the number of days after the inquiry by which the wins had covered the spend.
    """
    money = spend(scope)
    found = attribution.credits_of(scope, [model] if briefly else list(MODELS))
    days = _days(scope, model) if money.total and not briefly else {}
    names = _names({place[1] for place in {*found, *money.by_place}})
    by_channel: dict[str, list[Row]] = defaultdict(list)
    for place in {*found, *money.by_place}:
        by_channel[place[0]].append(_row(place, found, money, model, names))
    rows = [_channel(channel, parts, days) for channel, parts in by_channel.items()]
    rows.sort(key=_best_first)
    total = replace(_sum(rows, "", "Total"), payback_days=_payback(_spent(rows), days.values()))
    return Sources(model, tuple(rows), total, money.other_currencies, found)


def _names(ids: set[int | None]) -> dict[int, str]:
    return dict(
        MarketingCampaign.objects.filter(pk__in=[pk for pk in ids if pk]).values_list("pk", "name")
    )


def _row(
    place: Place,
    found: dict[Place, Credit],
    money: Spend,
    model: str,
    names: dict[int, str],
) -> Row:
    channel, campaign = place
    credit = found.get(place, Credit())
    return Row(
        channel,
        names.get(campaign, "Campaign deleted") if campaign else "Without a campaign",
        money.by_place.get(place, Decimal(0)),
        leads=credit.count(model, "lead"),
        mql=credit.count(model, "mql"),
        sql=credit.count(model, "sql"),
        won=credit.count(model, "won"),
        revenue=credit.revenue(model),
        campaign=str(campaign) if campaign else NONE,
    )


def _channel(channel: str, parts: list[Row], days: Days) -> Row:
    paid = [
        replace(part, payback_days=_payback(part.spend, [days.get(_place_of(part), [])]))
        for part in parts
    ]
    paid.sort(key=_best_first)
    own = [values for place, values in days.items() if place[0] == channel]
    whole = _sum(parts, channel, channels.label_of(channel))
    return replace(
        whole,
        icon=channels.icon_of(channel),
        payback_days=_payback(whole.spend, own),
        campaigns=tuple(paid) if [part.campaign for part in parts] != [NONE] else (),
    )


def _place_of(row: Row) -> Place:
    return row.channel, None if row.campaign == NONE else int(row.campaign)


def _best_first(row: Row) -> tuple[Decimal, Decimal, str]:
    return -row.revenue, -row.leads, row.label


def _spent(rows: Iterable[Row]) -> Decimal:
    return sum((row.spend for row in rows), Decimal(0))


def _sum(rows: Iterable[Row], channel: str, label: str) -> Row:
    parts = list(rows)

    def whole(name: str) -> Decimal:
        return sum((getattr(row, name) for row in parts), Decimal(0))

    names = ("spend", "leads", "mql", "sql", "won", "revenue")
    values: dict[str, Any] = {name: whole(name) for name in names}
    return Row(channel, label, **values)


def _days(scope: Scope, model: str) -> Days:
    found: Days = defaultdict(list)
    for channel, campaign, days, amount in attribution.paid_back(scope, model):
        found[channel, campaign].append((days, amount))
    return dict(found)


def _payback(spent: Decimal, wins: Iterable[list[tuple[float, Decimal]]]) -> int | None:
    """After how many days from their inquiries the wins had covered the spend."""
    if not spent:
        return None
    earned = Decimal(0)
    for days, amount in sorted(win for each in wins for win in each):
        earned += amount
        if earned >= spent:
            return max(round(days), 0)
    return None


def cost_per_sql_by_month(scope: Scope, model: str) -> dict[str, list[float | None]]:
    """By channel, "" for all: each month's spend divided by the SQL of that month's inquiries."""
    counts = attribution.sql_by_month(scope, model)
    money = spend_by_month(scope)
    keys = {"", *(channel for channel, _ in money)}
    months = [start.replace(day=1) for start, _ in months_between(*scope.days)]
    return {
        key: [_ratio(_of(money, key, month), _of(counts, key, month)) for month in months]
        for key in keys
    }


def _of(values: dict[tuple[str, date], Decimal], channel: str, month: date) -> Decimal:
    found = (
        value for (key, when), value in values.items() if when == month and channel in ("", key)
    )
    return sum(found, Decimal(0))


def _ratio(spent: Decimal, count: Decimal) -> float | None:
    return share(float(spent), float(count)) if spent else None
