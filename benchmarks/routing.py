"""A thousand captures at once through the rules into one pool, beside bare transactions that lock
the same row, move a counter, change an owner and write one row.

Conditions, facts of candidates, the stored explanation, the ledger, the timeline and the event are
what LeadCRM does on top. The shares must be exact and nothing may deadlock, else this fails.

    python -m benchmarks routing --leads 10000
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, percentile, sql
from leadcrm.accounts.models import User
from leads.models import Lead
from pipeline import actions
from pipeline.models import Pool, PoolMember, RoutingRule

CAPTURES = 1_000
THREADS = 8  # as many as workers and web processes that route at the same moment
WEIGHTS = (4, 3, 2, 1)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def run(options: Options) -> list[Line]:
    pool = prepare()
    ids = list(Lead.objects.live().open().order_by("pk").values_list("pk", flat=True)[:CAPTURES])
    times: list[float] = []
    sql("CREATE UNLOGGED TABLE IF NOT EXISTS bench_routed (lead bigint, owner bigint, why text)")
    before = deadlocks()
    line = compared(
        f"{len(ids):,} captures at once, {THREADS} connections",
        lambda: at_once(ids, lambda pk: route(pk, times)),
        lambda: at_once(ids, lambda pk: bare(pk, pool.pk)),
        pairs=options.pairs,
        unit="decisions/s",
    )
    check_shares(pool, len(ids) * options.pairs)
    if found := deadlocks() - before:
        raise SystemExit(f"{found} deadlocks while routing.")
    sql("DROP TABLE bench_routed")
    return [
        line,
        Line("of them, one decision", f"p50 {1000 * percentile(times, 0.5):,.0f} ms"),
        Line("", f"p95 {1000 * percentile(times, 0.95):,.0f} ms"),
        Line("shares by weight", "exact"),
        Line("deadlocks", "0"),
    ]


def prepare() -> Pool:
    """Two rules that do not hold, then a pool of four by weight who are always at work."""
    people = list(User.objects.filter(role="rep", is_active=True).order_by("pk")[: len(WEIGHTS)])
    pool = Pool.objects.create(name="Benchmark", at_work_only=False)
    for position, (user, weight) in enumerate(zip(people, WEIGHTS, strict=True)):
        PoolMember.objects.create(pool=pool, user=user, weight=weight, position=position)
    nowhere = {"field": "country", "op": "is", "value": "AQ"}
    huge = {"field": "company_size", "op": "gte", "value": 10_000_000}
    rules = [
        actions.NewRule(
            name=name, condition=condition, target_kind=RoutingRule.Target.POOL, target_id=pool.pk
        )
        for name, condition in (("Antarctica", nowhere), ("Huge", huge), ("Everybody", {}))
    ]
    now = timezone.now()
    actions.save_draft(rules, at=now)
    actions.publish_draft(at=now)
    return pool


def route(lead_id: int, times: list[float]) -> None:
    started = time.perf_counter()
    decision = actions.route(lead_id, at=timezone.now(), again=True)
    times.append(time.perf_counter() - started)
    if decision is None or decision.chosen_id is None:
        raise SystemExit(f"Nobody got lead {lead_id}.")


def bare(lead_id: int, pool_id: int) -> None:
    """The least that a fair turn needs: the pool's row locked while one is chosen."""
    with transaction.atomic():
        sql("SELECT FROM leads_lead WHERE id = %s FOR NO KEY UPDATE", lead_id)
        sql("SELECT FROM pipeline_pool WHERE id = %s FOR NO KEY UPDATE", pool_id)
        sql("UPDATE pipeline_poolmember SET position = position WHERE pool_id = %s", pool_id)
        sql("UPDATE leads_lead SET updated_at = now() WHERE id = %s", lead_id)
        sql("INSERT INTO bench_routed VALUES (%s, 1, 'because')", lead_id)


def at_once(ids: Sequence[int], work: Callable[[int], None]) -> float:
    """How many a second, all handed to the threads in one go."""

    def part(number: int) -> None:
        try:
            for lead_id in ids[number::THREADS]:
                work(lead_id)
        finally:
            connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(part, range(THREADS)))
    return len(ids) / (time.perf_counter() - started)


def check_shares(pool: Pool, total: int) -> None:
    got = Counter(pool_decisions(pool))
    whole = sum(WEIGHTS)
    for member in pool.members.all():
        expected = total * member.weight / whole
        if abs(got[member.user_id] - expected) >= 1:
            raise SystemExit(f"{got[member.user_id]} instead of {expected:g} of {total} leads.")


def pool_decisions(pool: Pool) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT chosen_id FROM pipeline_routingdecision WHERE pool_id = %s", [pool.pk]
        )
        return [row[0] for row in cursor.fetchall()]


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(DEADLOCKS)
        return int(cursor.fetchone()[0])
