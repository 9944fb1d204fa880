"""One rule as columns: what to aggregate over activities, the points, and when time changes them.

Points are whole hundredths, so that sums are exact. Arithmetic before that is float8: an
accidental numeric power() would triple the time of a run over all leads.
"""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Mapping
from dataclasses import dataclass

from leadcrm.lib.errors import Invalid
from leads import conditions
from scoring.engine.fragments import Fragment, joined, template
from scoring.models import Dimension, Rule

ZERO = Fragment("0::bigint")
BANT_COLUMNS: Mapping[str, str] = {
    **{f"bant.{key}": f"COALESCE(bant.{key}, 'unknown')" for key in Dimension.values},
    "bant.positive": "COALESCE(bant.positive, 0)",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """`aggregates` belong to the pass over activities; the others may use them as `acts.<name>`.

    `points` and `count` are bigint; `changes` are moments; `fading` is the part of the points, in
    float hundredths, that halves every `half_life` days.
    """

    rule: Rule
    points: Fragment
    count: Fragment
    aggregates: tuple[Fragment, ...] = ()
    changes: tuple[Fragment, ...] = ()
    fading: str = ""
    newest: str = "NULL::timestamptz"

    @property
    def half_life(self) -> int:
        return self.rule.decay_days or 0


def columns_of(rule: Rule, number: int, *, moment: str, detail: bool) -> Columns:
    if rule.is_activity:
        return _Activity(rule, number, moment, detail=detail).columns()
    return _attribute(rule, moment)


def _attribute(rule: Rule, moment: str) -> Columns:
    predicate = _predicate(rule, moment)
    holds = Fragment(predicate.sql, predicate.params)
    return Columns(
        rule,
        points=template(f"CASE WHEN {{}} THEN {rule.points * 100:d}::bigint ELSE 0 END", holds),
        count=Fragment("1"),
        changes=tuple(Fragment(change.sql, change.params) for change in predicate.changes),
    )


def _predicate(rule: Rule, moment: str) -> conditions.Predicate:
    try:
        node = conditions.parse(rule.condition, computed=False)
    except Invalid:
        return conditions.NOBODY  # a rule about a deleted field gives nobody points
    return conditions.compile_node(node, conditions.Context(moment, BANT_COLUMNS))


@dataclass(frozen=True, slots=True)
class _Activity:
    rule: Rule
    number: int
    moment: str
    detail: bool

    def columns(self) -> Columns:
        n = self.number
        where = self.matching()
        aggregates = [template(f"count(*) FILTER (WHERE {{}}) AS n{n}", where)]
        aggregates += self.weight_aggregates(where)
        changes = []
        if border := self.shortest_days():
            which = "max" if self.exact_end() else "min"
            aggregates.append(
                template(f"{which}(a.occurred_at) FILTER (WHERE {{}}) AS b{n}", self.counted(where))
            )
            changes = [Fragment(f"acts.b{n} + interval '{border} days'")]
        if self.detail:
            aggregates.append(template(f"max(a.occurred_at) FILTER (WHERE {{}}) AS l{n}", where))
        worth = self.worth()
        points = f"CASE WHEN acts.n{n} >= {self.rule.at_least:d} THEN {{}} ELSE 0 END"
        exact = f"floor({worth} + 0.5)::bigint" if self.rule.decay == "half_life" else worth
        return Columns(
            self.rule,
            points=Fragment(points.format(exact)),
            count=Fragment(f"COALESCE(acts.n{n}, 0)"),
            aggregates=tuple(aggregates),
            changes=tuple(changes),
            fading=points.format(worth) if self.rule.decay == "half_life" else "",
            newest=f"acts.l{n}" if self.detail else "NULL::timestamptz",
        )

    def matching(self) -> Fragment:
        """The activities of this kind inside the window."""
        parts = [
            Fragment("a.type = %s", (self.rule.activity_type,)),
            # What is dated in the future does not count yet.
            Fragment(f"a.occurred_at <= {self.moment}"),
        ]
        if self.rule.window_days:
            parts.append(self.newer_than(self.rule.window_days))
        if self.rule.where:
            parts.append(self.properties())
        return joined(" AND ", parts)

    def properties(self) -> Fragment:
        try:
            where = conditions.compile_where(conditions.parse_where(self.rule.where))
        except Invalid:
            return Fragment("false")
        return Fragment(where.sql, where.params)

    def newer_than(self, days: int) -> Fragment:
        return Fragment(f"a.occurred_at > {self.moment} - interval '{days:d} days'")

    def counted(self, where: Fragment) -> Fragment:
        """Those of the matching ones that are still worth something."""
        if self.rule.decay != "expiry":
            return where
        return joined(" AND ", [where, self.newer_than(self.rule.decay_days or 0)])

    def weight(self) -> str:
        """What one activity is still worth, from 1 down to 0."""
        seconds = f"extract(epoch FROM ({self.moment} - a.occurred_at))::float8"
        half_life = (self.rule.decay_days or 1) * 86400
        return f"power(0.5::float8, {seconds} / {half_life:d}::float8)"

    def weight_aggregates(self, where: Fragment) -> list[Fragment]:
        n = self.number
        if self.rule.decay == "expiry":
            return [template(f"count(*) FILTER (WHERE {{}}) AS w{n}", self.counted(where))]
        if self.rule.decay != "half_life":
            return []
        weights = f"array_agg({self.weight()} ORDER BY a.occurred_at DESC)"
        newest = f"({weights} FILTER (WHERE {{}}))[1:{self.rule.max_count:d}]"
        total = {
            "once": f"max({self.weight()}) FILTER (WHERE {{}})",
            "every": f"sum({self.weight()}) FILTER (WHERE {{}})",
            "at_most": f"(SELECT sum(w) FROM unnest({newest}) AS w)",
        }
        return [template(f"{total[self.rule.counting]} AS w{n}", where)]

    def worth(self) -> str:
        """Hundredths of points before rounding."""
        points = self.rule.points * 100
        if self.rule.decay == "half_life":
            return f"({points:d}::float8 * COALESCE(acts.w{self.number}, 0))"
        times = f"acts.{'w' if self.rule.decay == 'expiry' else 'n'}{self.number}"
        most = {"once": 1, "at_most": self.rule.max_count}.get(self.rule.counting)
        if most is not None:
            times = f"LEAST({times}, {most:d})"
        return f"({points:d} * {times})"

    def shortest_days(self) -> int:
        """After how many days an activity stops counting; 0: never."""
        expiry = self.rule.decay_days if self.rule.decay == "expiry" else None
        return min((days for days in (self.rule.window_days, expiry) if days), default=0)

    def exact_end(self) -> bool:
        """Whether the points last exactly as long as the newest activity counts."""
        return self.rule.counting == "once" and self.rule.at_least == 1
