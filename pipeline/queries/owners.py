"""Who has which leads, who could get one, and why somebody did."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch, Q, QuerySet

from leadcrm.accounts.models import Absence, Role, User, WorkingHours
from leads.models import Lead, Stage
from pipeline.models import (
    Assignment,
    Pool,
    PoolMember,
    RoutingDecision,
    WaitingLead,
)
from pipeline.routing import Candidate
from pipeline.worktime import Block, Calendar, is_working

ROUTED = (Assignment.Cause.ROUTED, Assignment.Cause.DRAINED)


def current_assignment(lead_id: int) -> Assignment | None:
    return (
        Assignment.objects.filter(Assignment.CURRENT, lead_id=lead_id)
        .select_related("owner", "team", "decision", "actor")
        .first()
    )


def assignments_of(lead_id: int) -> QuerySet[Assignment]:
    return (
        Assignment.objects.filter(lead_id=lead_id)
        .select_related("owner", "team", "decision", "actor")
        .order_by("-from_at", "-pk")
    )


def decisions_of(lead_id: int) -> QuerySet[RoutingDecision]:
    return (
        RoutingDecision.objects.filter(lead_id=lead_id)
        .select_related("chosen", "queue", "pool", "rule_set")
        .order_by("-decided_at", "-pk")
    )


def latest_decision(lead_id: int) -> RoutingDecision | None:
    return decisions_of(lead_id).first()


def assignable_users() -> QuerySet[User]:
    """People who can own leads."""
    return User.objects.filter(
        is_active=True, role__in=[Role.REP, Role.MANAGER, Role.ADMIN]
    ).order_by("name", "pk")


def to_accept(user: User) -> QuerySet[Assignment]:
    """Leads given to somebody who has not said yes yet, the oldest first."""
    return (
        Assignment.objects.filter(Assignment.CURRENT, owner=user, accepted_at=None)
        .filter(lead__in=Lead.objects.visible_to(user).open().values("pk"))
        .select_related("lead", "lead__stage", "lead__score_row", "decision")
        .order_by("from_at", "pk")
    )


def waiting_leads() -> QuerySet[WaitingLead]:
    return WaitingLead.objects.select_related("lead", "pool", "user").order_by(
        "queued_at", "lead_id"
    )


# Facts of candidates ------------------------------------------------------------------------------


def members_of(pool: Pool) -> QuerySet[PoolMember]:
    return pool.members.select_related("user").order_by("position", "pk")


def candidates(members: Sequence[PoolMember], *, at: datetime) -> list[Candidate]:
    """The members with all that decides whether they can have one more lead, in four queries."""
    users = [member.user for member in members]
    ids = [user.pk for user in users]
    on_shift, absent = _on_shift(users, at), absent_users(users, at)
    open_leads, today = open_counts(ids), counts_today(users, at)
    return [
        Candidate(
            user_id=m.user_id,
            name=m.user.name,
            weight=m.weight,
            credit=m.credit,
            position=m.position,
            is_active=m.user.is_active,
            is_paused=m.paused,
            is_absent=m.user_id in absent,
            is_on_shift=m.user_id in on_shift,
            open_leads=open_leads[m.user_id],
            open_cap=m.open_cap,
            leads_today=today[m.user_id],
            day_cap=m.day_cap,
        )
        for m in members
    ]


def candidate_of(user: User, *, at: datetime) -> Candidate:
    """One person named by a rule: no caps, no turn."""
    return candidates([PoolMember(user=user)], at=at)[0]


def calendars_of(users: Iterable[User]) -> dict[int, Calendar]:
    """When each person works. Nobody's hours written down means always."""
    people = list(users)
    blocks: dict[int, list[Block]] = {user.pk: [] for user in people}
    for row in WorkingHours.objects.filter(user__in=blocks):
        blocks[row.user_id].append(Block(row.weekday, row.starts, row.ends))
    return {user.pk: Calendar(user.zone, tuple(blocks[user.pk])) for user in people}


def _on_shift(users: Sequence[User], at: datetime) -> set[int]:
    return {user_id for user_id, c in calendars_of(users).items() if is_working(c, at)}


def absent_users(users: Sequence[User], at: datetime) -> set[int]:
    """Who is away on what is today where they are."""
    day = at.date()
    near = Absence.objects.filter(
        user__in=[user.pk for user in users],
        first_day__lte=day + timedelta(days=1),
        last_day__gte=day - timedelta(days=1),
    )
    today = {user.pk: at.astimezone(user.zone).date() for user in users}
    return {a.user_id for a in near if a.first_day <= today[a.user_id] <= a.last_day}


def open_counts(user_ids: Sequence[int]) -> Counter[int]:
    """Open leads of each person."""
    rows = (
        Lead.objects.live()
        .filter(owner__in=user_ids, stage__category=Stage.Category.OPEN)
        .order_by()
        .values("owner_id")
        .annotate(n=Count("pk"))
    )
    return Counter({row["owner_id"]: row["n"] for row in rows})


def counts_today(users: Sequence[User], at: datetime) -> Counter[int]:
    """Leads that routing gave each person since midnight where they are."""
    since = Q(pk__in=[])
    for user in users:
        midnight = at.astimezone(user.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        since |= Q(owner=user, from_at__gte=midnight)
    rows = (
        Assignment.objects.filter(since, cause__in=ROUTED)
        .order_by()
        .values("owner_id")
        .annotate(n=Count("pk"))
    )
    return Counter({row["owner_id"]: row["n"] for row in rows})


def public_ids_of(user_ids: Iterable[int]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=set(user_ids)).values_list("pk", "public_id"))


def pools() -> QuerySet[Pool]:
    """All pools with their members, in order."""
    members = PoolMember.objects.select_related("user").order_by("position", "pk")
    return (
        Pool.objects.select_related("queue")
        .prefetch_related(Prefetch("members", members))
        .order_by("name")
    )
