"""Sales scored as of the day they qualified, by the statement that scores. Reads only."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from scoring.engine import AtMoments, compile_version
from scoring.engine.hindsight import known_then
from scoring.models import ModelVersion, Rule


@dataclass(frozen=True, slots=True)
class Scored:
    """`points`: hundredths of each rule, in the order of the rules."""

    score: int
    points: tuple[int, ...]


def scores_then(
    version: ModelVersion, rules: Sequence[Rule], pairs: Sequence[tuple[int, datetime]]
) -> list[Scored | None]:
    """For each `(lead, moment)` what the rules would have said; None: the lead is gone."""
    if not pairs:
        return []
    trees = [rule.condition for rule in rules if rule.condition is not None]
    scope = AtMoments(pairs)
    statement = compile_version(
        version,
        rules,
        scope=scope,
        at=None,
        detail=True,
        forecast=False,
        columns=known_then(trees, scope.moment),
    )
    each = ", ".join(f"r{n}" for n in range(len(rules)))
    query = statement.select(f"SELECT place, score, ARRAY[{each}]::bigint[] FROM scored")
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        found = {place: Scored(score, tuple(points)) for place, score, points in cursor.fetchall()}
    return [found.get(place) for place in range(1, len(pairs) + 1)]
