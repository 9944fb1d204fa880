"""What the dashboards show: numbers with words, comparisons and links, made in Python."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from leadcrm.dashboard import periods
from leadcrm.dashboard.forms import Asked
from leadcrm.dashboard.rows import METRICS, definition_of
from leadcrm.lib.charts import Bar, Series
from leadcrm.lib.ui import duration
from leads.reports import Scope
from pipeline.reports import funnel, overview, reps, response
from pipeline.reports.staying import Stay

FEW = 20
KEPT = ("period", "from", "to", "compare", "source", "owner", "team", "country", "channel")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Links:
    """Addresses that keep the period and the filters of this page."""

    def __init__(self, query: QueryDict) -> None:
        self.kept = QueryDict(mutable=True)
        for name in KEPT:
            if value := query.get(name, ""):
                self.kept[name] = value

    def __call__(self, path: str, **changes: object) -> str:
        query = self.kept.copy()
        for name, value in changes.items():
            query[name] = str(value)
        return f"{path}?{query.urlencode()}" if query else path

    def rows(self, metric: str, **params: object) -> str:
        return self("/dashboard/rows/", metric=metric, **params)


@dataclass(frozen=True, slots=True)
class Tile:
    """One number: `value` and `unit` as shown, `change` against before, `spark` its course."""

    label: str
    value: str
    unit: str = ""
    href: str = ""
    definition: str = ""
    change: str = ""
    tone: str = ""
    direction: str = ""
    spark: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    words: str
    tone: str
    direction: str


SAME = Change("", "", "")


def changed(now: float | None, before: float | None, *, kind: str, good: str = "up") -> Change:
    """How a number moved: `percent`, `points` (of a share) or `time` (seconds)."""
    if now is None or before is None or now == before:
        return SAME
    direction = "up" if now > before else "down"
    words = _change_words(now, before, kind)
    return Change(words, "good" if direction == good else "bad", direction) if words else SAME


def _change_words(now: float, before: float, kind: str) -> str:
    gap = abs(now - before)
    if kind == "time":
        return time_words(gap)
    if kind == "points":
        return f"{gap * 100:.1f} pts"
    return f"{gap / before:.0%}" if before else ""


def time_words(seconds: float) -> str:
    return str(duration(timedelta(seconds=round(seconds))))


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def with_change(tile: Tile, change: Change) -> Tile:
    return replace(tile, change=change.words, tone=change.tone, direction=change.direction)


def dense(values: dict[datetime, Any], period: periods.Period) -> list[float]:
    """A value for each step of the period, 0 where nothing happened."""
    by_day = {moment.astimezone(period.zone).date(): float(v) for moment, v in values.items()}
    return [by_day.get(day, 0.0) for day in period.steps(period.step)]


def day_words(days: list[date]) -> list[str]:
    """The first, middle and last day below a line."""
    chosen = [days[0], days[len(days) // 2], days[-1]] if len(days) > 2 else days
    return [f"{day.day} {day:%b}" for day in chosen]


def money_words(amount: float) -> tuple[str, str]:
    if amount >= 1_000_000:
        return f"{amount / 1_000_000:.2f}", "M"
    return (f"{amount / 1000:.1f}", "k") if amount >= 10_000 else (f"{amount:,.0f}", "")


# Overview -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overview:
    tiles: tuple[Tile, ...]
    numbers: dict[str, Any]
    weeks: list[Series]
    week_days: list[date]
    week_values: list[float]
    months: list[Bar]
    month_money: list[Bar]
    other_currencies: list[str]


def numbers(asked: Asked) -> dict[str, Any]:
    """The overview's numbers, now and before; the API answers them as they are."""
    now = _numbers(asked.scope)
    before = _numbers(asked.before) if asked.before else None
    return {"now": now, "before": before, **_present(asked.scope)}


def _numbers(scope: Scope) -> dict[str, Any]:
    times = response.times(scope)
    counted = {name: overview.count(scope, name) for name in overview.COUNTED}
    return {
        **counted,
        "revenue": overview.revenue(scope),
        "response_median_seconds": times.median,
        "share_in_target": times.share_in_target,
    }


def _present(scope: Scope) -> dict[str, int]:
    names = ("without_owner", "waiting", "overdue")
    return {name: METRICS[name].rows(scope, {}).count() for name in names}


TILES = (
    ("new_leads", "New leads"),
    ("mql", "MQL"),
    ("sql", "SQL"),
    ("won", "Won"),
)


def overview_tiles(asked: Asked, found: dict[str, Any], links: Links) -> list[Tile]:
    now, before = found["now"], found["before"] or {}
    tiles = []
    for name, label in TILES:
        course = overview.counts_over_time(asked.scope, name, asked.period.step)
        tile = Tile(
            label,
            f"{now[name]:,}",
            href=links.rows(name),
            definition=METRICS[name].definition,
            spark=tuple(dense(course, asked.period)),
        )
        tiles.append(with_change(tile, changed(now[name], before.get(name), kind="percent")))
    return [*tiles, *_money_and_time(asked, now, before, links), *_today(found, links)]


