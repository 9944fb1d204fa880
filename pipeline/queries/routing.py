"""The rules, who could get a lead by them, and what they would do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from leadcrm.accounts.models import User
from leads.models import Lead
from pipeline.models import Pool, PoolMember, RoutingRule, RuleSet
from pipeline.queries.conditions import leads_matching
from pipeline.queries.owners import candidate_of, candidates, members_of
from pipeline.routing import Candidate, choose, choose_named, judge


def published_rule_set() -> RuleSet | None:
    return RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).first()


def draft_rule_set() -> RuleSet | None:
    return RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()


def has_room(pool_id: int | None, user_id: int | None, *, at: datetime) -> bool:
    """Whether anybody of a pool, or a person, could have one more lead; of neither, perhaps."""
    if pool_id is not None:
        members = list(PoolMember.objects.filter(pool=pool_id).select_related("user"))
        return any(judge(c).is_eligible for c in candidates(members, at=at))
    if user_id is not None:
        user = User.objects.get(pk=user_id)
        return choose_named(candidate_of(user, at=at)).chosen is not None
    return True


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


# Dry run ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where one lead would go: the rule, and a person or a queue."""

    lead_id: int
    rule: str
    user: str
    queue: str


def dry_run(
    rules: Sequence[RoutingRule], lead_ids: Sequence[int], *, at: datetime
) -> list[Forecast]:
    """Who would get these leads, in this order, were the rules in force. Writes nothing.

    Each rule is asked once for all leads; turns are played on from the pools' present credits.
    """
    rule_of: dict[int, RoutingRule] = {}
    for rule in rules:
        undecided = [pk for pk in lead_ids if pk not in rule_of]
        matched = leads_matching(rule.condition, undecided) if undecided else set()
        rule_of.update(dict.fromkeys(_with_target(rule, matched), rule))
    turns: dict[int, list[Candidate]] = {}
    return [_forecast(pk, rule_of.get(pk), turns, at=at) for pk in lead_ids]


def _with_target(rule: RoutingRule, lead_ids: set[int]) -> list[int]:
    if rule.target_kind != RoutingRule.Target.COMPANY_OWNER:
        return sorted(lead_ids)
    leads = Lead.objects.filter(pk__in=lead_ids).select_related("company__owner").order_by("pk")
    return [lead.pk for lead in leads if company_owner(lead)]


def _forecast(
    lead_id: int,
    rule: RoutingRule | None,
    turns: dict[int, list[Candidate]],
    *,
    at: datetime,
) -> Forecast:
    if rule is None:
        return Forecast(lead_id, "", "", "Fallback queue")
    if rule.target_pool is not None:
        name = _play_turn(rule.target_pool, turns, at=at)
        return Forecast(lead_id, rule.name, name, "" if name else f"{rule.target_pool}")
    if rule.target_queue is not None:
        return Forecast(lead_id, rule.name, "", str(rule.target_queue))
    owner = rule.target_user or company_owner(Lead.objects.get(pk=lead_id))
    return Forecast(lead_id, rule.name, str(owner), "")


def _play_turn(pool: Pool, turns: dict[int, list[Candidate]], *, at: datetime) -> str:
    if pool.pk not in turns:
        turns[pool.pk] = candidates(list(members_of(pool)), at=at)
    choice = choose(pool.method, turns[pool.pk])
    if choice.chosen is None:
        return ""
    chosen = choice.chosen.user_id
    turns[pool.pk] = [
        replace(
            c,
            credit=choice.after[c.user_id],
            open_leads=c.open_leads + (c.user_id == chosen),
            leads_today=c.leads_today + (c.user_id == chosen),
        )
        for c in turns[pool.pk]
    ]
    return choice.chosen.name
