"""The course of a score, by the ledger: what everybody saw at the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import Lead
from scoring.models import ScoreChange

POINTS = 60
MOST_CHANGES = 2_000


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    score: int


@dataclass(frozen=True, slots=True)
class Course:
    """Scores at even distances, the last one now; and the changes between, the newest first."""

    points: tuple[Point, ...]
    changes: tuple[ScoreChange, ...]

    @property
    def lowest(self) -> int:
        return min(point.score for point in self.points)

    @property
    def highest(self) -> int:
        return max(point.score for point in self.points)


def course(lead: Lead, *, since: datetime, until: datetime) -> Course:
    """At most `MOST_CHANGES` of the newest changes are looked at."""
    rows = ScoreChange.objects.filter(lead=lead, at__gt=since, at__lte=until)
    changes = list(rows.order_by("-at", "-pk")[:MOST_CHANGES])
    start = changes[-1].from_score if changes else _score_at(lead, since)
    return Course(tuple(_sampled(start, changes[::-1], since, until)), tuple(changes))


def _score_at(lead: Lead, at: datetime) -> int:
    """Nothing changed after it up to now, or what changed next says what was before."""
    later = ScoreChange.objects.filter(lead=lead, at__gt=at).order_by("at", "pk").first()
    return later.from_score if later else lead.score_row.score


def _sampled(
    score: int, changes: Sequence[ScoreChange], since: datetime, until: datetime
) -> list[Point]:
    step: timedelta = (until - since) / (POINTS - 1)
    points, place = [], 0
    for number in range(POINTS):
        at = since + step * number if number < POINTS - 1 else until
        while place < len(changes) and changes[place].at <= at:
            score = changes[place].to_score
            place += 1
        points.append(Point(at, score))
    return points
