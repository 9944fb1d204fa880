"""What the rules say of one lead at this moment. Called under the lead's lock, by `route`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.template.defaultfilters import pluralize

from leadcrm.accounts.models import Team, User
from leads.models import Lead
from pipeline import queries
from pipeline.actions.defaults import fallback_queue, sync_everyone
from pipeline.models import Pool, PoolMember, RoutingRule, RuleSet
from pipeline.routing import Candidate, Choice, Demand, Exclusion, choose, choose_named

Trace = list[dict[str, Any]]
NOBODY = Choice(None, ())
NOTES = {
    RoutingRule.Target.COMPANY_OWNER: "Nobody here owns the company’s leads.",
    RoutingRule.Target.PREVIOUS_OWNER: "Nobody who is still here had it before.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the rules say of one lead: a person, or else a queue."""

    rule: RoutingRule | None
    reason: str
    user: User | None = None
    queue: Team | None = None
    pool: Pool | None = None
    wanted: User | None = None
    demand: Demand | None = None
    choice: Choice = NOBODY

    @property
    def is_waiting(self) -> bool:
        """Whether somebody ought to have it but nobody has room. Not when all refused it."""
        if self.user is not None or (self.pool is None and self.wanted is None):
            return False
        codes = {verdict.code for verdict in self.choice.verdicts}
        return codes != {Exclusion.REFUSED}


@dataclass(frozen=True, slots=True)
class Asking:
    """The lead in question. `in_turn`: a new one stands behind those who wait."""

    lead: Lead
    at: datetime
    in_turn: bool = False
    members: dict[int, Sequence[PoolMember]] = field(default_factory=dict)


def decide(asking: Asking, rule_set: RuleSet) -> tuple[Outcome, Trace]:
    """The outcome of the first rule that holds and names somebody, with every rule tried."""
    trace: Trace = []
    for rule in queries.rules_of(rule_set):
        lead_id = asking.lead.pk
        holds = bool(queries.leads_matching(rule.condition, [lead_id]))
        outcome = _resolve(rule, asking) if holds else None
        note = NOTES.get(RoutingRule.Target(rule.target_kind), "") if holds else ""
        trace.append(
            {
                "rule": rule.name,
                "key": rule.key,
                "matched": outcome is not None,
                "failing": None if holds else queries.failing_leaf(rule.condition, lead_id),
                "note": "" if outcome else note,
            }
        )
        if outcome is not None:
            return outcome, trace
    queue = fallback_queue()
    return Outcome(rule=None, queue=queue, reason=f"No rule matched: queue of {queue}."), trace


def decide_pool(asking: Asking, pool: Pool, why: str) -> Outcome:
    """Somebody of a pool that no rule but an escalation names."""
    return _from_pool(None, why, pool.pk, asking)


def _resolve(rule: RoutingRule, asking: Asking) -> Outcome | None:
    """Whom the rule's target means for this lead; None lets the next rule try."""
    why = f"Rule “{rule.name}”"
    if rule.target_queue is not None:
        queue = rule.target_queue
        return Outcome(rule=rule, queue=queue, reason=f"{why}: queue of {queue}.")
    if rule.target_pool is not None:
        return _from_pool(rule, why, rule.target_pool.pk, asking)
    if rule.target_user is not None:
        return _named(rule, rule.target_user, "named by the rule", asking)
    if rule.target_kind == RoutingRule.Target.PREVIOUS_OWNER:
        owner, why = queries.previous_owner(asking.lead), "had the lead before"
    else:
        owner, why = queries.company_owner(asking.lead), f"owns {asking.lead.company}"
    return _named(rule, owner, why, asking) if owner else None


