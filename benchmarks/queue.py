"""The queue: claim a hundred rows and finish them, beside the same two statements by hand."""

from django.db import connection

from benchmarks.measuring import Line, Options, compared, rate_of, sql
from leadcrm.eventlog.models import EventDelivery
from leadcrm.lib import pump

BATCH = 100
CLAIM = """
WITH due AS MATERIALIZED (
  SELECT id FROM bench_queue WHERE due_at <= now() ORDER BY due_at, id LIMIT %s
  FOR UPDATE SKIP LOCKED
)
UPDATE bench_queue q SET due_at = now() + interval '2 minutes' FROM due WHERE q.id = due.id
RETURNING q.*
"""


def run(options: Options) -> list[Line]:
    sql(
        "CREATE TABLE IF NOT EXISTS bench_queue "
        "(id bigserial PRIMARY KEY, handler text, due_at timestamptz)"
    )
    sql(
        "CREATE INDEX IF NOT EXISTS bench_queue_due ON bench_queue (due_at, id) "
        "WHERE due_at IS NOT NULL"
    )
    return [
        compared(
            f"claim and finish by {BATCH}",
            lambda: product(options.queue),
            lambda: bare(options.queue),
            pairs=options.pairs,
            unit="rows/s",
        )
    ]


def product(rows: int) -> float:
    sql("TRUNCATE eventlog_eventdelivery, eventlog_domainevent")
    sql(
        "INSERT INTO eventlog_domainevent (name, payload, channel, request_id, occurred_at, "
        "recorded_at) SELECT 'Benchmark', '{}', 'system', '', now(), now() "
        "FROM generate_series(1, %s)",
        rows,
    )
    sql(
        "INSERT INTO eventlog_eventdelivery (event_id, handler, state, last_error) "
        "SELECT id, 'benchmark', 'pending', '' FROM eventlog_domainevent"
    )
    sql("VACUUM ANALYZE eventlog_eventdelivery")
    return rate_of(lambda: sum(iter(claim_and_finish, 0)))


def claim_and_finish() -> int:
    claim = pump.claim(EventDelivery, limit=BATCH)
    keys = [item.pk for item in claim.items]
    return pump.finish(EventDelivery, keys, token=claim.token, state="done") if keys else 0


def bare(rows: int) -> float:
    sql("TRUNCATE bench_queue")
    sql(
        "INSERT INTO bench_queue (handler, due_at) "
        "SELECT 'benchmark', now() FROM generate_series(1, %s)",
        rows,
    )
    sql("VACUUM ANALYZE bench_queue")
    return rate_of(lambda: sum(iter(bare_claim_and_finish, 0)))


def bare_claim_and_finish() -> int:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [BATCH])
        keys = [row[0] for row in cursor.fetchall()]
    if not keys:
        return 0
    return sql("UPDATE bench_queue SET due_at = NULL WHERE id = ANY(%s)", keys)
