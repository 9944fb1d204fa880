"""Who has which leads, who could get one, and why somebody did."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from leadcrm.accounts.models import Role, User
from leads.models import Lead, Stage
from pipeline.models import (
    Assignment,
    Pool,
    PoolMember,
    RoutingDecision,
    WaitingLead,
)
from pipeline.queries.availability import absent_users, on_shift
from pipeline.routing import Candidate

ROUTED = (
    Assignment.Cause.ROUTED,
    Assignment.Cause.DRAINED,
    Assignment.Cause.DECLINED,
    Assignment.Cause.PASSED_ON,
    Assignment.Cause.ESCALATED,
)


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


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is at work and who is away: what does not depend on leads that others get meanwhile."""

    working: set[int]
    absent: set[int]


def presence_of(users: Sequence[User], at: datetime) -> Presence:
    return Presence(on_shift(users, at), absent_users(users, at))


def candidates(
    members: Sequence[PoolMember],
    *,
    at: datetime,
    lead: Lead | None = None,
    skills: Sequence[str] = (),
    presence: Presence | None = None,
) -> list[Candidate]:
    """The members with all that decides whether they can have one more lead, or this one."""
    users = [member.user for member in members]
    ids = [user.pk for user in users]
    here = presence or presence_of(users, at)
    open_leads, today = open_counts(ids), counts_today(users, at)
    refused = refusals(lead.pk, ids) if lead else {}
    return [
        Candidate(
            user_id=m.user_id,
            name=m.user.name,
            weight=m.weight,
            credit=m.credit,
            position=m.position,
            is_active=m.user.is_active,
            is_paused=m.paused,
            is_absent=m.user_id in here.absent,
            is_on_shift=m.user_id in here.working,
            open_leads=open_leads[m.user_id],
            open_cap=m.open_cap,
            leads_today=today[m.user_id],
            day_cap=m.day_cap,
            refused=refused.get(m.user_id, ""),
            **fit_of(m.user, lead, skills),
        )
        for m in members
    ]


def candidate_of(user: User, *, at: datetime, lead: Lead | None = None) -> Candidate:
    """One person named by a rule: no caps, no turn."""
    return candidates([PoolMember(user=user)], at=at, lead=lead)[0]


def fit_of(user: User, lead: Lead | None, skills: Sequence[str]) -> dict[str, Any]:
    """What a lead without a language or country asks is nothing; skills compare without case."""
    language, country = (lead.language[:2].lower(), lead.country) if lead else ("", "")
    known = {skill.casefold() for skill in user.skills}
    return {
        "speaks": not language or language in user.languages,
        "is_local": not country or country in user.territory,
        "lacks": ", ".join(skill for skill in skills if skill.casefold() not in known),
    }


REFUSED = {
    Assignment.Answer.DECLINED: "Declined this lead",
    Assignment.Answer.EXPIRED: "Did not accept this lead in time",
    Assignment.Answer.LATE: "Did not answer this lead in time",
}


def refusals(lead_id: int, user_ids: Sequence[int]) -> dict[int, str]:
    """Who refused the lead in the pass that is open, in words."""
    rows = (
        Assignment.objects.filter(Q(cycle__closed_at=None), lead=lead_id, owner__in=user_ids)
        .exclude(answer=Assignment.Answer.NONE)
        .order_by("to_at", "pk")
    )
    return {a.owner_id: _refusal(a) for a in rows if a.owner_id}


def _refusal(assignment: Assignment) -> str:
    when = f" ({assignment.to_at:%-d %b, %H:%M} UTC)" if assignment.to_at else ""
    return f"{REFUSED[Assignment.Answer(assignment.answer)]}{when}."


def previous_owner(lead: Lead) -> User | None:
    """Who had the lead last, before now, and could have it again."""
    had = (
        Assignment.objects.filter(lead=lead, owner__is_active=True, to_at__isnull=False)
        .exclude(owner=lead.owner_id)
        .select_related("owner")
    )
    last = had.order_by("-to_at", "-pk").first()
    return last.owner if last else None


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
