# ruff: noqa: S608  (built from the constants below)
"""Keeps the facts of sales cycles in step with the tables they are copied from.

Triggers note every lead that an insert, update or delete concerns, in the transaction of the
change itself. `catch_up` copies those leads anew, a batch in one statement. Reports call it before
they read, so that they show what was committed before they were asked; the pump calls it too, so
that there is little left to do.
"""

from django.db import connection, transaction

from leadcrm.lib import memo

QUEUE = "facts"
BATCH = 10_000
MOST_AT_ONCE = 5  # batches for one reader: after a flood, the rest is the pump's
LOCK = 4_318_771_402  # one writer at a time: whoever waits copies what the one before left

COLUMNS = """
  cycle_id, lead_id, pipeline_id, source_id, owner_id, team_id, country, stage_id, stage_entered_at,
  opened_at, received_at, first_response_at, furthest_id, mql_at, sql_at, closed_at, outcome,
  lost_reason, target_minutes, target_at, working_seconds, respond_by
"""
# What the row of a cycle must be: the truth that the audit compares with.
TRUTH = """
SELECT c.id AS cycle_id, c.lead_id, c.pipeline_id, c.source_id, l.owner_id, l.team_id, l.country,
  l.stage_id, l.stage_entered_at, c.opened_at, c.received_at, c.first_response_at, c.furthest_id,
  c.mql_at, c.sql_at, c.closed_at, c.outcome, c.lost_reason, r.target_minutes,
  CASE WHEN r.started_at = c.received_at THEN r.respond_by
       ELSE c.received_at + r.target_minutes * interval '1 minute' END AS target_at,
  r.working_seconds,
  CASE WHEN r.first_response_at IS NULL AND r.cancelled_at IS NULL THEN r.respond_by END
    AS respond_by
FROM pipeline_salescycle c
JOIN leads_lead l ON l.id = c.lead_id
  AND l.deleted_at IS NULL AND l.merged_into_id IS NULL AND NOT l.is_test
LEFT JOIN pipeline_responseclock r ON r.cycle_id = c.id
"""
_NAMES = [name.strip() for name in COLUMNS.split(",")]
_KEPT = ", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES[1:])
_OLD = ", ".join(f"f.{name}" for name in _NAMES[1:])
_NEW = ", ".join(f"EXCLUDED.{name}" for name in _NAMES[1:])
UPSERT = (
    f"INSERT INTO pipeline_cyclefact AS f ({COLUMNS}) "
    f"SELECT {COLUMNS} FROM ({TRUTH} {{which}}) AS truth "
    f"ON CONFLICT (cycle_id) DO UPDATE SET {_KEPT} WHERE ({_OLD}) IS DISTINCT FROM ({_NEW})"
)
NOTED = f"""
WITH claimed AS MATERIALIZED (
  DELETE FROM pipeline_changedlead WHERE id IN (
    SELECT id FROM pipeline_changedlead ORDER BY id LIMIT {BATCH})
  RETURNING lead_id
), leads AS MATERIALIZED (SELECT DISTINCT lead_id FROM claimed),
written AS ({UPSERT.format(which="WHERE c.lead_id IN (SELECT lead_id FROM leads)")}),
gone AS (
  DELETE FROM pipeline_cyclefact f USING leads
  WHERE f.lead_id = leads.lead_id
    AND NOT EXISTS (SELECT FROM ({TRUTH}) AS truth WHERE truth.cycle_id = f.cycle_id)
)
SELECT count(*) FROM claimed
"""
DIFFERENT = f"""
SELECT coalesce(truth.cycle_id, f.cycle_id)
FROM ({TRUTH}) AS truth FULL JOIN pipeline_cyclefact f ON f.cycle_id = truth.cycle_id
WHERE ({", ".join(f"truth.{name}" for name in _NAMES)}) IS DISTINCT FROM (f.cycle_id, {_OLD})
"""


def catch_up() -> int:
    """Copy the noted leads anew; how many notes were worked off."""
    done = 0
    for _ in range(MOST_AT_ONCE):
        found = _one_batch()
        done += found
        if found < BATCH:
            break
    return done


def be_current() -> None:
    """`catch_up` before reading, once for each request."""
    memo.once("facts", catch_up)


def count_anew() -> None:
    """All facts from nothing, after rows were written past the triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("DELETE FROM pipeline_changedlead")
        cursor.execute(
            f"DELETE FROM pipeline_cyclefact f WHERE NOT EXISTS ({TRUTH} WHERE c.id = f.cycle_id)"
        )
        cursor.execute(UPSERT.format(which=""))


def _one_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pipeline_changedlead)")
        if not cursor.fetchone()[0]:
            return 0
    with transaction.atomic(), connection.cursor() as cursor:
        # In a statement of its own: the next one sees what was committed before the lock was had.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(NOTED)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
