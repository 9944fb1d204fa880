"""The statement: batch of leads → answers and activities → points of groups → score."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadcrm.accounts.models import Workspace
from leadcrm.lib import memo
from leadcrm.lib.errors import Invalid
from leads import conditions
from leads.conditions.tree import Group, Happening, Leaf, Node, Not
from scoring import frameworks
from scoring.engine.columns import (
    ZERO,
    Columns,
    Setting,
    attribute_columns,
    bant_columns,
    changes_of,
)
from scoring.engine.counting import activity_columns
from scoring.engine.fading import fades_at, fading_columns, soonest
from scoring.engine.fragments import Fragment, joined, template
from scoring.engine.scopes import Scope
from scoring.models import ModelVersion, Rule

GROUPS = tuple(Rule.Group.values)
GRADES = ((0.6, "A", "1"), (0.3, "B", "2"))
LOWEST_GRADE = ("C", "3")
LAST_ACTIVITY = (
    "(SELECT max(a.occurred_at) FROM leads_activity a WHERE a.lead_id = lead.id "
    f"AND {conditions.COUNTED} AND a.occurred_at <= {{}})"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """`ctes` end in `scored`, one row for each lead of the scope. See the package's text."""

    version: ModelVersion
    columns: tuple[Columns, ...]
    ctes: Fragment
    moment: str
    setting: Setting

    def select(self, tail: str, params: tuple[Any, ...] = ()) -> Fragment:
        return Fragment(f"{self.ctes.sql} {tail}", (*self.ctes.params, *params))


def compile_version(
    version: ModelVersion,
    rules: Sequence[Rule],
    *,
    scope: Scope,
    at: datetime | None,
    detail: bool = False,
    as_of: bool = False,
    forecast: bool = True,
    columns: Mapping[str, str] | None = None,
) -> Statement:
    """See the package's text.

    :param version: saved or not; only its numbers, its conditions and its model's category count.
    :param at: the moment to score at; None for the database's present.
    :param detail: also columns for each rule, switched off ones included.
    :param as_of: a moment in the past: answers and adjustments as they stood then.
    :param forecast: work out `next_at`; what only looks does without.
    :param columns: SQL that takes the place of that of fields of conditions.
    """
    how = (scope, at, detail, as_of, forecast, columns or {})
    with memo.continuing():  # small tables that many rules ask for are read once
        return _Compiler(version, rules, *how).statement()


