"""Each thing that is counted, once: the rows behind a number. The docstring is its definition.

Pages, the API and the lists behind the numbers call the same function, so they cannot disagree.
"""

from django.db.models import QuerySet

from leads.reports import Scope
from pipeline.models import CycleFact, Deal, SalesCycle
from pipeline.reports.base import cycles


def became_mql(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles that became marketing-qualified in the period.

    By their score, or because somebody moved them to that stage or beyond; whichever came first.
    """
    return cycles(scope).filter(scope.within("mql_at"))


def became_sql(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles that became sales-qualified in the period.

    By their score, or because somebody moved them to that stage or beyond; whichever came first.
    """
    return cycles(scope).filter(scope.within("sql_at"))


def won(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles that were closed as won in the period and have not been reopened since."""
    return cycles(scope).filter(scope.within("closed_at"), outcome=SalesCycle.Outcome.WON)


def lost(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles that were closed as lost in the period and have not been reopened since."""
    return cycles(scope).filter(scope.within("closed_at"), outcome=SalesCycle.Outcome.LOST)


def revenue_deals(scope: Scope) -> QuerySet[Deal]:
    """The amounts of deals won in the period, in the workspace's currency.

    Deals in other currencies are not converted and not added.
    """
    return won_deals(scope).filter(currency=scope.currency)


def won_deals(scope: Scope) -> QuerySet[Deal]:
    """Deals won in the period, in any currency."""
    of_cycles = cycles(scope).order_by().values("pk")
    return Deal.objects.filter(scope.within("closed_at"), cycle__in=of_cycles, state="won")


def without_owner(scope: Scope) -> QuerySet[CycleFact]:
    """Open sales cycles whose lead nobody owns at this moment, whatever the period."""
    return cycles(scope).filter(CycleFact.OPEN, owner=None)


def waiting_now(scope: Scope) -> QuerySet[CycleFact]:
    """Leads whose clock runs at this moment: they asked, and no person has answered yet."""
    return cycles(scope).filter(respond_by__isnull=False)


def overdue_now(scope: Scope) -> QuerySet[CycleFact]:
    """Leads that wait at this moment and whose target has passed."""
    return waiting_now(scope).filter(respond_by__lt=scope.now)
