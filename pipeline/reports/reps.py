"""What each rep got, did and won; a rep sees the own figures and the team's average."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from leadcrm.accounts.access import person_behind
from leadcrm.accounts.models import Role, User
from leads.models import Activity
from leads.reports import Scope
from pipeline.models import Assignment
from pipeline.reports import metrics, response

FEWEST_AVERAGED = 3  # an average of two tells each what the other did
CALLS = ("call_attempt", "call_connected", "call_inbound")


@dataclass(frozen=True, slots=True)
class Rep:
    key: str
    label: str
    hue: int
    assigned: float
    calls: float
    sql: float
    won: float
    revenue: Decimal
    median_seconds: float | None
    share_in_target: float | None


@dataclass(frozen=True, slots=True)
class Reps:
    rows: tuple[Rep, ...]
    average: Rep | None


def assigned(scope: Scope) -> QuerySet[Assignment]:
    """Leads given to somebody in the period, by whoever gave them; each hand-over counts."""
    leads = scope.leads().order_by().values("pk")
    return Assignment.objects.filter(scope.within("from_at"), lead__in=leads, owner__isnull=False)


def calls(scope: Scope) -> QuerySet[Activity]:
    """Calls logged in the period by the person who made or took them."""
    leads = scope.leads().order_by().values("pk")
    return Activity.objects.filter(
        scope.within("occurred_at"), lead__in=leads, type__in=CALLS, user__isnull=False
    )


def reps(scope: Scope) -> Reps:
    """Assigned: hand-overs in the period. Calls: logged by the person. The rest by today's owner.

    Reps see themselves, and the average of their teams without names.
    """
    rows = _rows(scope)
    person = person_behind(scope.principal)
    if person is None or person.role != Role.REP:
        return Reps(tuple(rows), None)
    own = [row for row in rows if row.key == str(person.pk)]
    return Reps(tuple(own), _average(scope, person))


def _rows(scope: Scope) -> list[Rep]:
    numbers = _numbers(scope)
    people = User.objects.filter(pk__in={key for found in numbers.values() for key in found if key})
    rows = [_rep(user, numbers) for user in people]
    return sorted(rows, key=lambda row: (-row.revenue, -row.won, row.label))


def _numbers(scope: Scope) -> dict[str, dict[int | None, Any]]:
    owner = "owner_id"
    counted = {
        "assigned": assigned(scope).values_list("owner_id"),
        "calls": calls(scope).values_list("user_id"),
        "sql": metrics.became_sql(scope).values_list(owner),
        "won": metrics.won(scope).values_list(owner),
    }
    numbers = {name: dict(r.order_by().annotate(n=Count("pk"))) for name, r in counted.items()}
    revenue = metrics.revenue_deals(scope).order_by().values_list("cycle__fact__owner_id")
    return {
        **numbers,
        "revenue": dict(revenue.annotate(n=Sum("amount"))),
        "times": {int(g.key): g.times for g in response.groups(scope, "owner") if g.key != "none"},
    }


def _rep(user: User, numbers: dict[str, dict[int | None, Any]]) -> Rep:
    times: response.Times | None = numbers["times"].get(user.pk)
    names = ("assigned", "calls", "sql", "won")
    return Rep(
        key=str(user.pk),
        label=user.name,
        hue=user.hue,
        revenue=numbers["revenue"].get(user.pk, Decimal(0)),
        median_seconds=times.median if times else None,
        share_in_target=times.share_in_target if times else None,
        **{name: numbers[name].get(user.pk, 0) for name in names},
    )


def _average(scope: Scope, person: User) -> Rep | None:
    """The mean of the reps in the person's teams; None where it would tell who did what."""
    teams = person.memberships.values("team")
    mates = User.objects.filter(memberships__team__in=teams, role=Role.REP, is_active=True)
    keys = frozenset(mates.values_list("pk", flat=True))
    if len(keys) < FEWEST_AVERAGED:
        return None
    whole = replace(scope, averaged=keys, owner="")
    rows, times = [row for row in _rows(whole) if int(row.key) in keys], response.times(whole)
    means = {
        name: round(sum(getattr(row, name) for row in rows) / len(keys), 1)
        for name in ("assigned", "calls", "sql", "won")
    }
    revenue = sum((row.revenue for row in rows), Decimal(0)) / len(keys)
    return Rep(
        key="",
        label="Average of your team",
        hue=0,
        revenue=revenue.quantize(Decimal("0.01")),
        median_seconds=times.median,
        share_in_target=times.share_in_target,
        **means,
    )
