"""Running the statement: to write scores, to explain one, to look ahead."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from leadcrm.lib.errors import NotFound
from scoring.engine.fragments import Fragment
from scoring.engine.scopes import Everyone, Ids, Scope
from scoring.engine.statement import GROUPS, Statement, compile_version
from scoring.models import Adjustment, Cause, ModelVersion, Rule

TREND_LENGTH = 12
BIN = 5  # points in one column of the spread


@dataclass(frozen=True, slots=True)
class Crossing:
    """A lead whose temperature changed."""

    lead_id: int
    from_temperature: str
    to_temperature: str
    score: int


@dataclass(frozen=True, slots=True)
class Outcome:
    scored: int
    changed: int
    crossings: tuple[Crossing, ...]


def score(
    version: ModelVersion, rules: Sequence[Rule], *, scope: Scope, at: datetime | None
) -> Outcome:
    """Write the scores of a scope, and the ledger; only rows that changed are touched.

    The caller holds the locks of the score rows, so that an older picture never overwrites a newer.
    """
    statement = compile_version(version, rules, scope=scope, at=at)
    moment = statement.moment
    return outcome_of(
        statement.select(
            f"{write_sql(moment)} {ledger_sql(version, moment, Cause.CHANGE)} {RESULT}"
        )
    )


def outcome_of(query: Fragment) -> Outcome:
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        scored, changed, crossings = cursor.fetchone()
    return Outcome(scored, changed, tuple(Crossing(*row) for row in crossings))


def write_sql(at: str) -> str:
    """Write `scored` into the score rows, those that differ."""
    # Being looked at again too early does no harm: that alone is no reason to write.
    same_next_change = (
        f"COALESCE(s.next_change_at > {at} "
        "AND COALESCE(n.next_at >= s.next_change_at - interval '1 min', true), "
        "s.next_change_at IS NULL AND n.next_at IS NULL)"
    )
    values = "score, fit, engagement, bant, temperature, grade"
    old = ", ".join(f"s.{name}" for name in values.split(", "))
    new = ", ".join(f"n.{name}" for name in values.split(", "))
    return f""",
        written AS (
            UPDATE leads_leadscore AS s SET
                score = n.score, fit = n.fit, engagement = n.engagement, bant = n.bant,
                temperature = n.temperature, grade = n.grade,
                temperature_since = CASE
                    WHEN n.temperature = n.old_temperature AND s.temperature_since IS NOT NULL
                    THEN s.temperature_since ELSE {at} END,
                trend = CASE WHEN n.score = n.old_score AND s.computed_at IS NOT NULL THEN s.trend
                    ELSE (s.trend || n.score::smallint)
                        [greatest(cardinality(s.trend) + 2 - {TREND_LENGTH}, 1):] END,
                computed_at = {at}, next_change_at = n.next_at
            FROM scored AS n
            WHERE s.lead_id = n.id AND (
                s.computed_at IS NULL OR NOT {same_next_change}
                OR ({old}) IS DISTINCT FROM ({new}))
            RETURNING n.*
        )"""


def ledger_sql(version: ModelVersion, moment: str, cause: str) -> str:
    return f""",
        ledger AS (
            INSERT INTO scoring_scorechange (lead_id, version_id, from_score, to_score,
                from_temperature, to_temperature, fit, engagement, bant, cause, at)
            SELECT id, {version.pk:d}, old_score, score, old_temperature, temperature,
                fit, engagement, bant, '{cause}', {moment}
            FROM written WHERE (old_score, old_temperature) <> (score, temperature)
        )"""


RESULT = """
    SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM written),
        (SELECT coalesce(json_agg(json_build_array(id, old_temperature, temperature, score)
            ORDER BY id), '[]') FROM written WHERE old_temperature <> temperature)"""


# Explaining ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of an explanation. `rule` is None for caps, rounding and what colleagues adjusted.

    `count` is how many matched, `counted` how many give points; `faded` and `capped` are what age
    and the rule's own limit took from the full worth.
    """

    rule: Rule | None
    label: str
    group: str  # "total" for what concerns the whole score
    points: Decimal
    count: int
    newest: datetime | None = None
    counted: int = 1
    faded: Decimal = Decimal(0)
    capped: Decimal = Decimal(0)
    adjustment: Adjustment | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The points of all rows sum to `value`, those of a group's to its value."""

    value: int
    groups: dict[str, int]
    contributions: tuple[Contribution, ...]
    temperature: str
    grade: str
    as_of: datetime

    @property
    def signals(self) -> list[Contribution]:
        """What rules gave or took, the weightiest first."""
        rows = [row for row in self.contributions if row.rule is not None]
        return sorted(rows, key=lambda row: (-abs(row.points), row.label))