@dataclass(frozen=True)
class _Compiler:
    version: ModelVersion
    rules: Sequence[Rule]
    scope: Scope
    at: datetime | None
    detail: bool
    as_of: bool
    forecast: bool
    overrides: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def moment(self) -> str:
        return self.scope.moment or conditions.moment_sql(self.at)

    @cached_property
    def looks_back(self) -> bool:
        return self.as_of or bool(self.scope.moment)

    @cached_property
    def setting(self) -> Setting:
        known = dict(bant_columns())
        if self.looks_back:
            known["last_activity_at"] = LAST_ACTIVITY.format(self.moment)
        return Setting(
            moment=self.moment,
            category=self.version.model.category,
            columns={**known, **self.overrides},
            zone=self.zone,
            kinds=self.kinds,
            machines=any(r.is_activity and not r.human_only for r in self.rules),
            detail=self.detail,
        )

    @cached_property
    def zone(self) -> str:
        """Where days begin, if any rule asks; UTC where a zone was renamed since it was chosen."""
        if not any(rule.per or rule.counting == Rule.Counting.PER_DAY for rule in self.rules):
            return "UTC"
        try:
            return ZoneInfo(Workspace.load().time_zone).key
        except (ZoneInfoNotFoundError, ValueError):
            return "UTC"

    @cached_property
    def kinds(self) -> dict[str, int]:
        """The activity types that matter, numbered."""
        types = {rule.activity_type for rule in self.rules if rule.is_activity}
        return {name: number for number, name in enumerate(sorted(types | self.asked_for))}

    @cached_property
    def asked_for(self) -> set[str]:
        """Types whose passing by may end or begin a qualification."""
        found = self.parts_of_qualifications
        return {part.type for part in found if isinstance(part, Happening) and part.type}

    @cached_property
    def parts_of_qualifications(self) -> list[Leaf]:
        if not self.forecast or self.scope.moment or not self.version.model.is_default:
            return []
        trees = [*self.version.qualifications.values(), *self.version.leavings.values()]
        return [part for tree in trees for part in parts_of(tree)]

    @cached_property
    def columns(self) -> tuple[Columns, ...]:
        return tuple(
            activity_columns(rule, number, self.setting)
            if rule.is_activity
            else attribute_columns(rule, self.setting)
            for number, rule in enumerate(self.rules)
            if rule.enabled or self.detail
        )

    @cached_property
    def active(self) -> list[Columns]:
        return [c for c in self.columns if c.rule.enabled]

    def statement(self) -> Statement:
        ctes = [
            template("batch AS MATERIALIZED ({})", self.scope.batch()),
            self.bant(),
            self.adjustments(),
            self.activities(),
            self.raw(),
            *([self.summed()] if self.detail else []),
            self.capped(),
            self.totalled(),
            self.scored(),
        ]
        with_ctes = template("WITH {}", joined(",\n", ctes))
        return Statement(self.version, self.columns, with_ctes, self.moment, self.setting)

    # Facts -----------------------------------------------------------------------------------

    def source(self, table: str, alias: str) -> Fragment:
        """FROM and WHERE for what belongs to leads of the scope.

        Where each lead has a moment of its own, rows stand beside it.
        """
        if self.scope.moment:
            return Fragment(
                f"FROM batch JOIN {table} {alias} ON {alias}.lead_id = batch.id WHERE true"
            )
        return template(f"FROM {table} {alias} WHERE {{}}", self.scope.holds(f"{alias}.lead_id"))

    def key(self, alias: str) -> str:
        return "batch.place" if self.scope.moment else f"{alias}.lead_id"

    def on(self, cte: str) -> str:
        return f"{cte}.key = {'batch.place' if self.scope.moment else 'lead.id'}"

    def bant(self) -> Fragment:
        levels = ", ".join(
            f"max(b.level) FILTER (WHERE b.dimension = '{key}') AS c_{key}"
            for key in frameworks.known()
            if frameworks.NAME.fullmatch(key)
        )
        holds = "b.superseded_at IS NULL"
        if self.looks_back:
            holds = (
                f"b.at <= {self.moment} "
                f"AND (b.superseded_at IS NULL OR b.superseded_at > {self.moment})"
            )
        return template(
            f"bant AS (SELECT {self.key('b')} AS key, {levels}, "
            "count(*) FILTER (WHERE b.level IN ('partial', 'yes') "
            f"AND b.dimension IN {frameworks.asked_sql()}) AS positive "
            f"{{}} AND {holds} GROUP BY 1)",
            self.source("scoring_bantanswer", "b"),
        )

    def adjustments(self) -> Fragment:
        """What colleagues added or took and still counts, and when that changes."""
        begun, moment = f"x.at <= {self.moment}", self.moment
        counts = (
            f"{begun} AND (x.expires_at IS NULL OR x.expires_at > {moment}) "
            f"AND (x.revoked_at IS NULL OR x.revoked_at > {moment})"
        )
        return template(
            f"adjusted AS (SELECT {self.key('x')} AS key, "
            f"COALESCE(sum(x.points) FILTER (WHERE {counts}), 0)::int AS points, "
            f"LEAST(min(LEAST(x.expires_at, x.revoked_at)) FILTER (WHERE {counts}), "
            f"min(x.at) FILTER (WHERE x.at > {moment})) AS next_at "
            f"{{}} AND x.model_id = {self.version.model_id or 0:d} GROUP BY 1)",
            self.source("scoring_adjustment", "x"),
        )

    def activities(self) -> Fragment:
        """One pass over the activities of all leads, each rule a FILTER."""
        upcoming = f"min(a.occurred_at) FILTER (WHERE a.occurred_at > {self.moment}) AS upcoming"
        counted = "true" if self.setting.machines else conditions.COUNTED
        aggregates = [part for c in self.columns for part in c.aggregates]
        derived = [part for c in self.columns for part in c.derived]
        asked = [
            Fragment(f"bool_or(kind.n = {self.kinds[name]:d}) AS did{self.kinds[name]}")
            for name in sorted(self.asked_for)
        ]
        # What is worked out from the aggregates may ask for the moment, too.
        beside = " JOIN batch ON batch.place = acts.key" if self.scope.moment else ""
        return template(
            "acts AS MATERIALIZED (SELECT {} FROM "
            f"(SELECT {self.key('a')} AS key, {{}} {{}} AND {counted} GROUP BY 1) AS acts{beside})",
            joined(", ", [Fragment("acts.*"), *derived]),
            joined(", ", [Fragment(upcoming), *aggregates, *asked]),
            self.activity_source(),
        )

    def activity_source(self) -> Fragment:
        kinds = Fragment(
            "(SELECT * FROM unnest(%s::text[], %s::int[])) AS kind (type, n)",
            (list(self.kinds), list(self.kinds.values())),
        )
        if self.scope.moment:
            return template(
                "FROM batch JOIN leads_activity a ON a.lead_id = batch.id JOIN {} "
                "ON kind.type = a.type WHERE true",
                kinds,
            )
        return template(
            "FROM leads_activity a JOIN {} ON kind.type = a.type WHERE {}",
            kinds,
            self.scope.holds("a.lead_id"),
        )

    # Points ----------------------------------------------------------------------------------

    def raw(self) -> Fragment:
        """The sums of the groups, in hundredths; with detail also each rule, worked out once."""
        old = "'cold'" if self.looks_back else "score.temperature"
        place = "batch.place, batch.at" if self.scope.moment else "NULL::int AS place"
        selected = [
            Fragment(f"lead.id, score.score AS old_score, {old} AS old_temperature, {place}"),
            Fragment("COALESCE(adjusted.points, 0) AS adjusted"),
            *self.moments(),
            *(self.rule_columns() if self.detail else self.sums()),
        ]
        return template(
            "raw AS MATERIALIZED (SELECT {} FROM batch "
            "JOIN leads_lead lead ON lead.id = batch.id "
            "JOIN leads_leadscore score ON score.lead_id = lead.id "
            f"LEFT JOIN bant ON {self.on('bant')} LEFT JOIN adjusted ON {self.on('adjusted')} "
            f"LEFT JOIN acts ON {self.on('acts')})",
            joined(", ", selected),
        )

    def moments(self) -> list[Fragment]:
        if not self.forecast:
            return []
        first = soonest(self.active, self.qualifying(), self.moment)
        fading = [part for group in GROUPS for part in fading_columns(self.active, group)]
        return [first.named("soonest"), *fading]

    def qualifying(self) -> list[Fragment]:
        """When time alone may make somebody qualify, or no longer.

        Of what somebody never did nothing can pass by.
        """
        context = conditions.Context(self.moment, self.setting.columns)
        found: list[Fragment] = []
        for part in self.parts_of_qualifications:
            changes = changes_of(conditions.compile_node(part, context))
            if isinstance(part, Happening) and part.type:
                did = f"CASE WHEN acts.did{self.kinds[part.type]} THEN {{}} END"
                changes = tuple(template(did, change) for change in changes)
            found += changes
        return found

    def sums(self) -> list[Fragment]:
        return [
            joined(" + ", [ZERO, *(c.points for c in self.active if c.rule.group == group)]).named(
                f"{group}_sum"
            )
            for group in GROUPS
        ]

    def rule_columns(self) -> list[Fragment]:
        return [
            part
            for n, c in enumerate(self.columns)
            for part in (
                c.points.named(f"r{n}"),
                c.count.named(f"n{n}"),
                c.counted.named(f"u{n}"),
                c.faded.named(f"f{n}"),
                c.capped.named(f"c{n}"),
                Fragment(f"{c.newest} AS l{n}"),
            )
        ]

    def summed(self) -> Fragment:
        sums = ", ".join(f"{self.sum_of(group)} AS {group}_sum" for group in GROUPS)
        return Fragment(f"summed AS (SELECT raw.*, {sums} FROM raw)")

    def sum_of(self, group: str) -> str:
        names = [
            f"r{n}" for n, c in enumerate(self.columns) if c.rule.group == group and c.rule.enabled
        ]
        return " + ".join([ZERO.sql, *names])

    # The score -------------------------------------------------------------------------------

    def capped(self) -> Fragment:
        """Groups cut to their caps and rounded to whole points."""
        source = "summed" if self.detail else "raw"
        rounded = ", ".join(
            f"floor(({limited(self.version, group)} + 50)::float8 / 100)::int AS {group}"
            for group in GROUPS
        )
        return Fragment(f"capped AS MATERIALIZED (SELECT {source}.*, {rounded} FROM {source})")

    def totalled(self) -> Fragment:
        version, whole = self.version, "fit + engagement + bant + adjusted"
        total = f"LEAST({version.total_cap:d}, GREATEST({version.floor:d}, {whole}))"
        return Fragment(f"totalled AS (SELECT capped.*, {total} AS score FROM capped)")

    def scored(self) -> Fragment:
        return Fragment(
            f"scored AS MATERIALIZED (SELECT totalled.*, {temperature_sql(self.version)} "
            f"AS temperature, {grade_sql(self.version)} AS grade{self.next_at()} FROM totalled)"
        )

    def next_at(self) -> str:
        if not self.forecast:
            return ""
        fading = sorted({c.rule.group for c in self.active if c.fading})
        moments = [fades_at(self.version, group, self.active, self.moment) for group in fading]
        return f", LEAST({', '.join(['soonest', *moments])}) AS next_at"