def _named(rule: RoutingRule, user: User, why: str, asking: Asking) -> Outcome:
    """The person, or who covers for them while they are away; else they are waited for."""
    choice = choose_named(queries.candidate_of(user, at=asking.at, lead=asking.lead))
    start = f"Rule “{rule.name}”: {user.name} {why}"
    if choice.chosen is not None:
        return Outcome(rule=rule, user=user, wanted=user, choice=choice, reason=f"{start}.")
    cover = queries.stand_in(user, asking.at) if user.is_active else None
    if cover is not None:
        stood = choose_named(queries.candidate_of(cover, at=asking.at, lead=asking.lead))
        both = Choice(stood.chosen, (*choice.verdicts, *stood.verdicts))
        if stood.chosen is not None:
            reason = f"{start} but is away; {cover.name} covers."
            return Outcome(rule=rule, user=cover, wanted=user, choice=both, reason=reason)
        choice = both
    queue = fallback_queue()
    detail = choice.verdicts[0].detail.rstrip(".").lower()
    reason = f"{start}, but is not available ({detail}). Queue of {queue}."
    return Outcome(rule=rule, wanted=user, queue=queue, choice=choice, reason=reason)


def _from_pool(rule: RoutingRule | None, why: str, pool_id: int, asking: Asking) -> Outcome:
    # Whatever can be known before the lock is: others wait for it.
    people = list(User.objects.filter(pool_memberships__pool=pool_id))
    presence = queries.presence_of(people, asking.at)
    pool = Pool.objects.select_for_update(no_key=True, of=("self",)).get(pk=pool_id)
    demand = queries.demand_of(pool)
    members, choice = _choose(pool, demand, asking, rule.skills if rule else [], presence)
    first = asking.in_turn or not pool.waiting.exclude(lead=asking.lead).exists()
    if choice.chosen is None or not first:
        queue = pool.queue or fallback_queue()
        tally = _tally(choice) if choice.chosen is None else "others wait before it"
        reason = f"{why}: nobody in {pool} has room ({tally}). Queue of {queue}."
        nobody = Choice(None, choice.verdicts, choice.before, choice.before)
        return Outcome(
            rule=rule, pool=pool, queue=queue, choice=nobody, reason=reason, demand=demand
        )
    _save_credits(members, choice)
    chosen = next(m.user for m in members if m.user_id == choice.chosen.user_id)
    reason = f"{why}: {chosen.name}, {_how(pool, choice.chosen)}."
    return Outcome(rule=rule, user=chosen, pool=pool, choice=choice, reason=reason, demand=demand)


def _choose(
    pool: Pool, demand: Demand, asking: Asking, skills: Sequence[str], presence: queries.Presence
) -> tuple[Sequence[PoolMember], Choice]:
    newcomers = pool.includes_everyone and sync_everyone(pool)
    members = list(queries.members_of(pool))
    found = queries.candidates(
        members,
        at=asking.at,
        lead=asking.lead,
        skills=skills,
        presence=None if newcomers else presence,
    )
    return members, choose(demand, found)


def _save_credits(members: Sequence[PoolMember], choice: Choice) -> None:
    changed = [m for m in members if choice.after[m.user_id] != m.credit]
    for member in changed:
        member.credit = choice.after[member.user_id]
    PoolMember.objects.bulk_update(changed, ["credit"])


def _how(pool: Pool, chosen: Candidate) -> str:
    load = f"{chosen.open_leads} open lead{pluralize(chosen.open_leads)}"
    if chosen.open_cap is not None:
        load = f"{chosen.open_leads} of {chosen.open_cap} open leads"
    how = {
        Pool.Method.WEIGHTED: f"next in turn in {pool}",
        Pool.Method.LEAST_OPEN: f"fewest open leads in {pool}",
        Pool.Method.PRIORITY: f"first in {pool} who has room",
    }[Pool.Method(pool.method)]
    return f"{how}, {load}"


def _tally(choice: Choice) -> str:
    """“2 off shift, 1 at capacity”."""
    codes = [verdict.code for verdict in choice.verdicts if verdict.code is not None]
    counted = {code: codes.count(code) for code in dict.fromkeys(codes)}
    words = [f"{n} {TALLIED.get(code, code.replace('_', ' '))}" for code, n in counted.items()]
    return ", ".join(words) or "the pool is empty"


TALLIED = {
    Exclusion.SKILL: "without the skill",
    Exclusion.LANGUAGE: "without the language",
    Exclusion.TERRITORY: "of other countries",
    Exclusion.DAY_CAP: "at the cap of the day",
}
