"""Routing: the first rule that holds decides, and the decision says everything about itself."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.template.defaultfilters import pluralize

from leadcrm.accounts.models import Team, User
from leadcrm.lib import pump
from leadcrm.lib.errors import NotFound
from leads.models import Lead
from pipeline import queries
from pipeline.actions.defaults import ensure_default_routing, fallback_queue, sync_everyone
from pipeline.actions.ledger import lock_lead, open_cycle_of
from pipeline.actions.owners import assign
from pipeline.models import (
    Assignment,
    Pool,
    PoolMember,
    RoutingDecision,
    RoutingRule,
    RuleSet,
    WaitingLead,
)
from pipeline.routing import Candidate, Choice, as_json, choose, choose_named

logger = structlog.get_logger(__name__)

QUEUE = "waiting_leads"
BATCH = 100
QUALIFIED = "qualified"
DRAINED = "drained"

Trace = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the rules say of one lead: a person, or else a queue."""

    rule: RoutingRule | None
    reason: str
    user: User | None = None
    queue: Team | None = None
    pool: Pool | None = None
    wanted: User | None = None
    choice: Choice = field(default_factory=lambda: Choice(None, ()))

    @property
    def is_waiting(self) -> bool:
        """Whether somebody ought to have it but nobody has room."""
        return self.user is None and (self.pool is not None or self.wanted is not None)


@transaction.atomic
def route(
    lead_id: int,
    *,
    at: datetime,
    cause: str = QUALIFIED,
    actor: User | None = None,
    again: bool = False,
) -> RoutingDecision | None:
    """Find an owner by the published rules, or the queue that answers when nobody has room.

    A lead with an active owner keeps it (returns None), unless `again`. Two calls at once share
    the turn of a pool exactly: the choice is made under a lock on the pool.
    """
    started = time.perf_counter()
    lead = lock_lead(lead_id)
    if lead.owner is not None and lead.owner.is_active and not again:
        return None
    if cause == DRAINED and not WaitingLead.objects.filter(lead=lead).exists():
        return None
    rule_set = queries.published_rule_set() or ensure_default_routing()
    outcome, trace = _decide(lead, rule_set, at=at, in_turn=cause == DRAINED)
    if outcome.is_waiting:
        _wait(lead, outcome, at=at)
        if cause == DRAINED:
            return None
        pump.wake(QUEUE)
    decision = _store(lead, rule_set, outcome, trace, at=at, cause=cause, started=started)
    assign(
        lead.pk,
        owner=outcome.user,
        team=outcome.queue,
        at=at,
        actor=actor,
        decision=decision,
        cause=Assignment.Cause.DRAINED if cause == DRAINED else Assignment.Cause.ROUTED,
    )
    if outcome.user is None and not outcome.is_waiting:
        WaitingLead.objects.filter(lead=lead).delete()
    return decision


def _decide(lead: Lead, rule_set: RuleSet, *, at: datetime, in_turn: bool) -> tuple[Outcome, Trace]:
    """The outcome of the first rule that holds and names somebody, with every rule tried."""
    trace: Trace = []
    for rule in queries.rules_of(rule_set):
        holds = bool(queries.leads_matching(rule.condition, [lead.pk]))
        failing = None if holds else queries.failing_leaf(rule.condition, lead.pk)
        outcome = _resolve(rule, lead, at=at, in_turn=in_turn) if holds else None
        trace.append(
            {
                "rule": rule.name,
                "key": rule.key,
                "matched": outcome is not None,
                "failing": failing,
                "note": "" if outcome or not holds else "Nobody here owns the company’s leads.",
            }
        )
        if outcome is not None:
            return outcome, trace
    queue = fallback_queue()
    return Outcome(rule=None, queue=queue, reason=f"No rule matched: queue of {queue}."), trace


def _resolve(rule: RoutingRule, lead: Lead, *, at: datetime, in_turn: bool) -> Outcome | None:
    """Whom the rule's target means for this lead; None lets the next rule try."""
    if rule.target_queue is not None:
        reason = f"Rule “{rule.name}”: queue of {rule.target_queue}."
        return Outcome(rule=rule, queue=rule.target_queue, reason=reason)
    if rule.target_pool is not None:
        return _from_pool(rule, rule.target_pool.pk, lead, at=at, in_turn=in_turn)
    if rule.target_user is not None:
        return _named(rule, rule.target_user, "named by the rule", at=at)
    owner = queries.company_owner(lead)
    return _named(rule, owner, f"owns {lead.company}", at=at) if owner else None


def _named(rule: RoutingRule, user: User, why: str, *, at: datetime) -> Outcome:
    choice = choose_named(queries.candidate_of(user, at=at))
    if choice.chosen is not None:
        reason = f"Rule “{rule.name}”: {user.name} {why}."
        return Outcome(rule=rule, user=user, wanted=user, choice=choice, reason=reason)
    queue = fallback_queue()
    detail = choice.verdicts[0].detail.rstrip(".").lower()
    reason = (
        f"Rule “{rule.name}”: {user.name} {why}, but is not available ({detail}). Queue of {queue}."
    )
    return Outcome(rule=rule, wanted=user, queue=queue, choice=choice, reason=reason)


