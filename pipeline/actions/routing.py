"""Routing: the first rule that holds decides, and the decision says everything about itself."""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import NotFound
from leads.models import Lead
from pipeline import queries
from pipeline.actions.deciding import Asking, Outcome, Trace, decide, decide_pool
from pipeline.actions.defaults import ensure_default_routing
from pipeline.actions.ledger import lock_lead, open_cycle_of
from pipeline.actions.owners import assign
from pipeline.models import Assignment, Offer, Pool, RoutingDecision, RuleSet, WaitingLead
from pipeline.routing import as_json
from pipeline.worktime import after_working_minutes

logger = structlog.get_logger(__name__)

QUEUE = "waiting_leads"
BATCH = 100
MOST_TRIED = 1_000
QUALIFIED = "qualified"
DRAINED = "drained"


@transaction.atomic
def route(
    lead_id: int,
    *,
    at: datetime,
    cause: str = QUALIFIED,
    actor: User | None = None,
    again: bool = False,
    pool: Pool | None = None,
    assigned_as: str = Assignment.Cause.ROUTED,
    note: str = "",
) -> RoutingDecision | None:
    """Find an owner by the published rules, or the queue that answers when nobody has room.

    A lead with an active owner keeps it (returns None), unless `again`. Two calls at once share
    the turn of a pool exactly: the choice is made under a lock on the pool.

    :param pool: somebody of this pool, whatever the rules say.
    """
    started = time.perf_counter()
    lead = lock_lead(lead_id)
    if lead.owner is not None and lead.owner.is_active and not again:
        return None
    if cause == DRAINED and not WaitingLead.objects.filter(lead=lead).exists():
        return None
    rule_set = queries.published_rule_set() or ensure_default_routing()
    asking = Asking(lead, at, in_turn=cause == DRAINED)
    # Read before the rules are tried: from the lock on a pool on, others wait.
    cycle, seen = open_cycle_of(lead), queries.routing_inputs(lead)
    outcome, trace = _decide(asking, rule_set, pool)
    if outcome.is_waiting:
        _wait(lead, outcome, at=at)
        if cause == DRAINED:
            return None
        pump.wake(QUEUE)
    elif outcome.user is None:
        WaitingLead.objects.filter(lead=lead).delete()
    decision = RoutingDecision(
        lead=lead,
        cycle=cycle,
        rule_set=rule_set,
        cause=cause,
        inputs=_inputs(seen, rule_set, outcome),
        decided_at=at,
        latency_ms=int((time.perf_counter() - started) * 1000),
    )
    _store(decision, outcome, trace)
    made = assign(
        lead.pk,
        owner=outcome.user,
        team=outcome.queue,
        at=at,
        actor=actor,
        decision=decision,
        cause=Assignment.Cause.DRAINED if cause == DRAINED else assigned_as,
        note=note,
        locked=lead,
    )
    if made is not None:
        _offer(made, outcome, at=at)
    return decision


def _decide(asking: Asking, rule_set: RuleSet, pool: Pool | None) -> tuple[Outcome, Trace]:
    if pool is not None:
        return decide_pool(asking, pool, "Escalated"), []
    return decide(asking, rule_set)


def _offer(assignment: Assignment, outcome: Outcome, *, at: datetime) -> None:
    """Let the clock of yes or no run, where the pool has one."""
    pool, owner = outcome.pool, assignment.owner
    if pool is None or pool.accept_minutes is None or owner is None or assignment.accepted_at:
        return
    # The hours that decide whether somebody is at work: no hours written down means always.
    calendar = queries.calendars_of([owner])[owner.pk]
    accept_by = after_working_minutes(calendar, at, pool.accept_minutes)
    Offer.objects.create(assignment=assignment, accept_by=accept_by, due_at=accept_by)


def _wait(lead: Lead, outcome: Outcome, *, at: datetime) -> None:
    """Keep its place in the queue: a lead that waited under another rule waits since then."""
    target = {"pool": outcome.pool, "user": outcome.wanted if outcome.pool is None else None}
    WaitingLead.objects.update_or_create(
        lead=lead, defaults=target, create_defaults={**target, "queued_at": at}
    )


def _store(decision: RoutingDecision, outcome: Outcome, trace: Trace) -> None:
    """With all that it takes to say why, and to make the choice once more."""
    choice, rule = outcome.choice, outcome.rule
    decision.rule_key, decision.rule_name = (rule.key, rule.name) if rule else ("", "")
    decision.pool, decision.chosen = outcome.pool, outcome.user
    decision.queue = outcome.queue if outcome.user is None else None
    decision.reason = outcome.reason[:300]
    decision.trace, decision.candidates = trace, as_json(choice)
    decision.rotation_before = {str(k): v for k, v in choice.before.items()}
    decision.rotation_after = {str(k): v for k, v in choice.after.items()}
    decision.save(force_insert=True)


def _inputs(seen: dict[str, Any], rule_set: RuleSet, outcome: Outcome) -> dict[str, Any]:
    asked = asdict(outcome.demand) if outcome.demand else None
    skills = outcome.rule.skills if outcome.rule else []
    return {"rule_set": rule_set.number, **seen, "demand": asked, "skills": skills}


# The queue ----------------------------------------------------------------------------------------


def drain_waiting(*, at: datetime, limit: int = BATCH) -> int:
    """Give waiting leads, the oldest first, to whoever has room now; return how many found one."""
    groups = WaitingLead.objects.order_by().values_list("pool_id", "user_id").distinct()
    return sum(_serve(pool_id, user_id, at=at, limit=limit) for pool_id, user_id in groups)


def _serve(pool_id: int | None, user_id: int | None, *, at: datetime, limit: int) -> int:
    """One that nobody with room may have (its language, say) lets those behind it pass."""
    served = 0
    waiting = WaitingLead.objects.filter(pool=pool_id, user=user_id)
    for lead_id in _oldest(waiting, MOST_TRIED):
        if served >= limit or not queries.has_room(pool_id, user_id, at=at):
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
