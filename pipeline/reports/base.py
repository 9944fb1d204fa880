"""What the pipeline's reports share: the cycles that count, moments reached, and percentiles."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import (
    Aggregate,
    DateTimeField,
    F,
    FloatField,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Extract

from leads.models import Stage
from leads.reports import Scope
from pipeline import facts
from pipeline.models import CycleFact, Transition


class Percentile(Aggregate):
    """`PERCENTILE_CONT(fraction)`: between two values it lies in proportion between them."""

    function = "PERCENTILE_CONT"
    name = "percentile"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, *, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=fraction, **extra)


def seconds_between(earlier: str, later: str) -> Extract:
    return Extract(F(later) - F(earlier), "epoch", output_field=FloatField())


def cycles(scope: Scope) -> QuerySet[CycleFact]:
    """Passes through the funnel of the leads that count, from the chosen source."""
    facts.be_current()
    return CycleFact.objects.filter(scope.of_facts(), scope.of_source())


def reached_at(position: int) -> Subquery:
    """When a cycle first came to this position or a later one; `lost` is no step on the way."""
    moves = Transition.objects.filter(cycle=OuterRef("pk"), to_stage__position__gte=position)
    first = moves.exclude(to_stage__category=Stage.Category.LOST).order_by().values("cycle")
    return Subquery(
        first.annotate(first=Min("at")).values("first"), output_field=DateTimeField(null=True)
    )


def survival_quantile(stays: Iterable[tuple[int, int, int]], fraction: float) -> int | None:
    """The time by which `fraction` have left, with those still inside counted as censored.

    Kaplan–Meier over `(time, how many left then, how many were last seen inside then)`; None when
    too few have left to say.
    """
    rows = sorted(stays)
    inside = sum(left + censored for _, left, censored in rows)
    remaining = 1.0
    for time, left, censored in merged(rows):
        if left:
            remaining *= 1 - left / inside
            if remaining <= 1 - fraction + 1e-9:
                return time
        inside -= left + censored
    return None


def merged(rows: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """One row for each time."""
    by_time: dict[int, tuple[int, int]] = {}
    for time, left, censored in rows:
        before = by_time.get(time, (0, 0))
        by_time[time] = (before[0] + left, before[1] + censored)
    return [(time, *counts) for time, counts in sorted(by_time.items())]


def minutes_since(moment: datetime, now: datetime) -> int:
    return max(int((now - moment).total_seconds() // 60), 0)


def share(part: float, whole: float) -> float | None:
    """A part of a whole, or None of nothing: never a division by zero."""
    return part / whole if whole else None
