"""How soon a change shows in segments, and what they cost beside bare statements.

python -m benchmarks segments --leads 100000 --activities 5
"""

import random
import threading
import time
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, percentile, rate_of, sql
from leads import conditions
from leads.actions import membership, record_activity, segments
from leads.models import DirtyLead, Lead, Segment
from scoring.actions import rescore_dirty

A_SECOND = 200
BATCH = 2_000
# What companies ask for: who somebody is, what they did of late, how they came, scores.
TYPICAL: dict[str, Any] = {
    "Benelux, 50 staff": {
        "all": [
            {"field": "country", "op": "in", "value": ["NL", "BE", "LU"]},
            {"field": "company_size", "op": "gte", "value": 50},
        ]
    },
    "Looked at prices this month": {
        "activity": "page_view",
        "where": {"url": {"contains": "/pricing"}},
        "times": {"at_least": 2},
        "within_days": 30,
    },
    "Silent for 60 days": {"field": "last_activity_at", "op": "older_than_days", "value": 60},
    "Hot, not spoken to": {
        "all": [
            {"field": "temperature", "op": "is", "value": "hot"},
            {"not": {"activity": "call_connected", "within_days": 90}},
        ]
    },
    "Bought for 500": {"activity": "purchase", "sum": "amount", "total": {"at_least": 500}},
    "Came by search": {"touch": {"channel": "organic_search"}, "within_days": 90},
    "May be mailed": {"field": "consent.marketing_email", "op": "is", "value": True},
    "Last seen in spring": {"activity": "page_view", "last": {"lt": "2026-06-01"}},
}


def run(options: Options) -> list[Line]:
    made = [_made(name, tree) for name, tree in TYPICAL.items()]
    everybody = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    print(f"\n{len(everybody):,} leads, {len(made)} segments", flush=True)
    lines = [_count(name, tree) for name, tree in TYPICAL.items()]
    some = random.Random(7).sample(everybody, min(BATCH, len(everybody)))
    lines.append(
        compared(
            f"{len(some):,} changed leads, {len(made)} segments",
            lambda: rate_of(lambda: _refreshed(some)),
            lambda: rate_of(lambda: _bare(some)),
            pairs=options.pairs,
            unit="leads/s",
        )
    )
    lines += _latency(made, everybody, options.seconds * 5)
    Segment.objects.filter(pk__in=[segment.pk for segment in made]).delete()
    return lines


def _made(name: str, tree: Any) -> Segment:
    Segment.objects.filter(name=name).delete()
    segment = segments.create_segment(name=name, tree=tree)
    while Segment.objects.filter(pk=segment.pk, counted_at=None).exists():
        membership.drain()
    return segment


def _count(name: str, tree: Any) -> Line:
    """One pass over everybody, as a recount does."""
    predicate = conditions.compile(tree)
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {conditions.LEADS} WHERE {predicate.sql}",  # noqa: S608
            predicate.params,
        )
        (found,) = cursor.fetchone()
    return Line(f"{name}: {found:,}", f"{(time.perf_counter() - started) * 1000:,.0f} ms")


def _refreshed(leads: list[int]) -> int:
    membership.refresh(leads, at=timezone.now())
    return len(leads)


def _bare(leads: list[int]) -> int:
    """The same questions as one statement that writes nothing."""
    predicates = [conditions.compile(tree) for tree in TYPICAL.values()]
    columns = ", ".join(f"count(*) FILTER (WHERE {predicate.sql})" for predicate in predicates)
    params = [value for predicate in predicates for value in predicate.params]
    sql(
        f"SELECT {columns} FROM {conditions.LEADS} WHERE lead.id = ANY(%s)",  # noqa: S608
        *params,
        leads,
    )
    return len(leads)


def _latency(made: list[Segment], everybody: list[int], seconds: float) -> list[Line]:
    """Activities are committed steadily while a worker drains the queue, scores included.

    Of each, how long until its lead's row has left the queue, and so stands in its segments.
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
    pick, started, sent = random.Random(8), time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        if sent / A_SECOND > elapsed:
            time.sleep(sent / A_SECOND - elapsed)
        properties = {"url": "https://marlow.example/pricing"}
        lead = pick.choice(everybody)
        record_activity(lead, "page_view", at=timezone.now(), properties=properties)
        waiting.append(time.perf_counter())
        sent += 1
        woken.set()
    over.set()
    worker.join()
    rate = sent / (time.perf_counter() - started)
    left = DirtyLead.objects.count()
    shown = f"{percentile(taken, 0.5) * 1000:,.0f} / {percentile(taken, 0.95) * 1000:,.0f} ms"
    title = f"commit to {len(made)} segments at {rate:,.0f} activities/s, p50 / p95"
    return [Line(title, shown), Line("left in the queue", f"{left:,}")]