def _money_and_time(
    asked: Asked, now: dict[str, Any], before: dict[str, Any], links: Links
) -> list[Tile]:
    value, unit = money_words(float(now["revenue"]))
    course = overview.revenue_over_time(asked.scope, asked.period.step)
    earned = Tile(
        f"Revenue, {asked.scope.currency}",
        value,
        unit,
        href=links.rows("revenue"),
        definition=METRICS["revenue"].definition,
        spark=tuple(dense(course, asked.period)),
    )
    was = before.get("revenue")
    change = changed(float(now["revenue"]), None if was is None else float(was), kind="percent")
    return [with_change(earned, change), *response_tiles(asked, now, before, links)]


def response_tiles(
    asked: Asked, now: dict[str, Any], before: dict[str, Any], links: Links
) -> list[Tile]:
    median, inside = now["response_median_seconds"], now["share_in_target"]
    definition = definition_of(response.times)
    first = Tile(
        "Median first reply",
        "–" if median is None else time_words(median),
        href=links.rows("answered"),
        definition=definition,
        spark=tuple(overview.medians_over_time(asked.scope, asked.period.step).values()),
    )
    second = Tile(
        "Inside target", percent(inside), "%", links.rows("in_target"), definition=definition
    )
    was = before.get("response_median_seconds")
    return [
        with_change(first, changed(median, was, kind="time", good="down")),
        with_change(second, changed(inside, before.get("share_in_target"), kind="points")),
    ]


def _today(found: dict[str, Any], links: Links) -> list[Tile]:
    late = f"{found['overdue']} over target" if found["overdue"] else ""
    return [
        Tile(
            "Without an owner",
            f"{found['without_owner']:,}",
            href=links.rows("without_owner"),
            definition=METRICS["without_owner"].definition,
            note="now",
        ),
        Tile(
            "Waiting now",
            f"{found['waiting']:,}",
            href=links.rows("waiting"),
            definition=METRICS["waiting"].definition,
            note=late or "now",
        ),
    ]


def weekly(asked: Asked) -> tuple[list[date], list[float]]:
    """New leads by week, or by month when weeks are too many to see."""
    kind = "week" if asked.period.days <= 400 else "month"
    values = overview.counts_over_time(asked.scope, "new_leads", kind)
    days = list(asked.period.steps(kind))
    by_day = _by_day(values, asked.period.zone)
    return days, [by_day.get(day, 0.0) for day in days]


def monthly(asked: Asked) -> tuple[list[Bar], list[Bar]]:
    """Won cycles and revenue (in thousands) by month."""
    won = _by_day(overview.counts_over_time(asked.scope, "won", "month"), asked.period.zone)
    earned = _by_day(overview.revenue_over_time(asked.scope, "month"), asked.period.zone)
    months = list(asked.period.steps("month"))[-24:]
    return (
        [Bar(f"{day:%b}", won.get(day, 0.0)) for day in months],
        [Bar(f"{day:%b}", round(earned.get(day, 0.0) / 1000, 1)) for day in months],
    )


def _by_day(values: dict[datetime, Any], zone: ZoneInfo) -> dict[date, float]:
    return {moment.astimezone(zone).date(): float(v) for moment, v in values.items()}


# Funnel -------------------------------------------------------------------------------------------


def funnel_tiles(found: funnel.Funnel, links: Links) -> list[Tile]:
    if not found.steps:
        return []
    first = found.steps[0]
    tiles = [
        with_change(
            Tile(
                "Leads entered",
                f"{found.entered:,}",
                href=links.rows("reached", stage=first.stage.key, view=found.view),
                definition=definition_of(funnel.reached),
            ),
            changed(found.entered, found.entered_before or None, kind="percent"),
        )
    ]
    for previous, step in zip(found.steps, found.steps[1:], strict=False):
        if step.stage.key not in {"mql", "sql"} and step.stage.category != "won":
            continue
        tiles.append(_step_tile(previous, step, found.view, links))
    return [*tiles, _days_tile(found, links)]


def _step_tile(previous: funnel.Step, step: funnel.Step, view: str, links: Links) -> Tile:
    tile = Tile(
        f"{previous.stage.short_name} to {step.stage.short_name}",
        percent(step.of_previous),
        "%",
        links.rows("reached", stage=step.stage.key, view=view),
        definition_of(funnel.funnel),
        note=too_few(previous.count),
    )
    return with_change(tile, changed(step.of_previous, step.of_previous_before, kind="points"))


