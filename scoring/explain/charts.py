"""The course of a score for its chart, and the numbers behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from leadcrm.accounts.models import User
from leadcrm.lib.charts import Series
from leads.models import Lead
from scoring.explain.history import Course, course
from scoring.models import ScoreChange

RANGES = {"30": "30 days", "90": "90 days", "365": "A year", "all": "All"}
USUAL = "90"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Drawn:
    chosen: str
    ranges: tuple[tuple[str, str], ...]
    series: list[Series]
    below: list[str]
    label: str
    changes: tuple[ScoreChange, ...]
    more: int
    top: int

    @property
    def is_flat(self) -> bool:
        return not self.changes


def course_of(lead: Lead, chosen: str, *, now: datetime, user: User) -> Drawn:
    chosen = chosen if chosen in RANGES else USUAL
    found = course(lead, since=_since(lead, chosen, now), until=now)
    days = [point.at.astimezone(user.zone) for point in found.points]
    values = [point.score for point in found.points]
    return Drawn(
        chosen=chosen,
        ranges=tuple(RANGES.items()),
        series=[Series("s1", values, str(values[-1]))],
        below=[f"{days[0]:%-d %b %Y}", f"{days[len(days) // 2]:%-d %b}", "Now"],
        label=_sentence(found),
        changes=found.changes[:SHOWN],
        more=max(0, len(found.changes) - SHOWN),
        top=100 if found.highest <= 100 else found.highest,
    )


def _since(lead: Lead, chosen: str, now: datetime) -> datetime:
    if chosen != "all":
        return now - timedelta(days=int(chosen))
    return min(lead.created_at, now - timedelta(days=1))


def _sentence(found: Course) -> str:
    first, last = found.points[0].score, found.points[-1].score
    return (
        f"The score went from {first} to {last}, between {found.lowest} and {found.highest}. "
        "Every change stands in the table below"
    )
