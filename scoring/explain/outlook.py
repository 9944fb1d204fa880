"""When a score falls by itself: the same statement at moments to come, if nothing else happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from scoring.engine import AtMoments, compile_version
from scoring.models import ModelVersion, Rule

DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180, 240, 300, 365)
CLOSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fall:
    """`what`: “below hot”. Known to the hour."""

    what: str
    at: datetime
    score: int


@dataclass(frozen=True, slots=True)
class Outlook:
    now: int
    steps: tuple[tuple[datetime, int], ...]
    falls: tuple[Fall, ...]

    @property
    def lowest(self) -> int:
        return min(score for _, score in self.steps)


def outlook(
    version: ModelVersion, rules: Sequence[Rule], *, lead_id: int, temperature: str, at: datetime
) -> Outlook:
    moments = [at, *(at + timedelta(days=day) for day in DAYS)]
    scores = scores_at(version, rules, lead_id, moments)
    steps = tuple(zip(moments, scores, strict=True))
    falls = [
        fall
        for what, border in borders(version, temperature)
        if (fall := _fall(version, rules, lead_id, steps, what, border))
    ]
    return Outlook(scores[0], steps, tuple(falls))


def borders(version: ModelVersion, temperature: str) -> list[tuple[str, int]]:
    """Below which points the lead cools down; some lower than where it got warm or hot."""
    slack = version.hysteresis
    hot = [("below hot", version.hot_from - slack)] if temperature == "hot" else []
    warm = [("below warm", version.warm_from - slack)] if temperature in ("hot", "warm") else []
    return hot + warm


def scores_at(
    version: ModelVersion, rules: Sequence[Rule], lead_id: int, moments: Sequence[datetime]
) -> list[int]:
    """One statement for all of them."""
    scope = AtMoments([(lead_id, moment) for moment in moments])
    statement = compile_version(version, rules, scope=scope, at=None, forecast=False)
    query = statement.select("SELECT score FROM scored ORDER BY place")
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        return [row[0] for row in cursor.fetchall()]


def _fall(
    version: ModelVersion,
    rules: Sequence[Rule],
    lead_id: int,
    steps: Sequence[tuple[datetime, int]],
    what: str,
    border: int,
) -> Fall | None:
    """Looks closer between the last step above and the first below, eight moments at a time."""
    low = next((n for n, (_, score) in enumerate(steps) if score < border), None)
    if not low:
        return None
    (before, _), (after, score) = steps[low - 1], steps[low]
    while after - before > CLOSE:
        moments = [before + (after - before) * n / 9 for n in range(1, 9)]
        scores = scores_at(version, rules, lead_id, moments)
        first = next((n for n, found in enumerate(scores) if found < border), None)
        if first is None:
            before = moments[-1]
        else:
            before = moments[first - 1] if first else before
            after, score = moments[first], scores[first]
    return Fall(what, after, score)