def _from_pool(
    rule: RoutingRule, pool_id: int, lead: Lead, *, at: datetime, in_turn: bool
) -> Outcome:
    """:param in_turn: whether it is this lead's turn; a new one stands behind those who wait."""
    pool = Pool.objects.select_for_update(no_key=True, of=("self",)).get(pk=pool_id)
    members, choice = _choose(pool, at=at)
    others_first = not in_turn and pool.waiting.exclude(lead=lead).exists()
    if choice.chosen is None or others_first:
        queue = pool.queue or fallback_queue()
        tally = _tally(choice) if choice.chosen is None else "others wait before it"
        reason = f"Rule “{rule.name}”: nobody in {pool} has room ({tally}). Queue of {queue}."
        nobody = Choice(None, choice.verdicts, choice.before, choice.before)
        return Outcome(rule=rule, pool=pool, queue=queue, choice=nobody, reason=reason)
    _save_credits(members, choice)
    chosen = next(m.user for m in members if m.user_id == choice.chosen.user_id)
    reason = f"Rule “{rule.name}”: {chosen.name}, {_why(pool, choice.chosen)}."
    return Outcome(rule=rule, user=chosen, pool=pool, choice=choice, reason=reason)


def _choose(pool: Pool, *, at: datetime) -> tuple[Sequence[PoolMember], Choice]:
    if pool.includes_everyone:
        sync_everyone(pool)
    members = list(queries.members_of(pool))
    return members, choose(pool.method, queries.candidates(members, at=at))


def _save_credits(members: Sequence[PoolMember], choice: Choice) -> None:
    changed = [m for m in members if choice.after[m.user_id] != m.credit]
    for member in changed:
        member.credit = choice.after[member.user_id]
    PoolMember.objects.bulk_update(changed, ["credit"])


def _why(pool: Pool, chosen: Candidate) -> str:
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
    words = [f"{n} {code.replace('_', ' ')}" for code, n in counted.items()]
    return ", ".join(words) or "the pool is empty"


def _wait(lead: Lead, outcome: Outcome, *, at: datetime) -> None:
    """Keep its place in the queue: a lead that waited under another rule waits since then."""
    target = {"pool": outcome.pool, "user": outcome.wanted if outcome.pool is None else None}
    WaitingLead.objects.update_or_create(
        lead=lead, defaults=target, create_defaults={**target, "queued_at": at}
    )


def _store(
    lead: Lead,
    rule_set: RuleSet,
    outcome: Outcome,
    trace: Trace,
    *,
    at: datetime,
    cause: str,
    started: float,
) -> RoutingDecision:
    return RoutingDecision.objects.create(
        lead=lead,
        cycle=open_cycle_of(lead),
        rule_set=rule_set,
        rule_key=outcome.rule.key if outcome.rule else "",
        rule_name=outcome.rule.name if outcome.rule else "",
        pool=outcome.pool,
        cause=cause,
        inputs={"rule_set": rule_set.number, **queries.routing_inputs(lead)},
        trace=trace,
        candidates=as_json(outcome.choice),
        chosen=outcome.user,
        queue=outcome.queue if outcome.user is None else None,
        reason=outcome.reason[:300],
        rotation_before={str(k): v for k, v in outcome.choice.before.items()},
        rotation_after={str(k): v for k, v in outcome.choice.after.items()},
        decided_at=at,
        latency_ms=int((time.perf_counter() - started) * 1000),
    )


# The queue ----------------------------------------------------------------------------------------


def drain_waiting(*, at: datetime, limit: int = BATCH) -> int:
    """Give waiting leads, the oldest first, to whoever has room now; return how many found one."""
    groups = WaitingLead.objects.order_by().values_list("pool_id", "user_id").distinct()
    return sum(_serve(pool_id, user_id, at=at, limit=limit) for pool_id, user_id in groups)


def _serve(pool_id: int | None, user_id: int | None, *, at: datetime, limit: int) -> int:
    served = 0
    waiting = WaitingLead.objects.filter(pool=pool_id, user=user_id)
    for lead_id in _oldest(waiting, limit):
        if not queries.has_room(pool_id, user_id, at=at):
            break
        decision = _route_waiting(lead_id, at=at)
        served += decision is not None and decision.chosen_id is not None
    return served


def _route_waiting(lead_id: int, *, at: datetime) -> RoutingDecision | None:
    try:
        return route(lead_id, at=at, cause=DRAINED)
    except NotFound:
        WaitingLead.objects.filter(lead=lead_id).delete()  # deleted or merged meanwhile
    except Exception:
        # One that cannot be routed must not keep the others waiting.
        logger.exception("waiting_lead_failed", lead=lead_id)
    return None


def _oldest(waiting: Any, limit: int) -> list[int]:
    return list(waiting.order_by("queued_at", "lead_id").values_list("lead_id", flat=True)[:limit])
