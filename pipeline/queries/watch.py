"""Open leads for which something is missing that must never be, and since when."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce, Greatest

from leadcrm.accounts.models import Absence, Team, User
from leads.models import Lead
from pipeline.models import Alarm, Assignment, ResponseClock, SalesCycle, WaitingLead, Watch
from pipeline.queries.response import administrators

Kind = Watch.Kind
ADVICE: Mapping[str, str] = {
    Kind.NOBODY: "Give each an owner or a queue. This should never happen.",
    Kind.OWNER_GONE: "The owner’s account is off, or they are away and nobody covers. Reassign.",
    Kind.WAITING: "Routed, but nobody had room. Make room in a pool, or take them.",
    Kind.NO_NEXT_STEP: "The owner planned nothing more. Ask for a next step or close the lead.",
    Kind.PAST_TARGET: "No human answer in time. Answer now, or give the lead to somebody else.",
}


GRACE_MINUTES: Mapping[str, int] = {
    Kind.NOBODY: 0,
    Kind.OWNER_GONE: 0,
    Kind.WAITING: 60,
    Kind.NO_NEXT_STEP: 24 * 60,
    Kind.PAST_TARGET: 0,
}


def watched(kind: str, leads: QuerySet[Lead], *, at: datetime) -> QuerySet[Lead]:
    """Those of `leads` for which it is so, each with `since`: the moment it began."""
    return FINDERS[kind](leads.filter(_in_open_cycle()), at)


def found_by(watch: Watch, leads: QuerySet[Lead], *, at: datetime) -> QuerySet[Lead]:
    """Those for which it has been so for longer than the watch puts up with."""
    found: Any = watched(watch.kind, leads, at=at)  # its annotation is not known to the types
    longer: QuerySet[Lead] = found.filter(since__lte=at - timedelta(minutes=watch.grace_minutes))
    return longer


def _in_open_cycle() -> Exists:
    return Exists(SalesCycle.objects.filter(SalesCycle.OPEN, lead=OuterRef("pk")))


def _current(field: str) -> Subquery:
    rows = Assignment.objects.filter(Assignment.CURRENT, lead=OuterRef("pk"))
    return Subquery(rows.values(field)[:1])


def _nobody(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    return leads.filter(owner=None, team=None).annotate(
        since=Coalesce(_current("from_at"), F("stage_entered_at"), F("created_at"))
    )


def _owner_gone(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    day = at.date()
    # A day is a day where the person is; a few hours more or less do not change the alarm.
    uncovered = Absence.objects.filter(
        Q(cover=None) | Q(cover__is_active=False),
        user=OuterRef("owner"),
        first_day__lte=day,
        last_day__gte=day,
    )
    began = Subquery(uncovered.values("first_day")[:1], output_field=DateTimeField())
    return leads.filter(
        Q(owner__is_active=False) | Q(Exists(uncovered)), owner__isnull=False
    ).annotate(since=Greatest(_current("from_at"), Coalesce(began, _current("from_at"))))


def _waiting(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    """Routed into a queue: it waits for room, or for a person to take it."""
    queued = Assignment.objects.filter(
        Assignment.CURRENT, lead=OuterRef("pk"), decision__isnull=False
    )
    waits = WaitingLead.objects.filter(lead=OuterRef("pk"))
    return leads.filter(Q(Exists(waits)) | Q(Exists(queued)), owner=None).annotate(
        since=Coalesce(Subquery(waits.values("queued_at")[:1]), _current("from_at"))
    )


def _no_next_step(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    return leads.filter(owner__isnull=False, next_step_at=None).annotate(
        since=Coalesce(
            Greatest(F("stage_entered_at"), _current("from_at"), F("responded_at")),
            F("created_at"),
        )
    )


def _past_target(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    late = ResponseClock.objects.filter(
        ResponseClock.RUNNING, lead=OuterRef("pk"), respond_by__lte=at
    )
    return leads.filter(Exists(late)).annotate(since=Subquery(late.values("respond_by")[:1]))


FINDERS: Mapping[str, Callable[[QuerySet[Lead], datetime], QuerySet[Lead]]] = {
    Kind.NOBODY: _nobody,
    Kind.OWNER_GONE: _owner_gone,
    Kind.WAITING: _waiting,
    Kind.NO_NEXT_STEP: _no_next_step,
    Kind.PAST_TARGET: _past_target,
}


# For the managers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """How many leads of somebody’s teams it is so for, and since when."""

    leads: int
    oldest_at: datetime
    newest_at: datetime


def tallies(watch: Watch, *, at: datetime) -> dict[User, Tally]:
    """What each manager must hear of: of their teams, by one pass over the leads."""
    leads: QuerySet[Lead] = Lead.objects.live().open()
    rows = (
        found_by(watch, leads, at=at)
        .order_by()
        .values("team_id")
        .annotate(leads=Count("pk"), oldest=Min("since"), newest=Max("since"))
    )
    told = managers_by_team()
    sums: dict[User, list[Any]] = defaultdict(list)
    for row in rows:
        for user in told(row["team_id"]):
            sums[user].append(row)
    return {
        user: Tally(
            sum(row["leads"] for row in each),
            min(row["oldest"] for row in each),
            max(row["newest"] for row in each),
        )
        for user, each in sums.items()
    }


def managers_by_team() -> Callable[[int | None], Iterable[User]]:
    """Who hears of a team’s leads: its manager, else the one above, else the administrators."""
    teams = {team.pk: team for team in Team.objects.select_related("manager")}
    fallback = administrators()

    def told(team_id: int | None) -> Iterable[User]:
        for _ in range(10):
            team = teams.get(team_id or 0)
            if team is None:
                break
            if team.manager is not None and team.manager.is_active:
                return [team.manager]
            team_id = team.parent_id
        return fallback

    return told


def watches() -> list[Watch]:
    """In the order of the page, the gravest first; what is not made yet as it would be."""
    known = {watch.kind: watch for watch in Watch.objects.all()}
    return [
        known.get(kind) or Watch(kind=kind, grace_minutes=grace)
        for kind, grace in GRACE_MINUTES.items()
    ]


def open_alarms(user: User) -> QuerySet[Alarm]:
    return Alarm.objects.filter(user=user, cleared_at=None).order_by("oldest_at")


def count_alarms(user: User) -> int:
    return open_alarms(user).order_by().count()
