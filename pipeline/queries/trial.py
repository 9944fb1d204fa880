"""The page of routing rules: what each rule says in words, and what it would do with one lead."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from leadcrm.accounts.models import User
from leads import conditions
from leads.models import Lead
from pipeline.models import Pool, PoolMember, RoutingDecision, RoutingRule, RuleSet
from pipeline.queries.conditions import failing_leaf, leads_matching
from pipeline.queries.dryrun import Forecast, dry_run
from pipeline.queries.owners import candidates
from pipeline.queries.routing import rules_of
from pipeline.routing import Demand, Verdict, judge

COUNTED_DAYS = 30
NOTES: dict[str, str] = {
    RoutingRule.Target.COMPANY_OWNER: "Nobody here owns the company’s leads.",
    RoutingRule.Target.PREVIOUS_OWNER: "Nobody who is still here had it before.",
}
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the page shows it."""

    rule: RoutingRule
    people: list[User] = field(default_factory=list)
    decided: int = 0

    @property
    def words(self) -> list[str]:
        """The condition in words, one entry for each part that must hold."""
        tree = self.rule.condition
        if not tree:
            return ["Every lead"]
        parts = tree.get("all") if isinstance(tree, dict) else None
        if isinstance(parts, list) and parts:
            return [conditions.describe(part) for part in parts]
        return [conditions.describe(tree)]

    @property
    def how(self) -> str:
        rule = self.rule
        if rule.target_pool is not None:
            asked = f", who can {', '.join(rule.skills)}" if rule.skills else ""
            return f"{rule.target_pool.get_method_display()}{asked}"
        if rule.target_user is not None:
            return "Named owner"
        if rule.target_queue is not None:
            return "Waits in the queue"
        return "Same person, no turn taken"

    @property
    def aim(self) -> str:
        rule = self.rule
        return str(rule.target or rule.get_target_kind_display())


def rule_rows(rule_set: RuleSet, *, at: datetime) -> list[RuleRow]:
    """All rules of a version, those switched off too, with their people and use."""
    rules = list(
        rule_set.rules.select_related("target_user", "target_pool", "target_queue").order_by(
            "order"
        )
    )
    people: dict[int, list[User]] = {}
    pools = [rule.target_pool_id for rule in rules if rule.target_pool_id]
    for member in members_in(pools):
        people.setdefault(member.pool_id, []).append(member.user)
    decided = _decided_by_rule(since=at - timedelta(days=COUNTED_DAYS))
    return [
        RuleRow(
            rule,
            [rule.target_user] if rule.target_user else people.get(rule.target_pool_id or 0, []),
            decided.get(rule.key, 0),
        )
        for rule in rules
    ]


def members_in(pool_ids: Sequence[int | None]) -> list[PoolMember]:
    found = PoolMember.objects.filter(pool__in=pool_ids).select_related("user")
    return list(found.order_by("pool_id", "position", "pk"))


def _decided_by_rule(*, since: datetime) -> dict[str, int]:
    """How often each rule decided, counted over the newest decisions; "" is no rule."""
    newest = (
        RoutingDecision.objects.filter(decided_at__gte=since)
        .order_by("-decided_at", "-pk")
        .values("pk")[:MOST_COUNTED]
    )
    rows = (
        RoutingDecision.objects.filter(pk__in=newest)
        .order_by()
        .values("rule_key")
        .annotate(n=Count("pk"))
    )
    return {row["rule_key"]: row["n"] for row in rows}


def room_for_more(rule_set: RuleSet, *, at: datetime) -> list[tuple[User, Verdict]]:
    """Everybody in the pools of these rules, with how full they are and what keeps leads away."""
    pools = rules_of(rule_set).exclude(target_pool=None).values_list("target_pool", flat=True)
    members = {member.user_id: member for member in members_in(list(pools))}
    verdicts = [judge(candidate) for candidate in candidates(list(members.values()), at=at)]
    return [(members[verdict.candidate.user_id].user, verdict) for verdict in verdicts]


def verdicts_of(pool: Pool, members: Sequence[PoolMember], *, at: datetime) -> list[Verdict]:
    """Who of a pool could have one more lead that asks for nothing special."""
    demand = Demand(method=pool.method, at_work_only=pool.at_work_only)
    return [judge(candidate, demand) for candidate in candidates(members, at=at)]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rules would do with one lead: those tried, in the shape of a decision's trace."""

    lead: Lead
    trace: list[dict[str, Any]]
    forecast: Forecast

    @property
    def rule(self) -> str:
        return next((step["key"] for step in self.trace if step["matched"]), "")


def try_lead(rule_set: RuleSet, lead: Lead, *, at: datetime) -> Trial:
    """Play the rules for one lead as they stand. Writes nothing."""
    rules = list(rules_of(rule_set))
    forecast = dry_run(rules, [lead.pk], at=at)[0]
    trace: list[dict[str, Any]] = []
    for rule in rules:
        holds = bool(leads_matching(rule.condition, [lead.pk]))
        chosen = holds and rule.name == forecast.rule
        trace.append(
            {
                "rule": rule.name,
                "key": rule.key,
                "matched": chosen,
                "failing": None if holds else failing_leaf(rule.condition, lead.pk),
                "note": "" if chosen or not holds else NOTES.get(rule.target_kind, ""),
            }
        )
        if chosen:
            break
    return Trial(lead, trace, forecast)


# Between two versions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """How a rule differs from one version to another. `kind`: added, removed or changed."""

    kind: str
    name: str
    before: str = ""
    after: str = ""


def changes(old: RuleSet, new: RuleSet) -> list[Change]:
    """What a version does that another did not, rule by rule in the order of the new one."""
    before, after = _by_key(old), _by_key(new)
    found = []
    for key, text in after.items():
        name = text[0]
        if key not in before:
            found.append(Change("added", name, after=text[1]))
        elif before[key] != text:
            found.append(Change("changed", name, " · ".join(before[key]), " · ".join(text)))
    gone = [key for key in before if key not in after]
    found.extend(Change("removed", before[key][0], before=before[key][1]) for key in gone)
    if old.fallback_queue_id != new.fallback_queue_id:
        queues = (str(old.fallback_queue or "First team"), str(new.fallback_queue or "First team"))
        found.append(Change("changed", "Everyone else", *queues))
    return found


def _by_key(rule_set: RuleSet) -> dict[str, tuple[str, str]]:
    rules = rule_set.rules.select_related("target_user", "target_pool", "target_queue")
    rows = [RuleRow(rule) for rule in rules.order_by("order")]
    return {
        row.rule.key: (
            row.rule.name,
            f"{number}. {', '.join(row.words)} → {row.aim}, {row.how}"
            + ("" if row.rule.enabled else " (off)"),
        )
        for number, row in enumerate(rows, start=1)
    }
