"""The page of sources: what channels cost and brought, in words, with links to the rows."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from leadcrm.dashboard import pages
from leadcrm.dashboard.forms import Asked
from leadcrm.dashboard.rows import definition_of
from leadcrm.lib.charts import Series
from leadcrm.lib.ui import CURRENCY_SIGNS, money
from leads.attribution.channels import UNKNOWN
from leads.reports import NONE
from pipeline.reports import sources

FEW_SQL = 3
WHOLE = (sources.FIRST, sources.LAST)  # one touch gets everything
MONTHLY_FROM_DAYS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """How the page shows it: whose credit, what the models are compared by, what is unfolded."""

    model: str
    measure: str
    open: str

    def link(self, links: pages.Links, **changes: str) -> str:
        kept = {"model": self.model, "measure": self.measure, "open": self.open, **changes}
        return links("/dashboard/sources/", **{name: v for name, v in kept.items() if v})


def context(asked: Asked, links: pages.Links, chosen: Choice) -> dict[str, Any]:
    found = sources.sources(asked.scope, chosen.model)
    before = sources.sources(asked.before, chosen.model, briefly=True) if asked.before else None
    course = cost_course(asked, found)
    return {
        "found": found,
        "tiles": source_tiles(asked, found, before, links),
        "extremes": cost_extremes(found),
        "most": max((max(row.spend, row.revenue) for row in found.rows), default=0),
        "rows": [_source_row(row, links, chosen) for row in found.rows],
        "total_cells": credit_cells(found.total, chosen.model, links),
        "models": [
            (label, chosen.link(links, model=key), key == chosen.model)
            for key, label in sources.MODELS.items()
        ],
        "model_meaning": sources.MEANINGS[chosen.model],
        "compared": _compared(found, links, chosen),
        "course": course,
        "remarks": remarks(asked, found, links),
        "definition": definition_of(sources.sources),
        "credit_definition": definition_of(sources.credited),
        "is_empty": not found.rows,
    }


def _source_row(row: sources.Row, links: pages.Links, chosen: Choice) -> dict[str, Any]:
    unfolded = row.channel == chosen.open
    return {
        "row": row,
        "cells": credit_cells(row, chosen.model, links),
        "unfolded": unfolded,
        "toggle": chosen.link(links, open="" if unfolded else row.channel) if row.campaigns else "",
        "campaigns": [(part, credit_cells(part, chosen.model, links)) for part in row.campaigns]
        if unfolded
        else [],
    }


def _compared(found: sources.Sources, links: pages.Links, chosen: Choice) -> dict[str, Any]:
    table = model_table(found, chosen.measure)
    is_money = chosen.measure == "revenue"

    def cells(values: dict[str, Any], channel: str) -> list[tuple[Any, str, bool]]:
        reached = "won" if is_money else sources.KIND_OF[chosen.measure]
        return [
            (
                value if is_money else amount(value, model),
                links.rows("credited", model=model, reached=reached, credit=channel),
                model == chosen.model,
            )
            for model, value in values.items()
        ]

    return {
        "rows": [(row, cells(row["values"], row["channel"])) for row in table["rows"]],
        "total": cells(table["total"], ""),
        "is_money": is_money,
        "labels": list(sources.MODELS.values()),
        "measures": [
            (label, chosen.link(links, measure=key), key == chosen.measure)
            for key, label in sources.MEASURES.items()
        ],
    }


def amount(value: Decimal, model: str) -> str:
    """A count; with one decimal where a model shares leads among channels."""
    return f"{value:,.0f}" if model in WHOLE else f"{value:,.1f}"


def credit_cells(row: sources.Row, model: str, links: pages.Links) -> list[tuple[str, str]]:
    """Leads, MQL, SQL and won of a channel or campaign, each with the link to its rows."""
    counts = {"": row.leads, "mql": row.mql, "sql": row.sql, "won": row.won}
    place = {"credit": row.channel, **({"campaign": row.campaign} if row.campaign else {})}
    return [
        (amount(count, model), links.rows("credited", model=model, reached=reached, **place))
        for reached, count in counts.items()
    ]


def channels(asked: Asked, links: pages.Links) -> list[tuple[sources.Row, list[tuple[str, str]]]]:
    found = sources.sources(asked.scope, briefly=True)
    return [(row, credit_cells(row, sources.FIRST, links)) for row in found.rows if row.leads]


def source_tiles(
    asked: Asked, found: sources.Sources, before: sources.Sources | None, links: pages.Links
) -> list[pages.Tile]:
    now = found.total
    then = before.total if before else None
    currency = asked.scope.currency
    tiles = [
        _money_tile("Spend", now.spend, then.spend if then else None, currency, tone=False),
        _money_tile("Won", now.revenue, then.revenue if then else None, currency),
        pages.with_change(
            pages.Tile("Return", "–" if now.returned is None else f"{now.returned:.1f}", "×"),
            pages.changed(now.returned, then.returned if then else None, kind="percent"),
        ),
        pages.with_change(
            _money_tile("Cost per SQL", now.cost_per_sql, None, currency),
            pages.changed(
                now.cost_per_sql, then.cost_per_sql if then else None, kind="percent", good="down"
            ),
        ),
    ]
    return [*tiles, _unknown_tile(found, links)]


def _money_tile(
    label: str, value: Any, before: Any, currency: str, *, tone: bool = True
) -> pages.Tile:
    if value is None:
        return pages.Tile(label, "–")
    words, unit = pages.money_words(float(value))
    change = pages.changed(float(value), None if before is None else float(before), kind="percent")
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    tile = pages.Tile(label, f"{sign}{words}", unit)
    return pages.with_change(tile, change if tone else replace(change, tone=""))


def _unknown_tile(found: sources.Sources, links: pages.Links) -> pages.Tile:
    row = next((row for row in found.rows if row.channel == UNKNOWN), None)
    part = float(row.leads / found.total.leads) if row and found.total.leads else 0.0
    return pages.Tile(
        "No origin recorded",
        pages.percent(part),
        "%",
        links.rows("credited", model=found.model, credit=UNKNOWN) if row else "",
        definition="Leads without a visit or capture of known origin before their inquiry, whose "
        "source declares no channel either.",
        note=f"{amount(row.leads, found.model)} leads" if row else "every lead has one",
    )


def model_table(found: sources.Sources, measure: str) -> dict[str, Any]:
    """A measure by all models side by side; the API answers it as it is."""
    rows, total = found.compared(measure)
    names = list(sources.MODELS)
    return {
        "measure": measure,
        "rows": [
            {
                "channel": row.channel,
                "label": row.label,
                "icon": row.icon,
                "values": dict(zip(names, row.values, strict=True)),
            }
            for row in rows
        ],
        "total": dict(zip(names, total or [Decimal(0)] * len(names), strict=True)),
    }


def cost_extremes(found: sources.Sources) -> tuple[sources.Row, sources.Row] | None:
    """The dearest and the cheapest channel for an SQL, of those that have a few."""
    paid = [row for row in found.rows if row.cost_per_sql is not None and row.sql >= FEW_SQL]
    paid.sort(key=lambda row: row.cost_per_sql or 0)
    return (paid[-1], paid[0]) if len(paid) > 1 else None


@dataclass(frozen=True, slots=True)
class Remark:
    """A campaign worth a look, and why."""

    icon: str
    tone: str
    name: str
    words: str
    href: str


def remarks(asked: Asked, found: sources.Sources, links: pages.Links) -> list[Remark]:
    """The campaigns with the cheapest and the dearest SQL, and the dearest that won nothing."""
    rows = [c for row in found.rows for c in row.campaigns if c.campaign != NONE and c.spend]
    if not rows:
        return []
    priced = sorted((row for row in rows if row.sql >= 1), key=lambda row: row.cost_per_sql or 0)
    chosen: list[tuple[sources.Row, str, str, str]] = []
    if priced:
        chosen.append((priced[0], "trending-up", "good", "The cheapest SQL of the period."))
    if len(priced) > 1:
        chosen.append((priced[-1], "trending-down", "bad", "The dearest SQL of the period."))
    idle = sorted((row for row in rows if row.won < 1), key=lambda row: -row.spend)
    chosen += [(row, "hourglass", "", "Nothing won until now.") for row in idle[:1]]
    return [_remark(asked, links, found.model, *each) for each in chosen]


def _remark(
    asked: Asked, links: pages.Links, model: str, row: sources.Row, icon: str, tone: str, why: str
) -> Remark:
    cost = money(row.spend, asked.scope.currency)
    words = f"{amount(row.leads, model)} leads, {amount(row.sql, model)} SQL, {cost}. {why}"
    href = links.rows("credited", model=model, credit=row.channel, campaign=row.campaign)
    return Remark(icon, tone, row.label, words, href)


def cost_course(
    asked: Asked, found: sources.Sources
) -> tuple[list[str], list[Series], list[Any]] | None:
    """Cost per SQL by month: all channels, and the dearest one; None for too short a period."""
    if asked.period.days < MONTHLY_FROM_DAYS or not found.total.spend:
        return None
    courses = sources.cost_per_sql_by_month(asked.scope, found.model)
    months = list(asked.period.steps("month"))
    dearest = cost_extremes(found)
    shown = [("s2", dearest[0].channel, dearest[0].label)] if dearest else []
    lines = [
        (tone, label, courses.get(key, []))
        for tone, key, label in [*shown, ("s1", "", "All channels")]
    ]
    if len(months) < 2 or any(len(values) != len(months) for *_, values in lines):
        return None
    rows = [(day, [values[n] for *_, values in lines]) for n, day in enumerate(months)]
    series = [Series(tone, [value or 0 for value in values]) for tone, _, values in lines]
    return [f"{day:%b}" for day in months], series, [[label for _, label, _ in lines], rows]
