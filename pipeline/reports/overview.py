"""The numbers of the overview, and how they ran from step to step of the period."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Trunc

from leads.reports import Scope, new_leads
from pipeline.reports import metrics, response
from pipeline.reports.base import Percentile

COUNTED: dict[str, tuple[Callable[[Scope], QuerySet[Any]], str]] = {
    "new_leads": (new_leads, "created_at"),
    "mql": (metrics.became_mql, "mql_at"),
    "sql": (metrics.became_sql, "sql_at"),
    "won": (metrics.won, "closed_at"),
}


def count(scope: Scope, metric: str) -> int:
    return COUNTED[metric][0](scope).count()


def revenue(scope: Scope) -> Decimal:
    """The sum of the deals won in the period, in the workspace's currency."""
    return metrics.revenue_deals(scope).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def other_currencies(scope: Scope) -> list[str]:
    found = metrics.won_deals(scope).exclude(currency=scope.currency)
    return sorted(found.order_by().values_list("currency", flat=True).distinct())


def counts_over_time(scope: Scope, metric: str, kind: str) -> dict[datetime, int]:
    """The counts by day, week or month, of those that have any."""
    rows, field = COUNTED[metric]
    return dict(_over_time(rows(scope), field, scope, kind).annotate(value=Count("pk")))


def revenue_over_time(scope: Scope, kind: str) -> dict[datetime, Decimal]:
    found = _over_time(metrics.revenue_deals(scope), "closed_at", scope, kind)
    return dict(found.annotate(value=Sum("amount")))


def medians_over_time(scope: Scope, kind: str) -> dict[datetime, float]:
    """Median seconds to the first answer, of steps with answers."""
    found = _over_time(response.answered(scope), "received_at", scope, kind)
    return dict(found.annotate(value=Percentile("wait", fraction=0.5)))


def _over_time(rows: QuerySet[Any], field: str, scope: Scope, kind: str) -> QuerySet[Any]:
    step = Trunc(field, kind, tzinfo=scope.zone)
    stepped: QuerySet[Any] = rows.order_by().annotate(step=step).values_list("step")
    return stepped
