"""What the pipeline's reports share: the cycles that count, moments reached, and percentiles."""

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


def share(part: float, whole: float) -> float | None:
    """A part of a whole, or None of nothing: never a division by zero."""
    return part / whole if whole else None
