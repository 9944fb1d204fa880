"""An activity rule as columns: which activities match, which of them count, and what each is worth.

The plain kinds are one aggregate each. Where it matters which activity of a day or of a value
counts, the pass collects times and values, and each lead's few are ranked afterwards.
"""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from dataclasses import dataclass

from leadcrm.lib.errors import Invalid
from leads import conditions
from scoring.engine.columns import Columns, Fading, Setting
from scoring.engine.fragments import Fragment, joined, template
from scoring.models import Rule

# No sum of amounts gives more points than this, so that no number overflows.
MOST_POINTS = 100_000
PROPERTY = "(a.properties ->> %s)"
AMOUNT = r"^\s*[+]?[0-9]{1,15}([.][0-9]{1,15})?\s*$"
CATEGORY = "COALESCE(NULLIF(a.category, ''), a.properties ->> 'category')"


@dataclass(frozen=True, slots=True)
class Counting:
    """:param number: the rule's place, which names its columns."""

    rule: Rule
    number: int
    setting: Setting

    def columns(self) -> Columns:
        aggregates = [self.total(), *self.worth_aggregates()]
        borders = self.borders()
        derived = () if self.is_whole else (Fragment(f"{self.worked_out()} AS x{self.number}"),)
        aggregates += [aggregate for aggregate, _ in borders]
        if self.setting.detail:
            newest = f"max(a.occurred_at) FILTER (WHERE {{}}) AS l{self.number}"
            aggregates.append(template(newest, self.matching()))
        return Columns(
            self.rule,
            points=Fragment(self.points()),
            count=Fragment(f"COALESCE({self.col('n')}, 0)"),
            counted=Fragment(self.if_enough(self.whole_units())),
            faded=Fragment(self.if_enough(self.lost_to_age())),
            capped=Fragment(self.if_enough(self.lost_to_limit())),
            aggregates=tuple(aggregates),
            derived=derived,
            changes=tuple(change for _, change in borders),
            fading=self.fading(),
            newest=self.col("l") if self.setting.detail else "NULL::timestamptz",
        )

    def col(self, name: str) -> str:
        return f"acts.{name}{self.number}"

    def points(self) -> str:
        if self.is_whole:
            return self.if_enough(self.limited(self.exact(self.units())))
        return self.limited(self.exact(self.col("x")))

    def worked_out(self) -> str:
        """The units, worked out once for all that asks for them."""
        return self.if_enough(f"COALESCE({self.units()}, 0)")

    def if_enough(self, sql: str) -> str:
        enough = f"{self.basis()} >= {self.rule.at_least:d}"
        return f"CASE WHEN {enough} THEN {sql} ELSE 0 END"

    def basis(self) -> str:
        """What `at_least` speaks of: days or different values where those count, else matches."""
        return self.col("d" if self.rule.counting in ("per_day", "distinct") else "n")

    # Which activities ------------------------------------------------------------------------

    def matching(self) -> Fragment:
        """The activities of this kind inside the window."""
        rule = self.rule
        parts = [
            Fragment(f"kind.n = {self.setting.kinds[rule.activity_type]:d}"),
            # What is dated in the future does not count yet.
            Fragment(f"a.occurred_at <= {self.setting.moment}"),
        ]
        if rule.window_days:
            parts.append(self.newer_than(rule.window_days))
        if self.setting.machines and rule.human_only:
            parts.append(Fragment(conditions.COUNTED))
        if self.setting.category and not rule.any_category:
            parts.append(Fragment(f"{CATEGORY} = %s", (self.setting.category,)))
        if rule.counting == "distinct":
            parts.append(Fragment(f"{PROPERTY} <> ''", (rule.counted_by,)))
        if rule.counting == "amount":
            parts.append(Fragment(f"{PROPERTY} ~ '{AMOUNT}'", (rule.counted_by,)))
        if rule.where:
            parts.append(self.properties())
        return joined(" AND ", parts)

    def properties(self) -> Fragment:
        try:
            where = conditions.compile_where(conditions.parse_where(self.rule.where))
        except Invalid:
            return Fragment("false")
        return Fragment(where.sql, where.params)

    def newer_than(self, days: int) -> Fragment:
        return Fragment(f"a.occurred_at > {self.setting.moment} - interval '{days:d} days'")

    def alive(self) -> Fragment:
        """Those of the matching ones that are still worth something."""
        if self.rule.decay not in ("expiry", "linear"):
            return self.matching()
        return joined(" AND ", [self.matching(), self.newer_than(self.rule.decay_days or 0)])

    def key(self) -> Fragment:
        """What is counted once: the day, week or month in the company's zone, or the value."""
        if self.rule.counting == "distinct":
            return Fragment(PROPERTY, (self.rule.counted_by,))
        part = "day" if self.rule.counting == "per_day" else self.rule.per
        return Fragment(
            f"date_trunc('{part}', a.occurred_at AT TIME ZONE %s)", (self.setting.zone,)
        )

    # What they are worth ---------------------------------------------------------------------

    @property
    def is_listed(self) -> bool:
        """Whether it matters which of several counts, so that each must be looked at."""
        rule = self.rule
        if rule.counting == "at_most":
            return bool(rule.per) or rule.decay in ("linear", "half_life")
        return rule.counting in ("per_day", "distinct") and rule.decay != "none"

    @property
    def most(self) -> int | None:
        return {"once": 1, "at_most": self.rule.max_count}.get(self.rule.counting)

    def total(self) -> Fragment:
        return template(f"count(*) FILTER (WHERE {{}}) AS n{self.number}", self.matching())

    def worth_aggregates(self) -> list[Fragment]:
        made = []
        if self.rule.counting in ("per_day", "distinct"):
            made.append(self.filtered("count(DISTINCT {})", "d", self.matching(), self.key()))
        if self.is_listed:
            return made + self.lists()
        if self.rule.counting == "amount":
            return made + self.amounts()
        if self.rule.decay == "expiry":
            made.append(self.filtered("count(*)", "w", self.alive()))
        elif self.fades and self.rule.counting == "once":
            made.append(self.filtered("max(a.occurred_at)", "t", self.matching()))
        elif self.fades:
            made.append(self.filtered(f"sum({self.weight('a.occurred_at')})", "w", self.alive()))
            made.append(self.filtered("count(*)", "v", self.alive()))
        return made

    @property
    def fades(self) -> bool:
        return self.rule.decay in ("linear", "half_life")

    def filtered(self, call: str, name: str, where: Fragment, *inside: Fragment) -> Fragment:
        return template(f"{call} FILTER (WHERE {{}}) AS {name}{self.number}", *inside, where)

    def lists(self) -> list[Fragment]:
        """Times with their days or values, in the same order."""
        where, n = self.matching(), self.number
        if not self.rule.per and self.rule.counting == "at_most":
            return [template(f"array_agg(a.occurred_at) FILTER (WHERE {{}}) AS t{n}", where)]
        # Both see the rows in the same order, whichever it is.
        return [
            template(f"array_agg(a.occurred_at) FILTER (WHERE {{}}) AS t{n}", where),
            template(f"array_agg({{}}) FILTER (WHERE {{}}) AS k{n}", self.key(), where),
        ]

    def amounts(self) -> list[Fragment]:
        """Exact sums: in whatever order activities are read, the sum is the same."""
        amount = Fragment(
            f"(CASE WHEN {PROPERTY} ~ '{AMOUNT}' THEN {PROPERTY}::numeric END)",
            (self.rule.counted_by, self.rule.counted_by),
        )
        made = [self.filtered("sum({})", "v", self.alive(), amount)]
        if self.setting.detail:
            made.append(self.filtered("sum({})", "s", self.matching(), amount))
        if self.fades:
            faded = f"sum(round(({{}}::float8 * {self.weight('a.occurred_at')})::numeric, 6))"
            made.append(self.filtered(faded, "w", self.alive(), amount))
        return made

    def weight(self, time: str) -> str:
        """What something at `time` is still worth, from 1 down to 0."""
        days, moment = self.rule.decay_days or 1, self.setting.moment
        if self.rule.decay == "expiry":
            return f"({time} > {moment} - interval '{days:d} days')::int::float8"
        if self.rule.decay == "none":
            return "1::float8"
        age = f"extract(epoch FROM ({moment} - {time}))::float8 / {days * 86400:d}::float8"
        if self.rule.decay == "linear":
            return f"GREATEST(1 - {age}, 0)"
        return f"power(0.5::float8, {age})"

    def units(self) -> str:
        """How many times the rule's points, with age taken into account."""
        match self.rule.counting:
            case _ if self.is_listed:
                return self.ranked(f"sum({self.weight('x.t')})")
            case "amount":
                return f"({self.col('w' if self.fades else 'v')} / {self.rule.per_amount:d})"
            case "per_day" | "distinct":
                return self.col("d")
            case "once" if self.fades:
                return self.weight(self.col("t"))
            case _ if self.fades:
                return self.col("w")
        times = self.col("w" if self.rule.decay == "expiry" else "n")
        return times if self.most is None else f"LEAST({times}, {self.most:d})"

    def ranked(self, call: str) -> str:
        """Over those that count of what was collected: so many of each day or value."""
        lists = self.col("t")
        if not self.rule.per and self.rule.counting == "at_most":
            newest = f"ORDER BY y.t DESC LIMIT {self.rule.max_count:d}"
            return f"(SELECT {call} FROM (SELECT y.t FROM unnest({lists}) AS y (t) {newest}) AS x)"
        first = "ASC" if self.rule.counting == "per_day" else "DESC"
        most = self.most or 1
        return (
            f"(SELECT {call} FROM (SELECT y.t, row_number() OVER (PARTITION BY y.k "
            f"ORDER BY y.t {first}) AS nth FROM unnest({lists}, {self.col('k')}) AS y (t, k)) "
            f"AS x WHERE x.nth <= {most:d})"
        )

    def whole_units(self) -> str:
        """How many times they would count if nothing aged."""
        if self.is_listed:
            return self.ranked("count(*)")
        if self.rule.counting in ("per_day", "distinct"):
            return self.col("d")
        return self.col("n") if self.most is None else f"LEAST({self.col('n')}, {self.most:d})"

    # Points ----------------------------------------------------------------------------------

    def exact(self, units: str) -> str:
        """Hundredths of points, rounded where they need be."""
        worth = f"({self.rule.points * 100:d} * COALESCE({units}, 0))"
        if self.is_whole:
            return f"{worth}::bigint"
        most = MOST_POINTS * 100
        return f"floor(LEAST(GREATEST({worth}, {-most:d}), {most:d}) + 0.5)::bigint"

    @property
    def is_whole(self) -> bool:
        return not (self.fades or self.is_listed or self.rule.counting == "amount")

    def limited(self, hundredths: str) -> str:
        if self.rule.max_points is None:
            return hundredths
        limit = self.rule.max_points * 100
        return f"LEAST(GREATEST({hundredths}, {-limit:d}), {limit:d})"

    def lost_to_age(self) -> str:
        if self.rule.decay == "none":
            return "0"
        whole = self.whole_units()
        if self.rule.counting == "amount":
            whole = f"({self.col('s')} / {self.rule.per_amount:d})"
        return f"{self.exact(self.units())} - {self.exact(whole)}"

    def lost_to_limit(self) -> str:
        if self.rule.max_points is None:
            return "0"
        exact = self.exact(self.units())
        return f"{self.limited(exact)} - {exact}"

    # When time changes them ------------------------------------------------------------------

    def borders(self) -> list[tuple[Fragment, Fragment]]:
        """An aggregate and the moment it announces: something leaves the window, or expires."""
        window = self.rule.window_days
        expiry = self.rule.decay_days if self.rule.decay == "expiry" else None
        ends = sorted({days for days in (window, expiry) if days})
        if not ends:
            return []
        if self.exact_end:
            return [self.border("max", "b", self.alive(), ends[0])]
        made = []
        if window:
            made.append(self.border("min", "b", self.matching(), window))
        if expiry and (not window or expiry < window):
            made.append(self.border("min", "e", self.alive(), expiry))
        return made

    def border(
        self, which: str, name: str, where: Fragment, days: int
    ) -> tuple[Fragment, Fragment]:
        aggregate = self.filtered(f"{which}(a.occurred_at)", name, where)
        return aggregate, Fragment(f"{self.col(name)} + interval '{days:d} days'")

    @property
    def exact_end(self) -> bool:
        """Whether the points last exactly as long as the newest activity counts."""
        return self.rule.counting == "once" and self.rule.at_least == 1

    def fading(self) -> Fading | None:
        if not self.fades:
            return None
        full = abs(self.rule.points) * 100
        worth = f"{full:d} * {self.col('x')}::float8"
        days = self.rule.decay_days or 1
        if self.rule.decay == "half_life":
            return Fading(worth, f"{worth} * {0.6931471805599453 / days!r}::float8", days)
        alive = self.if_enough(f"{full / days!r}::float8 * COALESCE({self.alive_units()}, 0)")
        return Fading(worth, alive)

    def alive_units(self) -> str:
        """How many of those that count lose worth evenly at this moment."""
        if self.is_listed:
            return self.ranked(f"count(*) FILTER (WHERE {self.weight('x.t')} > 0)")
        if self.rule.counting == "amount":
            return f"({self.col('v')} / {self.rule.per_amount:d})::float8"
        if self.rule.counting == "once":
            return f"(({self.weight(self.col('t'))}) > 0)::int"
        return self.col("v")


def activity_columns(rule: Rule, number: int, setting: Setting) -> Columns:
    return Counting(rule, number, setting).columns()
