# ruff: noqa: S608  (built from constants; what people wrote are parameters)
"""What touches share of the conversions of a cohort: one statement for all models at once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Greatest

from leads.attribution.channels import UNKNOWN
from leads.attribution.credit import (
    KINDS,
    MODELS,
    UNITS,
    Sharing,
    columns,
    parameters,
    paths,
)
from leads.models.attribution import Channel
from leads.reports import NONE, Scope
from pipeline.models import CycleFact, Deal, SalesCycle
from pipeline.reports.funnel import opened


@dataclass(slots=True)
class Credit:
    """What one channel or campaign gets, by model: parts of leads, MQL, SQL and wins, and money."""

    units: dict[tuple[str, str], int] = field(default_factory=dict)
    cents: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, model: str, units: int, cents: int) -> None:
        self.units[model, kind] = self.units.get((model, kind), 0) + units
        if kind == "won":
            self.cents[model] = self.cents.get(model, 0) + cents

    def count(self, model: str, kind: str) -> Decimal:
        return Decimal(self.units.get((model, kind), 0)) / UNITS

    def revenue(self, model: str) -> Decimal:
        return Decimal(self.cents.get(model, 0)) / 100


def _won_cents(currency: str) -> Case:
    won = Deal.objects.filter(cycle=OuterRef("pk"), state="won", currency=currency)
    summed = won.order_by().values("cycle").annotate(sum=Sum("amount") * 100).values("sum")
    cents = Coalesce(Cast(Subquery(summed), BigIntegerField()), Value(0))
    return Case(When(outcome=SalesCycle.Outcome.WON, then=cents), default=Value(0))


def _fallback() -> Case:
    """Who gets the credit without a touch: the source's own channel, if it declares one."""
    declares = Q(source__isnull=False) & ~Q(source__channel__in=["", Channel.OTHER])
    return Case(When(declares, then=F("source__channel")), default=Value(UNKNOWN))


def _cohort(cycles: QuerySet[Any], currency: str) -> tuple[str, Sequence[Any]]:
    """Rows of a cycle, its lead, its moments, what it won, and who gets credit without a touch."""
    won = Case(
        When(outcome=SalesCycle.Outcome.WON, then=F("closed_at")), output_field=DateTimeField()
    )
    rows = cycles.order_by().values_list(
        "pk",
        "lead_id",
        "opened_at",
        Greatest("opened_at", "received_at"),
        "mql_at",
        "sql_at",
        won,
        _won_cents(currency),
        _fallback(),
    )
    try:
        text, params = rows.query.sql_with_params()
    except EmptyResultSet:  # the ORM knows beforehand that nothing can be found
        return _cohort(SalesCycle.objects.filter(pk=-1), currency)
    return text, params


CONVERSIONS = """
WITH cohort (cycle_id, lead_id, opened_at, lead_at, mql_at, sql_at, won_at, won_cents, fallback)
  AS MATERIALIZED ({cohort}),
conversions AS (
  SELECT c.cycle_id, c.lead_id, c.opened_at, k.kind, k.at, k.cents, c.fallback
  FROM cohort c CROSS JOIN LATERAL (VALUES
    (0::smallint, c.lead_at, 0::bigint), (1, c.mql_at, 0), (2, c.sql_at, 0),
    (3, c.won_at, c.won_cents)) AS k (kind, at, cents)
  WHERE k.at IS NOT NULL AND k.kind = ANY(%(kinds)s)
),
"""


def _statement(
    cycles: QuerySet[Any],
    currency: str,
    *,
    select: str,
    models: Sequence[str] = tuple(MODELS),
    kinds: Sequence[str] = KINDS,
    **more: Any,
) -> tuple[str, dict[str, Any]]:
    """A statement over `parts`: each touch of each conversion with its share by each model."""
    cohort, values = _cohort(cycles, currency)
    sharing = Sharing.load()
    text = (
        CONVERSIONS.replace("{cohort}", _named(cohort, "cohort"))
        + paths(sharing)
        + ", parts AS (SELECT cycle_id, kind, opened_at, at, channel, campaign_id, touch_id, "
        f"{columns(models)} FROM paths) {select}"
    )
    cohort_values = {f"cohort_{n}": value for n, value in enumerate(values)}
    return text, {
        **cohort_values,
        **parameters(sharing),
        "kinds": [KINDS.index(kind) for kind in kinds],
        **more,
    }


def _named(text: str, prefix: str) -> str:
    """The same statement with `%(prefix_0)s` for its first parameter, and so on."""
    head, *tail = text.split("%s")
    return head + "".join(f"%({prefix}_{n})s{rest}" for n, rest in enumerate(tail))