def parts_of(tree: Any) -> list[Leaf]:
    """The leaves of a condition; none of a broken one."""
    try:
        return _leaves(conditions.parse(tree))
    except Invalid:
        return []


def _leaves(node: Node) -> list[Leaf]:
    match node:
        case Group():
            return [leaf for child in node.children for leaf in _leaves(child)]
        case Not():
            return _leaves(node.child)
        case _:
            return [node]


def limited(version: ModelVersion, group: str) -> str:
    lowest, cap = -version.total_cap * 100, version.caps[group] * 100
    return f"LEAST({cap:d}, GREATEST({group}_sum, {lowest:d}))"


def temperature_sql(version: ModelVersion) -> str:
    """Who is hot stays hot until a few points below: nobody flaps at the border."""
    slack = version.hysteresis
    return (
        f"CASE WHEN score >= {version.hot_from:d} "
        f"OR (old_temperature = 'hot' AND score >= {version.hot_from - slack:d}) THEN 'hot' "
        f"WHEN score >= {version.warm_from:d} "
        f"OR (old_temperature <> 'cold' AND score >= {version.warm_from - slack:d}) THEN 'warm' "
        "ELSE 'cold' END"
    )


def grade_sql(version: ModelVersion) -> str:
    """A1 to C3: a letter for fit, a figure for engagement, each by its share of the cap."""

    def share(group: str, place: int, lowest: str) -> str:
        cap = version.caps[group]
        whens = " ".join(
            f"WHEN {group} >= {step[0] * cap:g} THEN '{step[place]}'" for step in GRADES
        )
        return f"CASE {whens} ELSE '{lowest}' END"

    return f"({share('fit', 1, LOWEST_GRADE[0])}) || ({share('engagement', 2, LOWEST_GRADE[1])})"
