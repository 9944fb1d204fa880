"""Scoring beside a bare aggregate in one session, and how soon an activity shows in a score.

The aggregate adds up points that fade, one sum for a lead, and compares it with the present score;
rules, limits, grades, temperature, qualification and the ledger are what LeadCRM does on top.

    python -m benchmarks scoring --leads 1000000 --activities 10
"""

import random
import threading
import time
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, percentile, rate_of, sql
from leads.actions import mark_dirty, record_activity
from leads.models import Activity, Lead
from scoring import queries
from scoring.actions import rescore, rescore_dirty, rescore_everyone

DIRTY = 10_000
SINGLES = 50
AGGREGATE = """
SELECT count(*) FROM leads_leadscore s JOIN leads_lead l ON l.id = s.lead_id JOIN (
  SELECT a.lead_id, sum(p.points * pow(.5, date_part('epoch', now() - a.occurred_at) / 2592000))
    AS points
  FROM leads_activity a JOIN (VALUES ('page_view', 1), ('product_view', 3), ('pricing_view', 8),
    ('asset_download', 6), ('email_open', 1), ('email_click', 3), ('webinar_attended', 10),
    ('call_connected', 10)) AS p (type, points) ON p.type = a.type
  {where} GROUP BY a.lead_id
) AS counted ON counted.lead_id = s.lead_id
WHERE l.deleted_at IS NULL AND round(counted.points) IS DISTINCT FROM s.engagement
"""
ALL, SOME = AGGREGATE.format(where=""), AGGREGATE.format(where="WHERE a.lead_id = ANY(%s)")


def run(options: Options) -> list[Line]:
    everybody = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    some = everybody[:: max(1, len(everybody) // DIRTY)][:DIRTY]
    singles = some[:: max(1, len(some) // SINGLES)][:SINGLES]
    sql("SET max_parallel_workers_per_gather = 0")
    sql("SET work_mem = '64MB'")
    version = queries.published_version()
    rules = sum(rule.enabled for rule in queries.rules_of(version)) if version else 0
    print(f"\n{Activity.objects.count():,} activities, {rules} rules", flush=True)
    lines = [
        compared(
            f"score all {len(everybody):,} leads",
            lambda: rate_of(lambda: full(len(everybody))),
            lambda: rate_of(lambda: aggregate(everybody, ALL)),
            pairs=options.pairs,
            unit="leads/s",
        ),
        compared(
            f"{len(some):,} leads from the queue",
            lambda: queued(some),
            lambda: rate_of(lambda: aggregate(some, SOME, some)),
            pairs=options.pairs,
            unit="leads/s",
        ),
        compared(
            "one lead at a time",
            lambda: rate_of(lambda: one_by_one(singles)),
            lambda: rate_of(lambda: sum(aggregate([lead], SOME, [lead]) for lead in singles)),
            pairs=options.pairs,
            unit="leads/s",
        ),
    ]
    lines.append(memory_of(lambda: full(len(everybody))))
    sql("RESET max_parallel_workers_per_gather")
    sql("RESET work_mem")
    return [*lines, *latency(some, options.seconds * 5)]


def memory_of(work: Any) -> Line:
    """The most memory of its own that the database's process held meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        status = Path(f"/proc/{cursor.fetchone()[0]}/status")
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, anonymous(status))

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return Line("memory of scoring all", f"{most / 1024:,.0f} MB" if most else "not known here")


def anonymous(status: Path) -> int:
    """Kilobytes; 0 where the system does not say."""
    try:
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["RssAnon"].split()[0])
    except (OSError, KeyError, ValueError):
        return 0


A_SECOND = 200


def latency(leads: list[int], seconds: float) -> list[Line]:
    """Activities are committed steadily while a worker drains the queue; without the broker's way.

    What was committed before the worker claims its batch is scored when that batch is committed.
    """
    waiting: list[float] = []
    taken: list[float] = []
    woken, over = threading.Event(), threading.Event()

    def work() -> None:
        while not over.is_set() or waiting:
            woken.wait(0.5)
            woken.clear()
            known = len(waiting)
            while rescore_dirty():
                now = time.perf_counter()
                taken.extend(now - at for at in waiting[:known])
                del waiting[:known]
                known = len(waiting)
        connection.close()

    while rescore_dirty():
        pass
    worker = threading.Thread(target=work)
    worker.start()
    pick, started, sent = random.Random(7), time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        if sent / A_SECOND > elapsed:
            time.sleep(sent / A_SECOND - elapsed)
        record_activity(pick.choice(leads), "page_view", at=timezone.now())
        waiting.append(time.perf_counter())
        sent += 1
        woken.set()
    over.set()
    worker.join()
    rate = sent / (time.perf_counter() - started)
    shown = f"{percentile(taken, 0.5) * 1000:,.0f} / {percentile(taken, 0.95) * 1000:,.0f} ms"
    return [Line(f"commit to new score at {rate:,.0f} activities/s, p50 / p95", shown)]


def full(leads: int) -> int:
    rescore_everyone(at=timezone.now())
    return leads


def aggregate(leads: list[int], statement: str, *params: Any) -> int:
    sql(statement, *params)
    return len(leads)


def queued(leads: list[int]) -> float:
    mark_dirty(leads)
    return rate_of(lambda: sum(iter(lambda: rescore_dirty(at=timezone.now()), 0)))


def one_by_one(leads: list[int]) -> int:
    for lead in leads:
        rescore([lead], at=timezone.now())
    return len(leads)