def _rows(text: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")  # the default sorts a year's touches on disk
        cursor.execute(text, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def credits_of(
    scope: Scope, models: Sequence[str] = tuple(MODELS)
) -> dict[tuple[str, int | None], Credit]:
    """What each channel and campaign gets of the cycles opened in the period, by these models."""
    sums = ", ".join(f"sum({model})::bigint, sum({model}_cents)::bigint" for model in models)
    select = f"SELECT channel, campaign_id, kind, {sums} FROM parts GROUP BY 1, 2, 3"
    found: dict[tuple[str, int | None], Credit] = {}
    for channel, campaign, kind, *parts in _rows(
        *_statement(opened(scope), scope.currency, select=select, models=models)
    ):
        credit = found.setdefault((channel, campaign), Credit())
        for n, model in enumerate(models):
            credit.add(KINDS[kind], model, parts[2 * n], parts[2 * n + 1])
    return found


def sharing_cycles(
    scope: Scope, model: str, kind: str, *, channel: str = "", campaign: str = ""
) -> QuerySet[CycleFact]:
    """Cycles opened in the period of whose conversion a channel, or a campaign of it, gets a share.

    Credit is shared among the touches of the look-back window before the conversion. A cycle
    without one credits its source’s own channel, or “Direct / unknown”: every model shares the same
    whole.
    """
    place, values = _place(channel, campaign)
    text, params = _statement(
        opened(scope),
        scope.currency,
        models=[model],
        kinds=[kind],
        select=f"SELECT cycle_id FROM parts WHERE {model} > 0 {place}",
        **values,
    )
    return opened(scope).filter(pk__in=RawSQL(*_positional(text, params)))  # noqa: S611


def _positional(text: str, params: dict[str, Any]) -> tuple[str, list[Any]]:
    """The same statement with parameters in order, as the ORM wants them."""
    order: list[Any] = []

    def take(found: re.Match[str]) -> str:
        order.append(params[found.group(1)])
        return "%s"

    return re.sub(r"%\((\w+)\)s", take, text), order


def _place(channel: str, campaign: str) -> tuple[str, dict[str, Any]]:
    where = ""
    values: dict[str, Any] = {}
    if channel:
        where, values = "AND channel = %(channel)s", {"channel": channel}
    if campaign == NONE:
        where += " AND campaign_id IS NULL"
    elif campaign:
        where += " AND campaign_id = %(campaign)s"
        values["campaign"] = int(campaign)
    return where, values


@dataclass(frozen=True, slots=True)
class Share:
    """What a channel or campaign gets of one cycle."""

    credit: Decimal
    revenue: Decimal


def shares_of(
    scope: Scope,
    cycle_ids: Sequence[int],
    model: str,
    kind: str,
    *,
    channel: str = "",
    campaign: str = "",
) -> dict[int, Share]:
    """The credit behind each row of a list."""
    place, values = _place(channel, campaign)
    text, params = _statement(
        CycleFact.objects.filter(pk__in=cycle_ids),
        scope.currency,
        models=[model],
        kinds=[kind],
        select=f"SELECT cycle_id, sum({model})::bigint, sum({model}_cents)::bigint FROM parts "
        f"WHERE true {place} GROUP BY 1",
        **values,
    )
    return {
        cycle: Share(Decimal(units) / UNITS, Decimal(cents) / 100)
        for cycle, units, cents in _rows(text, params)
    }


def paid_back(scope: Scope, model: str) -> Iterator[tuple[str, int | None, float, Decimal]]:
    """Money won, with its channel and campaign, and the days from the inquiry; soonest first."""
    text, params = _statement(
        opened(scope),
        scope.currency,
        models=[model],
        kinds=["won"],
        select="SELECT channel, campaign_id, extract(epoch FROM at - opened_at) / 86400 AS days, "
        f"{model}_cents FROM parts WHERE {model}_cents > 0 ORDER BY days",
    )
    for channel, campaign, days, cents in _rows(text, params):
        yield channel, campaign, float(days), Decimal(cents) / 100


def sql_by_month(scope: Scope, model: str) -> dict[tuple[str, date], Decimal]:
    """Sales-qualified leads of each channel by the month in which their cycles opened."""
    text, params = _statement(
        opened(scope),
        scope.currency,
        models=[model],
        kinds=["sql"],
        select="SELECT channel, date_trunc('month', opened_at AT TIME ZONE %(zone)s)::date, "
        f"sum({model})::bigint FROM parts GROUP BY 1, 2",
        zone=str(scope.zone),
    )
    return {
        (channel, month): Decimal(units) / UNITS for channel, month, units in _rows(text, params)
    }


def touch_credit(lead_id: int) -> tuple[str, dict[int, dict[str, float]]]:
    """Of the furthest conversion of a lead's latest cycle: what each touch gets, by model.

    Shares are from 0 to 1.
    """
    cycle = SalesCycle.objects.filter(lead=lead_id).order_by("-number").first()
    if cycle is None:
        return "lead", {}
    won = cycle.outcome == SalesCycle.Outcome.WON
    reached = [("won", won), ("sql", cycle.sql_at is not None), ("mql", cycle.mql_at is not None)]
    kind = next((kind for kind, is_so in reached if is_so), "lead")
    text, params = _statement(
        SalesCycle.objects.filter(pk=cycle.pk),
        "",
        kinds=[kind],
        select=f"SELECT touch_id, {', '.join(MODELS)} FROM parts WHERE touch_id IS NOT NULL",
    )
    return kind, {
        touch: {model: units / UNITS for model, units in zip(MODELS, parts, strict=True)}
        for touch, *parts in _rows(text, params)
    }