def explain(
    version: ModelVersion,
    rules: Sequence[Rule],
    *,
    lead_id: int,
    at: datetime,
    as_of: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Explanation:
    """:raises NotFound: there is no such lead any more."""
    active = [rule for rule in rules if rule.enabled]
    statement = compile_version(
        version,
        active,
        scope=Ids([lead_id]),
        at=at,
        detail=True,
        as_of=as_of,
        forecast=False,
        columns=columns,
    )
    row = _row(statement.select("SELECT * FROM scored"))
    contributions = [_contribution(rule, row, n) for n, rule in enumerate(active)]
    groups = {group: row[group] for group in GROUPS}
    limits = [a for group in GROUPS for a in _group_adjustments(version, group, row)]
    adjusted = _adjusted(version, lead_id, at)
    total = sum(groups.values()) + row["adjusted"]
    limits += _total_adjustments(version, total, row["score"])
    return Explanation(
        value=row["score"],
        groups=groups,
        contributions=tuple(c for c in [*contributions, *adjusted, *limits] if c.points),
        temperature=row["temperature"],
        grade=row["grade"],
        as_of=at,
    )


def _contribution(rule: Rule, row: dict[str, Any], number: int) -> Contribution:
    return Contribution(
        rule,
        rule.label,
        rule.group,
        Decimal(row[f"r{number}"]) / 100,
        row[f"n{number}"],
        row[f"l{number}"],
        row[f"u{number}"],
        Decimal(row[f"f{number}"]) / 100,
        Decimal(row[f"c{number}"]) / 100,
    )


def _adjusted(version: ModelVersion, lead_id: int, at: datetime) -> list[Contribution]:
    """What colleagues added or took that counts at the moment."""
    counts = Adjustment.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=at),
        Q(revoked_at=None) | Q(revoked_at__gt=at),
        lead=lead_id,
        model=version.model_id,
        at__lte=at,
    )
    return [
        Contribution(None, row.reason, "total", Decimal(row.points), 1, row.at, adjustment=row)
        for row in counts.select_related("made_by").order_by("at", "pk")
    ]


def _group_adjustments(
    version: ModelVersion, group: str, row: dict[str, Any]
) -> list[Contribution]:
    label = Rule.Group(group).label
    total = Decimal(row[f"{group}_sum"]) / 100
    capped = max(min(total, Decimal(version.caps[group])), Decimal(-version.total_cap))
    rounded = Decimal(row[group])
    limit = version.caps[group] if capped < total else -version.total_cap
    return [
        Contribution(None, f"{label} is limited to {limit}", group, capped - total, 1),
        Contribution(None, "Rounded to whole points", group, rounded - capped, 1),
    ]


def _total_adjustments(version: ModelVersion, total: int, value: int) -> list[Contribution]:
    limit = version.total_cap if value < total else version.floor
    word = "at most" if value < total else "at least"
    return [Contribution(None, f"The score is {word} {limit}", "total", Decimal(value - total), 1)]


# Looking ahead ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preview:
    """What publishing would change for `leads` leads. Spreads have one count for 5 points."""

    leads: int
    moves: dict[tuple[str, str], int]
    spread_now: list[int]
    spread_then: list[int]
    totals: dict[str, int]
    rising: list[tuple[int, int, int]]  # lead, score now, score then: those becoming hot
    hits: dict[str, int]  # leads that get points, by the rule's uid


def preview(
    version: ModelVersion, rules: Sequence[Rule], *, at: datetime, limit: int = 100_000
) -> Preview:
    """Run the statement read-only and count."""
    statement = compile_version(
        version, rules, scope=Everyone(limit), at=at, detail=True, forecast=False
    )
    bins = max(1, -(-version.total_cap // BIN))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        row = _row(statement.select(_counts(statement)))
    return Preview(
        leads=row["leads"],
        moves={(a, b): n for a, b, n in row["moves"]},
        spread_now=_spread(row["now"], bins),
        spread_then=_spread(row["later"], bins),
        totals=row["totals"],
        rising=[(lead, now, later) for lead, now, later in row["rising"]],
        hits=_hits(statement, row),
    )


def hits(
    version: ModelVersion, rules: Sequence[Rule], *, at: datetime, limit: int = 100_000
) -> dict[str, int]:
    """How many leads each rule gives points, by the rule's uid."""
    return preview(version, rules, at=at, limit=limit).hits


def _counts(statement: Statement) -> str:
    hit = ", ".join(f"count(*) FILTER (WHERE r{n} <> 0)" for n in range(len(statement.columns)))
    bins = f"SELECT {{}} / {BIN} AS bin, count(*) AS leads FROM scored GROUP BY 1"
    as_list = "coalesce(json_agg(json_build_array({})), '[]')"
    return f"""
        SELECT (SELECT count(*) FROM scored) AS leads,
            (SELECT {as_list.format("old_temperature, temperature, leads")} FROM (
                SELECT old_temperature, temperature, count(*) AS leads FROM scored
                WHERE old_temperature <> temperature GROUP BY 1, 2) AS m) AS moves,
            (SELECT {as_list.format("bin, leads")} FROM ({bins.format("old_score")}) AS b) AS now,
            (SELECT {as_list.format("bin, leads")} FROM ({bins.format("score")}) AS b) AS later,
            (SELECT coalesce(json_object_agg(temperature, leads), '{{}}') FROM (
                SELECT temperature, count(*) AS leads FROM scored GROUP BY 1) AS t) AS totals,
            (SELECT {as_list.format("id, old_score, score")} FROM (
                SELECT id, old_score, score FROM scored
                WHERE temperature = 'hot' AND old_temperature <> 'hot'
                ORDER BY score DESC, id LIMIT 5) AS r) AS rising,
            (SELECT ARRAY[{hit}]::bigint[] FROM scored) AS hits"""


def _spread(rows: list[list[int]], bins: int) -> list[int]:
    """The highest scores share the last column, those below zero the first."""
    counts = [0] * bins
    for bin_, leads in rows:
        counts[min(max(bin_, 0), bins - 1)] += leads
    return counts


def _hits(statement: Statement, row: dict[str, Any]) -> dict[str, int]:
    counts: list[int] = row["hits"]
    return {str(c.rule.uid): n for c, n in zip(statement.columns, counts, strict=True)}


def _row(query: Fragment) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        row = cursor.fetchone()
        names = [column.name for column in cursor.description or []]
    if row is None:
        raise NotFound
    return dict(zip(names, row, strict=True))
