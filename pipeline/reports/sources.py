"""What channels bring: leads, qualified leads, wins and money, by the touch that is credited."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from leads.models.attribution import Channel
from leads.reports import Scope, Spend, first_touch, last_touch, spend
from pipeline.models import Deal, SalesCycle
from pipeline.reports.base import share
from pipeline.reports.funnel import opened

FIRST, LAST = "first", "last"
MODELS = {FIRST: "First touch", LAST: "Last touch"}


@dataclass(frozen=True, slots=True)
class Row:
    """One channel's cohort: cycles opened in the period, and what became of them until now."""

    channel: str
    label: str
    spend: Decimal
    leads: int
    mql: int
    sql: int
    won: int
    revenue: Decimal

    def cost_of(self, count: int) -> float | None:
        return share(float(self.spend), count) if self.spend else None

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
    def returned(self) -> float | None:
        """Revenue for each unit of money spent."""
        return share(float(self.revenue), float(self.spend))


@dataclass(frozen=True, slots=True)
class Sources:
    model: str
    rows: tuple[Row, ...]
    total: Row
    other_currencies: tuple[str, ...]


def credited(scope: Scope, model: str) -> QuerySet[Any]:
    """Sales cycles opened in the period, each with the one channel that gets all its credit.

    First touch: the first touch of the lead ever recorded. Last touch: the last one up to the
    inquiry. Without any touch it is the channel of the source, so that both add up to the same.
    """
    touch = (
        first_touch("lead", "source__channel")
        if model == FIRST
        else last_touch("lead", "source__channel", "received_at")
    )
    found: QuerySet[Any] = opened(scope).annotate(credit=touch)
    return found


def of_channel(scope: Scope, model: str, channel: str, reached: str = "") -> QuerySet[Any]:
    """Cycles whose credit goes to a channel, or of all; `reached`: mql, sql or won."""
    found: QuerySet[Any] = credited(scope, model)
    if channel:
        found = found.filter(credit=channel)
    if reached == "won":
        return found.filter(outcome=SalesCycle.Outcome.WON)
    if reached:
        found = found.filter(**{f"{reached}_at__isnull": False})
    return found


def sources(scope: Scope, model: str = FIRST) -> Sources:
    """What each channel cost and brought: the cycles opened in the period, followed until now.

    Spend is prorated by day. Revenue is what these cycles won until now, in the workspace's
    currency. Return is revenue divided by spend.
    """
    money = spend(scope)
    counted = {row["credit"]: row for row in _counts(scope, model)}
    channels = {*counted, *money.by_channel}
    rows = [_row(channel, counted.get(channel, {}), money) for channel in channels]
    rows.sort(key=lambda row: (-row.revenue, -row.leads, row.label))
    return Sources(model, tuple(rows), _total(rows), money.other_currencies)


def _counts(scope: Scope, model: str) -> QuerySet[Any, dict[str, Any]]:
    won = Deal.objects.filter(cycle=OuterRef("pk"), state="won", currency=scope.currency)
    amount = won.order_by().values("cycle").annotate(sum=Sum("amount")).values("sum")
    found = credited(scope, model).annotate(amount=Subquery(amount))
    rows: QuerySet[Any, dict[str, Any]] = (
        found.order_by()
        .values("credit")
        .annotate(
            leads=Count("pk"),
            mql=Count("pk", filter=Q(mql_at__isnull=False)),
            sql=Count("pk", filter=Q(sql_at__isnull=False)),
            won=Count("pk", filter=Q(outcome="won")),
            revenue=Coalesce(Sum(F("amount")), Decimal(0)),
        )
    )
    return rows


def _row(channel: str, row: dict[str, Any], money: Spend) -> Row:
    numbers = {name: row.get(name, 0) for name in ("leads", "mql", "sql", "won")}
    return Row(
        channel,
        dict(Channel.choices).get(channel, channel),
        money.by_channel.get(channel, Decimal(0)),
        revenue=row.get("revenue") or Decimal(0),
        **numbers,
    )


def _total(rows: list[Row]) -> Row:
    return Row(
        "",
        "Total",
        sum((row.spend for row in rows), Decimal(0)),
        sum(row.leads for row in rows),
        sum(row.mql for row in rows),
        sum(row.sql for row in rows),
        sum(row.won for row in rows),
        sum((row.revenue for row in rows), Decimal(0)),
    )
