"""How long leads stay in a stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import ExpressionWrapper, F, IntegerField, QuerySet, Value
from django.db.models.fields import DateTimeField
from django.db.models.functions import Cast, Extract, Floor, Greatest

from leads.models import Stage
from leads.reports import Scope
from pipeline.models import CycleFact, Transition
from pipeline.reports.base import cycles


@dataclass(frozen=True, slots=True)
class Stay:
    """Minutes in a stage. None: too few have left to say."""

    stage: Stage
    left: int
    inside: int
    median: int | None
    p75: int | None
    p90: int | None


# Kaplan and Meier (1958): at each time somebody leaves, the share that remains shrinks by those who
# leave among those still there; who is last seen inside is there until then. The product is a sum
# of logarithms. Where the last one leaves nothing remains, which no logarithm can say: e⁻⁷⁰⁰ does.
SURVIVAL = """
WITH stays (stage_id, minutes, has_left) AS ({stays}),
times AS (
  SELECT stage_id, minutes, sum(has_left) AS gone, count(*) AS seen
  FROM stays GROUP BY stage_id, minutes
),
at_risk AS (
  SELECT stage_id, minutes, gone, seen,
    sum(seen) OVER (PARTITION BY stage_id ORDER BY minutes DESC) AS inside
  FROM times
),
remaining AS (
  SELECT *, exp(greatest(-700, sum(CASE WHEN gone = inside THEN -700
                                        ELSE ln(1 - gone::float8 / inside::float8) END)
    OVER (PARTITION BY stage_id ORDER BY minutes))) AS share
  FROM at_risk
)
SELECT stage_id, sum(gone), sum(seen - gone),
  min(minutes) FILTER (WHERE share <= 0.5 + 1e-9),
  min(minutes) FILTER (WHERE share <= 0.25 + 1e-9),
  min(minutes) FILTER (WHERE share <= 0.1 + 1e-9)
FROM remaining GROUP BY stage_id
"""


def time_in_stage(
    scope: Scope, stages: Sequence[Stage], cohort: QuerySet[CycleFact] | None
) -> list[Stay]:
    """How long leads stay in a stage until they leave it, forward or lost; to the minute.

    Leads still in the stage count as “at least this long” (Kaplan–Meier), so slow ones are not
    left out. Cohort: stays of cycles opened in the period. Period: stays that began in it.
    """
    stays = _ended(scope, cohort).union(_running(scope, cohort), all=True)
    try:
        text, params = stays.query.sql_with_params()
    except EmptyResultSet:  # the ORM knows beforehand that nothing can be found
        return [_stay(stage, None) for stage in stages if stage.is_open]
    with connection.cursor() as cursor:
        cursor.execute(SURVIVAL.replace("{stays}", text), params)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    return [_stay(stage, found.get(stage.pk)) for stage in stages if stage.is_open]


def _stay(stage: Stage, row: tuple[Any, ...] | None) -> Stay:
    left, inside, *quantiles = row or (0, 0, None, None, None)
    return Stay(stage, int(left), int(inside), *quantiles)


def _ended(scope: Scope, cohort: QuerySet[CycleFact] | None) -> QuerySet[Transition, Any]:
    moves = Transition.objects.filter(seconds_in_from__isnull=False, at__gte=scope.start)
    if cohort is None:
        began = F("at") - F("seconds_in_from") * Value(timedelta(seconds=1))
        began_at = ExpressionWrapper(began, output_field=DateTimeField())
        moves = moves.annotate(began=began_at).filter(scope.within("began"))
    chosen = cycles(scope) if cohort is None else cohort
    moves = moves.filter(cycle__in=chosen.order_by().values("pk"))
    minutes = F("seconds_in_from") / 60
    return moves.order_by().values_list("from_stage_id", minutes, Value(1))


def _running(scope: Scope, cohort: QuerySet[CycleFact] | None) -> QuerySet[CycleFact, Any]:
    found = cycles(scope).filter(scope.within("stage_entered_at")) if cohort is None else cohort
    inside = found.filter(CycleFact.OPEN, stage_entered_at__isnull=False)
    waited = Extract(Value(scope.now) - F("stage_entered_at"), "epoch") / 60
    minutes = Greatest(Cast(Floor(waited), IntegerField()), 0)
    return inside.order_by().values_list("stage_id", minutes, Value(0))
