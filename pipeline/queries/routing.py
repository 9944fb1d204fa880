"""The rules, who could get a lead by them, and what they would do."""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from leadcrm.accounts.models import Team, User
from leads.models import Lead
from pipeline.models import Pool, PoolMember, RoutingRule, RuleSet
from pipeline.queries.availability import stand_in
from pipeline.queries.owners import candidate_of, candidates
from pipeline.routing import Demand, choose_named, judge


def published_rule_set() -> RuleSet | None:
    return (
        RuleSet.objects.filter(state=RuleSet.State.PUBLISHED)
        .select_related("fallback_queue")
        .first()
    )


def fallback_team() -> Team | None:
    """Who answers for leads that nobody has, by the rules in force; else the first team."""
    rule_set = published_rule_set()
    if rule_set is not None and rule_set.fallback_queue is not None:
        return rule_set.fallback_queue
    return Team.objects.order_by(F("parent").asc(nulls_first=True), "pk").first()


def draft_rule_set() -> RuleSet | None:
    return RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()


def has_room(pool_id: int | None, user_id: int | None, *, at: datetime) -> bool:
    """Whether anybody of a pool, or a person, could have one more lead; of neither, perhaps."""
    if pool_id is not None:
        pool = Pool.objects.get(pk=pool_id)
        members = list(PoolMember.objects.filter(pool=pool_id).select_related("user"))
        # Whether they fit is another question, asked of each lead.
        demand = Demand(method=pool.method, at_work_only=pool.at_work_only)
        return any(judge(c, demand).is_eligible for c in candidates(members, at=at))
    if user_id is not None:
        user = User.objects.get(pk=user_id)
        free = choose_named(candidate_of(user, at=at)).chosen is not None
        return free or stand_in(user, at) is not None
    return True


def demand_of(pool: Pool) -> Demand:
    return Demand(
        method=pool.method,
        at_work_only=pool.at_work_only,
        language=pool.language,
        territory=pool.territory,
    )


# Rules --------------------------------------------------------------------------------------------


def rules_of(rule_set: RuleSet) -> QuerySet[RoutingRule]:
    """The rules in use, in the order they are tried."""
    return (
        rule_set.rules.filter(enabled=True)
        .select_related("target_user", "target_pool", "target_queue")
        .order_by("order")
    )


def company_owner(lead: Lead) -> User | None:
    """Who owns the lead's company, else who owns another lead of it, the latest one first."""
    if lead.company is None:
        return None
    if lead.company.owner is not None and lead.company.owner.is_active:
        return lead.company.owner
    colleague = (
        Lead.objects.live()
        .filter(company=lead.company, owner__is_active=True)
        .exclude(pk=lead.pk)
        .select_related("owner")
        .order_by("-created_at", "-pk")
        .first()
    )
    return colleague.owner if colleague else None


INPUT_FIELDS = (
    "country", "region", "city", "language", "industry", "company_size", "company_name",
    "lifecycle", "status", "source__key", "stage__key", "score_row__score",
    "score_row__temperature", "score_row__grade", "score_row__fit", "score_row__engagement",
    "score_row__bant",
)  # fmt: skip


def routing_inputs(lead: Lead) -> dict[str, Any]:
    """What the rules mostly look at, as it was when they were tried."""
    values = Lead.objects.filter(pk=lead.pk).values(*INPUT_FIELDS)[0]
    return {
        name.removeprefix("score_row__").removesuffix("__key"): value
        for name, value in values.items()
    }