def _days_tile(found: funnel.Funnel, links: Links) -> Tile:
    days, before = found.median_days_to_win, found.median_days_to_win_before
    tile = Tile(
        "Median days to win",
        "–" if days is None else f"{days:.0f}",
        "days" if days is not None else "",
        href=links.rows("won_of", view=found.view),
        definition=definition_of(funnel.days_to_win),
    )
    # A younger cohort has won only its quick ones yet: comparing would flatter it.
    running = found.view == funnel.COHORT
    if running or days is None or before is None or round(days) == round(before):
        return tile
    direction = "up" if days > before else "down"
    words = f"{abs(days - before):.0f} days"
    return with_change(tile, Change(words, "bad" if direction == "up" else "good", direction))


def too_few(count: int) -> str:
    return "too few to compare" if count < FEW else ""


def minutes_words(minutes: int | None) -> str:
    if minutes is None:
        return "–"
    return f"{minutes / 1440:.1f} d" if minutes >= 1440 else time_words(minutes * 60)


@dataclass(frozen=True, slots=True)
class StayWords:
    words: tuple[str, str, str]
    inside: int


def stay_words(stay: Stay | None) -> StayWords | None:
    if stay is None:
        return None
    return StayWords(
        (minutes_words(stay.median), minutes_words(stay.p75), minutes_words(stay.p90)), stay.inside
    )


# Response time ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeatCell:
    words: str
    level: str
    href: str
    label: str


def heat_rows(
    cells: tuple[response.Cell, ...], links: Links
) -> list[tuple[str, list[HeatCell | None]]]:
    """Weekdays and two-hour columns; the darker, the longer leads waited."""
    medians = sorted(cell.median for cell in cells if cell.median is not None)
    by_place = {(cell.weekday, cell.hour): cell for cell in cells}
    return [
        (
            day,
            [_heat_cell(by_place.get((n, hour)), medians, links, day) for hour in range(0, 24, 2)],
        )
        for n, day in enumerate(WEEKDAYS, 1)
    ]


def _heat_cell(
    cell: response.Cell | None, medians: list[float], links: Links, day: str
) -> HeatCell | None:
    if cell is None:
        return None
    href = links.rows("hour", weekday=cell.weekday, hour=cell.hour)
    place = f"{day} {cell.hour}–{cell.hour + 2}: {cell.count} received"
    if cell.median is None:
        return HeatCell("–", "0", href, f"{place}, none answered")
    below = sum(1 for median in medians if median < cell.median)
    level = str(min(5, 6 * below // max(len(medians), 1)))
    minutes = cell.median / 60
    words = f"{minutes:.0f}" if minutes < 600 else f"{minutes / 60:.0f}h"
    return HeatCell(words, level, href, f"{place}, median {time_words(cell.median)}")


@dataclass(frozen=True, slots=True)
class GroupWords:
    """A group with its median, slowest tenth and working median in words."""

    group: response.Group
    words: tuple[str, str, str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.group, name)


def group_words(group: response.Group) -> GroupWords:
    found = group.times
    values = (found.median, found.p90, found.working_median)
    median, p90, working = ("–" if value is None else time_words(value) for value in values)
    return GroupWords(group, (median, p90, working))


def wait_bars(found: response.Response, links: Links) -> list[Bar]:
    return [
        Bar(
            bar.band.label,
            bar.count,
            "sb" if bar.late else "s1",
            links.rows("band", band=bar.band.key),
        )
        for bar in found.bars
    ]


def conversion_bars(found: response.Response, links: Links) -> list[Bar]:
    return [
        Bar(
            row.band.label,
            round((row.share_won or 0) * 100, 1),
            "s1" if n < 2 else "soft",
            links.rows("band_won", band=row.band.key),
        )
        for n, row in enumerate(found.conversions)
    ]


def late_from(found: response.Response) -> int | None:
    """Before which bar the target's line stands."""
    return next((n for n, bar in enumerate(found.bars) if bar.late), None)


# Reps ---------------------------------------------------------------------------------------------


def rep_cells(rep: reps.Rep, links: Links | None) -> list[tuple[str, str]]:
    """The figures of one rep in the table's order, each with the link to its rows."""
    median = "–" if rep.median_seconds is None else time_words(rep.median_seconds)
    inside = "–" if rep.share_in_target is None else f"{rep.share_in_target:.0%}"
    cells = [
        (f"{rep.assigned:,}", "assigned"),
        (median, "answered"),
        (inside, "in_target"),
        (f"{rep.calls:,}", "calls"),
        (f"{rep.sql:,}", "sql"),
        (f"{rep.won:,}", "won"),
    ]
    return [(words, _rep_link(rep, metric, links)) for words, metric in cells]


def _rep_link(rep: reps.Rep, metric: str, links: Links | None) -> str:
    if links is None:
        return ""
    # Hand-overs and calls are of a person, whoever owns the lead today.
    who = {"person": rep.key} if metric in {"assigned", "calls"} else {"owner": rep.key}
    return links.rows(metric, **who)
