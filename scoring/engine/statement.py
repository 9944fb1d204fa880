"""The statement: batch of leads → answers and activities → points of groups → score."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leads import conditions
from scoring.engine.columns import ZERO, Columns, columns_of
from scoring.engine.fragments import Fragment, Scope, joined, template
from scoring.models import Dimension, ModelVersion, Rule

GROUPS = tuple(Rule.Group.values)
# Fading points are looked at again no sooner: a whole point late by minutes misleads nobody.
SOONEST = "interval '30 minutes'"
GRADES = ((0.6, "A", "1"), (0.3, "B", "2"))
LOWEST_GRADE = ("C", "3")


@dataclass(frozen=True, slots=True)
class Statement:
    """`ctes` end in `scored`, one row for each lead of the scope:

    id, old_score, old_temperature, fit, engagement, bant, score, temperature, grade, next_at;
    with detail also the sums before caps, and for each rule r (hundredths), n (count), l (newest).
    """

    version: ModelVersion
    columns: tuple[Columns, ...]
    ctes: Fragment
    moment: str

    def select(self, tail: str) -> Fragment:
        return Fragment(f"{self.ctes.sql} {tail}", self.ctes.params)


def compile_version(
    version: ModelVersion,
    rules: Sequence[Rule],
    *,
    scope: Scope,
    at: datetime,
    detail: bool = False,
) -> Statement:
    """:param detail: also a column for each rule, switched off ones included."""
    moment = conditions.moment_sql(at)
    columns = tuple(
        columns_of(rule, number, moment=moment, detail=detail)
        for number, rule in enumerate(rules)
        if rule.enabled or detail
    )
    ctes = [
        template("batch AS MATERIALIZED ({})", scope.batch()),
        _bant(scope),
        _activities(columns, scope, moment),
        _raw(columns, moment, detail=detail),
        *([_summed(columns)] if detail else []),
        _capped(version, source="summed" if detail else "raw"),
        _totalled(version),
        _scored(version, columns, moment),
    ]
    return Statement(version, columns, template("WITH {}", joined(",\n", ctes)), moment)


def _bant(scope: Scope) -> Fragment:
    levels = ", ".join(
        f"max(b.level) FILTER (WHERE b.dimension = '{key}') AS {key}" for key in Dimension.values
    )
    return template(
        f"bant AS (SELECT b.lead_id, {levels}, "
        "count(*) FILTER (WHERE b.level IN ('partial', 'yes')) AS positive "
        "FROM scoring_bantanswer b WHERE {} AND b.superseded_at IS NULL GROUP BY b.lead_id)",
        scope.holds("b.lead_id"),
    )


def _activities(columns: Sequence[Columns], scope: Scope, moment: str) -> Fragment:
    """One pass over the activities of all leads, each rule a FILTER."""
    types = sorted({c.rule.activity_type for c in columns if c.rule.is_activity})
    upcoming = f"min(a.occurred_at) FILTER (WHERE a.occurred_at > {moment}) AS upcoming"
    return template(
        "acts AS MATERIALIZED (SELECT a.lead_id, {} FROM leads_activity a "
        f"WHERE {{}} AND a.type = ANY({{}}) AND {conditions.COUNTED} GROUP BY a.lead_id)",
        joined(", ", [Fragment(upcoming), *(part for c in columns for part in c.aggregates)]),
        scope.holds("a.lead_id"),
        Fragment("%s::text[]", (types,)),
    )


def _raw(columns: Sequence[Columns], moment: str, *, detail: bool) -> Fragment:
    """The sums of the groups, in hundredths; with detail also each rule, worked out only once."""
    selected = [
        Fragment("lead.id, score.score AS old_score, score.temperature AS old_temperature"),
        _soonest(columns, moment).named("soonest"),
        *(part for group in GROUPS for part in _fading(columns, group)),
        *(_rule_columns(columns) if detail else _sums(columns)),
    ]
    return template(
        "raw AS MATERIALIZED (SELECT {} FROM batch JOIN leads_lead lead ON lead.id = batch.id "
        "JOIN leads_leadscore score ON score.lead_id = lead.id "
        "LEFT JOIN bant ON bant.lead_id = lead.id LEFT JOIN acts ON acts.lead_id = lead.id)",
        joined(", ", selected),
    )


def _sums(columns: Sequence[Columns]) -> list[Fragment]:
    return [
        joined(
            " + ",
            [ZERO, *(c.points for c in columns if c.rule.group == group and c.rule.enabled)],
        ).named(f"{group}_sum")
        for group in GROUPS
    ]


def _rule_columns(columns: Sequence[Columns]) -> list[Fragment]:
    return [
        part
        for n, c in enumerate(columns)
        for part in (
            c.points.named(f"r{n}"),
            c.count.named(f"n{n}"),
            Fragment(f"{c.newest} AS l{n}"),
        )
    ]


def _summed(columns: Sequence[Columns]) -> Fragment:
    sums = ", ".join(
        " + ".join(
            [
                ZERO.sql,
                *(
                    f"r{n}"
                    for n, c in enumerate(columns)
                    if c.rule.group == group and c.rule.enabled
                ),
            ]
        )
        + f" AS {group}_sum"
        for group in GROUPS
    )
    return Fragment(f"summed AS (SELECT raw.*, {sums} FROM raw)")


def _soonest(columns: Sequence[Columns], moment: str) -> Fragment:
    """The first moment at which something starts or stops to count."""
    changes = [change for c in columns if c.rule.enabled for change in c.changes]
    future = [
        template(f"(SELECT x.at FROM (SELECT {{}} AS at) AS x WHERE x.at > {moment})", change)
        for change in changes
    ]
    return template("LEAST({})", joined(", ", [Fragment("acts.upcoming"), *future]))


def _fading(columns: Sequence[Columns], group: str) -> list[Fragment]:
    """What of the group's points fades: the part that adds and the part that takes away."""
    fading = [c for c in columns if c.fading and c.rule.enabled and c.rule.group == group]
    if not fading:
        return []
    adds = [Fragment(f"COALESCE({c.fading}, 0)") for c in fading if c.rule.points > 0]
    takes = [Fragment(f"COALESCE(-({c.fading}), 0)") for c in fading if c.rule.points < 0]
    none = [Fragment("0::float8")]
    shortest = min(c.half_life for c in fading)
    active = " + ".join(f"(COALESCE({c.fading}, 0) <> 0)::int" for c in fading)
    return [
        template(f"({{}}) AS {group}_adds", joined(" + ", adds or none)),
        template(f"({{}}) AS {group}_takes", joined(" + ", takes or none)),
        Fragment(f"{shortest}::float8 AS {group}_days, ({active}) AS {group}_parts"),
    ]


