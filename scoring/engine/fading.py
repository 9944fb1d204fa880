"""When time alone changes a score next: what starts, what ends, and what fades in between."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Sequence

from scoring.engine.columns import Columns, Fading
from scoring.engine.fragments import Fragment, joined, template
from scoring.models import ModelVersion

# Fading points are looked at again no sooner: a hundredth late by minutes misleads nobody.
SOONEST = "interval '10 minutes'"


def soonest(columns: Sequence[Columns], others: Sequence[Fragment], moment: str) -> Fragment:
    """The first moment at which something starts or stops to count.

    Activities of a window leave it in the future; other changes may lie behind.
    """
    ahead = [change for c in columns if c.rule.is_activity for change in c.changes]
    perhaps = [change for c in columns if not c.rule.is_activity for change in c.changes]
    future = [
        template(f"(SELECT x.at FROM (SELECT {{}} AS at) AS x WHERE x.at > {moment})", change)
        for change in [*perhaps, *others]
    ]
    known = [Fragment("acts.upcoming"), Fragment("adjusted.next_at")]
    return template("LEAST({})", joined(", ", [*known, *ahead, *future]))


def fading_of(columns: Sequence[Columns], group: str) -> list[tuple[Columns, Fading]]:
    return [
        (c, c.fading)
        for c in columns
        if c.fading is not None and c.rule.enabled and c.rule.group == group
    ]


def fading_columns(columns: Sequence[Columns], group: str) -> list[Fragment]:
    """What of the group's points fades, and how fast: what adds, and what takes away."""
    fading = fading_of(columns, group)
    if not fading:
        return []
    parts = " + ".join(f"(COALESCE({f.worth}, 0) > 0)::int" for _, f in fading)
    named = [Fragment(f"({parts}) AS {group}_parts")]
    for name, sign in (("adds", 1), ("takes", -1)):
        mine = [f for c, f in fading if c.rule.points * sign > 0]
        for column, values in (
            (name, [f.worth for f in mine]),
            (f"{name}_a_day", [f.a_day for f in mine]),
        ):
            total = " + ".join(f"COALESCE({value}, 0)" for value in values) or "0"
            named.append(Fragment(f"({total})::float8 AS {group}_{column}"))
    return named


def fades_at(version: ModelVersion, group: str, columns: Sequence[Columns], moment: str) -> str:
    """The earliest moment at which fading points could change the group's whole points.

    Nothing fades faster than it does now, and points that halve are bounded by the shortest
    half-life. Half a hundredth for each part is left for its own rounding.
    """
    half_lives = [f.half_life for _, f in fading_of(columns, group)]
    slack = f"0.5 * {group}_parts"
    down = f"GREATEST({group}_sum - ({group} * 100 - 50) - {slack}, 0)"
    up = f"GREATEST({group} * 100 + 50 - {group}_sum - {slack}, 0)"

    def after(distance: str, name: str) -> str:
        part, a_day = f"{group}_{name}", f"{group}_{name}_a_day"
        days = f"{distance} / NULLIF({a_day}, 0)"
        if None not in half_lives:
            shortest = min(h for h in half_lives if h is not None)
            days = f"-{shortest:d} * ln(1 - {distance} / {part}) / ln(2::float8)"
        return f"CASE WHEN {distance} < {part} THEN {days} END"

    cap, lowest = version.caps[group] * 100, -version.total_cap * 100
    falls = f"CASE WHEN {group}_sum >= {lowest:d} THEN {after(down, 'adds')} END"
    rises = f"CASE WHEN {group}_sum <= {cap:d} THEN {after(up, 'takes')} END"
    return (
        f"(SELECT {moment} + GREATEST(make_interval(secs => 86400 * x.days), {SOONEST}) "
        f"FROM (SELECT LEAST({falls}, {rises}) AS days) AS x WHERE x.days IS NOT NULL)"
    )