def _capped(version: ModelVersion, *, source: str) -> Fragment:
    """Groups cut to their caps and rounded to whole points."""
    lowest = -version.total_cap * 100
    capped = [
        f"LEAST({cap * 100:d}, GREATEST({group}_sum, {lowest:d}))"
        for group, cap in version.caps.items()
    ]
    rounded = ", ".join(
        f"floor(({value} + 50)::float8 / 100)::int AS {group}"
        for group, value in zip(version.caps, capped, strict=True)
    )
    return Fragment(f"capped AS MATERIALIZED (SELECT {source}.*, {rounded} FROM {source})")


def _totalled(version: ModelVersion) -> Fragment:
    total = f"LEAST({version.total_cap:d}, GREATEST({version.floor:d}, fit + engagement + bant))"
    return Fragment(f"totalled AS (SELECT capped.*, {total} AS score FROM capped)")


def _scored(version: ModelVersion, columns: Sequence[Columns], moment: str) -> Fragment:
    fading = {c.rule.group for c in columns if c.fading and c.rule.enabled}
    moments = ["soonest", *(_fades_at(version, group, moment) for group in sorted(fading))]
    return Fragment(
        f"scored AS MATERIALIZED (SELECT totalled.*, {_temperature(version)} AS temperature, "
        f"{_grade(version)} AS grade, LEAST({', '.join(moments)}) AS next_at FROM totalled)"
    )


def _fades_at(version: ModelVersion, group: str, moment: str) -> str:
    """The earliest moment at which fading points could change the group's whole points.

    The parts with the shortest half-life bound how fast the sum can fall or rise. Half a hundredth
    for each part is left for its own rounding.
    """
    slack = f"0.5 * {group}_parts"
    down = f"GREATEST({group}_sum - ({group} * 100 - 50) - {slack}, 0)"
    up = f"GREATEST({group} * 100 + 50 - {group}_sum - {slack}, 0)"

    def after(distance: str, part: str) -> str:
        return (
            f"CASE WHEN {distance} < {part} "
            f"THEN -{group}_days * ln(1 - {distance} / {part}) / ln(2::float8) END"
        )

    cap, lowest = version.caps[group] * 100, -version.total_cap * 100
    falls = f"CASE WHEN {group}_sum >= {lowest:d} THEN {after(down, f'{group}_adds')} END"
    rises = f"CASE WHEN {group}_sum <= {cap:d} THEN {after(up, f'{group}_takes')} END"
    return (
        f"(SELECT {moment} + GREATEST(make_interval(secs => 86400 * x.days), {SOONEST}) "
        f"FROM (SELECT LEAST({falls}, {rises}) AS days) AS x WHERE x.days IS NOT NULL)"
    )


def _temperature(version: ModelVersion) -> str:
    """Who is hot stays hot until a few points below: nobody flaps at the border."""
    slack = version.hysteresis
    return (
        f"CASE WHEN score >= {version.hot_from:d} "
        f"OR (old_temperature = 'hot' AND score >= {version.hot_from - slack:d}) THEN 'hot' "
        f"WHEN score >= {version.warm_from:d} "
        f"OR (old_temperature <> 'cold' AND score >= {version.warm_from - slack:d}) THEN 'warm' "
        "ELSE 'cold' END"
    )


def _grade(version: ModelVersion) -> str:
    """A1 to C3: a letter for fit, a figure for engagement, each by its share of the cap."""

    def share(group: str, place: int, lowest: str) -> str:
        cap = version.caps[group]
        whens = " ".join(
            f"WHEN {group} >= {step[0] * cap:g} THEN '{step[place]}'" for step in GRADES
        )
        return f"CASE {whens} ELSE '{lowest}' END"

    return f"({share('fit', 1, LOWEST_GRADE[0])}) || ({share('engagement', 2, LOWEST_GRADE[1])})"
