"""Many leads at once: to see what a query, a page or a scoring rule costs at a million.

Everything is made inside PostgreSQL from the number of the row and the seed, so the same call makes
the same data. Indexes of the filled tables are dropped first and built again at the end, which is
several times faster than keeping them; what was dropped is noted in a table, so that an interrupted
run is repaired by the next. Foreign keys stay: every id written here is one that was read or made
here, so where the role may say so the sessions leave out asking for each of them once more. A few
sessions work side by side.

`OFFSET 0` in the statements keeps PostgreSQL from merging a sub-select into the outer one, where
each mention of a column would compute its random number anew.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, connections

from leadcrm.demo import names
from leadcrm.demo.story import slug
from leads.models import Stage

SESSIONS = min(max(os.cpu_count() or 2, 2), 4)
RANGE = 25_000
PEOPLE = 4_999  # different names
NOTEBOOK = "demo_dropped"
TABLES = (
    "leads_company",
    "leads_lead",
    "leads_leadscore",
    "leads_leadidentifier",
    "leads_inquiry",
    "leads_touch",
    "leads_consent",
    "leads_activity",
    "pipeline_salescycle",
    "pipeline_transition",
    "pipeline_responseclock",
    "pipeline_assignment",
    "pipeline_deal",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`base`: the first new lead id minus one; ids of all tables follow from it."""

    base: int
    leads: int
    activities: int
    seed: int
    now: datetime

    @property
    def per_lead(self) -> int:
        return max(self.activities // self.leads, 0) if self.leads else 0


# rnd(i, salt): a number from 0 to 1 that depends on nothing but its arguments.
RANDOM = """
CREATE OR REPLACE FUNCTION pg_temp.rnd(i bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (hashint8extended(i, salt) & 9223372036854775807)::float8 / 9223372036854775808.0 $$;
CREATE OR REPLACE FUNCTION pg_temp.pick(list text[], i bigint, salt bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT list[1 + floor(pg_temp.rnd(i, salt) * cardinality(list))::int] $$;
"""

# The lives of a range of leads, written down once for all tables that tell of them: how far lead
# i got (0 new … 5 won), when it came to each stage, never in the future, and whether it is lost.
LIVES = """
CREATE TEMP TABLE life AS
SELECT i, id, i + %(cycle_base)s AS cycle_id, i / 8 + 1 + %(company_base)s AS company_id,
  r, born, depth, lost, arrived, greatest(closed, arrived[depth + 1]) AS closed,
  CASE WHEN depth > 0 THEN arrived[2] END AS answered,
  (%(stages)s::bigint[])[CASE WHEN lost THEN 7 ELSE depth + 1 END] AS stage_id,
  (%(sources)s::bigint[])[1 + (i %% cardinality(%(sources)s::bigint[]))] AS source_id,
  (%(reps)s::bigint[])[1 + (i %% cardinality(%(reps)s::bigint[]))] AS owner_id,
  person.first, person.last, person.mail || id || '@co' || i / 8 + 1 + %(company_base)s
    || '.example' AS email
FROM (
  SELECT *, i + %(base)s AS id,
    depth < 5 AND r < .8 AND born < %(now)s::timestamptz - interval '45 days' AS lost,
    ARRAY[born, least(born + hours * 2, %(now)s), least(born + hours * 6, %(now)s),
          least(born + hours * 12, %(now)s), least(born + hours * 20, %(now)s),
          least(born + hours * 30, %(now)s)]::timestamptz[] AS arrived,
    least(born + interval '1 day' * (30 + 60 * r), %(now)s)::timestamptz AS closed
  FROM (
    SELECT i, r, interval '1 hour' * (20 + 200 * r) AS hours,
      %(now)s::timestamptz - interval '730 days' * pow(pg_temp.rnd(i, %(seed)s), 1.4)
        - interval '1 minute' AS born,
      CASE WHEN d < .05 THEN 5 WHEN d < .09 THEN 4 WHEN d < .16 THEN 3 WHEN d < .30 THEN 2
           WHEN d < .62 THEN 1 ELSE 0 END AS depth
    FROM (
      SELECT i, pg_temp.rnd(i, %(seed)s + 1) AS d, pg_temp.rnd(i, %(seed)s + 2) AS r
      FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS i OFFSET 0
    ) AS dice OFFSET 0
  ) AS course OFFSET 0
) AS told
JOIN person ON person.n = told.i %% %(persons)s
"""
# Who they are: long lists are slow to pick from, once for each lead.
PERSONS = """
CREATE TEMP TABLE person AS
SELECT n, (%(first)s::text[])[1 + n * 7 %% cardinality(%(first)s::text[])] AS first,
  (%(last)s::text[])[1 + n * 11 %% cardinality(%(last)s::text[])] AS last,
  (%(mail_first)s::text[])[1 + n * 7 %% cardinality(%(mail_first)s::text[])] || '.'
    || (%(mail_last)s::text[])[1 + n * 11 %% cardinality(%(mail_last)s::text[])] AS mail
FROM generate_series(0, %(persons)s - 1) AS n
"""

STATEMENTS = (
    """
      INSERT INTO leads_company
        (id, public_id, name, domain, industry, size, country, city, created_at)
      SELECT i + %(company_base)s, 'c' || lpad(to_hex(i + %(company_base)s), 7, '0')
          || substr(md5(i::text), 1, 4),
        pg_temp.pick(%(companies)s, i, 11) || ' ' || i, 'co' || i + %(company_base)s || '.example',
        pg_temp.pick(%(industries)s, i, 12), 10 + floor(1000 * pg_temp.rnd(i, 13)),
        pg_temp.pick(%(countries)s, i, 14), pg_temp.pick(%(cities)s, i, 15), %(now)s
      FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS i
      WHERE i <= %(leads)s / 8 + 1
    """,
    """
      INSERT INTO leads_lead
        (id, public_id, first_name, last_name, email, phone, job_title, company_name, company_id,
         website, country, region, city, language, time_zone, industry, company_size, custom,
         source_id, is_test, lifecycle, status, stage_id, stage_entered_at, owner_id,
         response_started_at, response_due_at, responded_at, created_at, updated_at, version)
      SELECT id, 'g' || lpad(to_hex(id), 7, '0') || substr(md5(id::text || %(seed)s), 1, 4),
        first, last, email,
        CASE WHEN r < .6 THEN '+3110' || 1000000 + id %% 9000000 ELSE '' END,
        pg_temp.pick(%(titles)s, i, 21),
        pg_temp.pick(%(companies)s, i / 8 + 1, 11) || ' ' || i / 8 + 1, company_id,
        '', pg_temp.pick(%(countries)s, i, 14), '',
        pg_temp.pick(%(cities)s, i, 15), 'en', 'Europe/Amsterdam',
        pg_temp.pick(%(industries)s, i, 12), 10 + floor(1000 * pg_temp.rnd(i, 13)), '{}',
        source_id, false,
        (ARRAY['lead', 'lead', 'mql', 'sql', 'opportunity', 'customer'])[depth + 1],
        CASE WHEN lost THEN 'lost'
             ELSE (ARRAY['new', 'attempting', 'connected', 'qualified', 'qualified', 'won'])
               [depth + 1] END,
        stage_id, CASE WHEN lost THEN closed ELSE arrived[depth + 1] END, owner_id,
        born, born + interval '1 hour', answered, born, born, 1
      FROM life
    """,
    """
      INSERT INTO leads_leadscore
        (lead_id, score, fit, engagement, bant, temperature, trend, last_activity_at,
         last_activity_type)
      SELECT id, 0, 0, 0, 0, 'cold', '{}', born, 'page_view' FROM life
    """,
    """
      INSERT INTO leads_leadidentifier (lead_id, kind, value, created_at)
      SELECT id, 'email', email, %(now)s FROM life
    """,
    """
      INSERT INTO leads_inquiry (lead_id, source_id, fields, context, message, is_test, received_at)
      SELECT id, source_id, '{}', '{}', '', false, born FROM life
    """,
    """
      INSERT INTO leads_touch
        (lead_id, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content, click_ids,
         referrer, landing_page, occurred_at)
      SELECT id, pg_temp.pick(%(channels)s, i, 31), '', '', '', '', '', '{}', '', '/', born
      FROM life
    """,
    """
      INSERT INTO leads_consent
        (lead_id, purpose, granted, basis, wording, wording_hash, source, remote_address, at)
      SELECT id, 'marketing_email', true, 'consent', '', '', 'generated', '', born
      FROM life WHERE r < .8
    """,
    """
      INSERT INTO leads_activity
        (lead_id, type, occurred_at, received_at, properties, category, klass)
      SELECT id, pg_temp.pick(%(types)s, i * 64 + n, 41), at, at, '{"url": "/"}', '', 'human'
      FROM (SELECT id, i, n, born + (%(now)s::timestamptz - born)
          * pow(pg_temp.rnd(i * 64 + n, 42), 2) AS at
        FROM life, generate_series(1, %(per_lead)s) AS n OFFSET 0) AS moment
    """,
    """
      INSERT INTO pipeline_salescycle
        (id, lead_id, number, pipeline_id, source_id, opened_at, received_at, first_response_at,
         first_response_by_id, furthest_id, mql_at, sql_at, rejected_reason, closed_at, outcome,
         lost_reason, lost_note, owner_at_close_id)
      SELECT cycle_id, id, 1, %(pipeline)s, source_id, born, born, answered,
        CASE WHEN depth > 0 THEN owner_id END, (%(stages)s::bigint[])[depth + 1],
        CASE WHEN depth > 1 THEN arrived[3] END, CASE WHEN depth > 2 THEN arrived[4] END, '',
        CASE WHEN depth = 5 THEN arrived[6] WHEN lost THEN closed END,
        CASE WHEN depth = 5 THEN 'won' WHEN lost THEN 'lost' ELSE '' END,
        CASE WHEN lost THEN (ARRAY['no_response', 'no_budget', 'timing', 'competitor', 'price'])
               [1 + (i %% 5)] ELSE '' END, '',
        CASE WHEN depth = 5 OR lost THEN owner_id END
      FROM life
    """,
    """
      INSERT INTO pipeline_transition
        (lead_id, cycle_id, from_stage_id, to_stage_id, at, cause, seconds_in_from)
      SELECT id, cycle_id, (%(stages)s::bigint[])[n], (%(stages)s::bigint[])[n + 1],
        arrived[n + 1], CASE WHEN n = 0 THEN 'opened' ELSE 'manual' END,
        date_part('epoch', arrived[n + 1] - arrived[n])
      FROM life, generate_series(0, depth) AS n
      UNION ALL
      SELECT id, cycle_id, (%(stages)s::bigint[])[depth + 1], (%(stages)s::bigint[])[7],
        closed, 'manual', greatest(0, date_part('epoch', closed - arrived[depth + 1]))
      FROM life WHERE lost
    """,
    """
      INSERT INTO pipeline_responseclock
        (cycle_id, lead_id, target_minutes, uses_working_hours, started_at, respond_by,
         first_response_at, stopped_by_id, wall_seconds, working_seconds, cancelled_at, due_at,
         attempts)
      SELECT cycle_id, id, 60, false, born, born + interval '1 hour', answered,
        CASE WHEN depth > 0 THEN owner_id END,
        date_part('epoch', answered - born), date_part('epoch', answered - born),
        CASE WHEN depth = 0 AND lost THEN closed END, NULL, 0
      FROM life
    """,
    """
      INSERT INTO pipeline_assignment
        (lead_id, cycle_id, owner_id, from_at, accepted_at, cause, note)
      SELECT id, cycle_id, owner_id, born, born, 'routed', '' FROM life
      WHERE owner_id IS NOT NULL
    """,
    """
      INSERT INTO pipeline_deal
        (lead_id, cycle_id, name, amount, currency, expected_close, state, closed_at, created_at,
         updated_at)
      SELECT id, cycle_id, 'Yearly plan', 1000 + floor(40000 * r), 'EUR',
        (%(now)s::timestamptz + interval '30 days')::date,
        CASE WHEN depth = 5 THEN 'won' WHEN lost THEN 'lost' ELSE 'open' END,
        CASE WHEN depth = 5 THEN arrived[6] WHEN lost THEN closed END, born, born
      FROM life WHERE depth >= 4
    """,
)

TYPES = (
    "page_view", "page_view", "page_view", "page_view", "product_view", "product_view",
    "pricing_view", "asset_download", "email_open", "email_click", "webinar_attended",
    "call_connected",
)  # fmt: skip


def generate(*, leads: int, activities: int, seed: int, now: datetime) -> None:
    """Add `leads` leads with about `activities` activities, cycles, clocks, owners and deals."""
    finish_interrupted()
    plan = Plan(max_id("leads_lead"), leads, activities, seed, now)
    parameters = shared_parameters(plan)
    note_and_drop()
    try:
        in_parallel(
            lambda low: fill({**parameters, "low": low, "high": min(low + RANGE - 1, leads)}),
            range(1, leads + 1, RANGE),
        )
        move_sequences(parameters, leads)
    finally:
        finish_interrupted()
    in_parallel(analyze, TABLES)


def shared_parameters(plan: Plan) -> dict[str, Any]:
    def every(pick: Callable[[names.Country], Iterable[str]]) -> list[str]:
        return [word for country in names.COUNTRIES for word in pick(country)]

    first, last = every(lambda country: country.first), every(lambda country: country.last)
    stages = Stage.objects.filter(pipeline__is_default=True).order_by("position")
    return {
        "base": plan.base,
        "company_base": max_id("leads_company"),
        "cycle_base": max_id("pipeline_salescycle"),
        "leads": plan.leads,
        "per_lead": plan.per_lead,
        "seed": plan.seed,
        "now": plan.now,
        "stages": [stage.pk for stage in stages],
        "pipeline": stages[0].pipeline_id,
        "sources": column("SELECT id FROM leads_source ORDER BY id") or [None],
        "reps": column("SELECT id FROM accounts_user WHERE role = 'rep' AND is_active ORDER BY id")
        or [None],
        "persons": PEOPLE,
        "first": first,
        "last": last,
        "mail_first": [slug(name) for name in first],
        "mail_last": [slug(name) for name in last],
        "cities": every(lambda country: country.cities),
        "companies": every(lambda country: country.companies),
        "countries": [country.code for country in names.COUNTRIES],
        "industries": list(names.INDUSTRIES),
        "titles": list(names.TITLES),
        "channels": ["paid_search", "organic_search", "paid_social", "direct", "event", "referral"],
        "types": list(TYPES),
    }


def in_parallel(work: Callable[[Any], None], jobs: Iterable[Any]) -> None:
    """Work off the jobs in `SESSIONS` threads with a connection each; the first error rises."""
    waiting = iter(list(jobs))

    def until_done(_: int) -> None:
        try:
            for job in waiting:
                work(job)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(SESSIONS) as threads:
        list(threads.map(until_done, range(SESSIONS)))


def fill(parameters: dict[str, Any]) -> None:
    """Write everything about the leads from `low` to `high`."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET synchronous_commit = off; SET jit = off")
        cursor.execute(UNASKED)
        cursor.execute(RANDOM)
        cursor.execute("DROP TABLE IF EXISTS life, person")
        for statement in (PERSONS, LIVES, *STATEMENTS):
            cursor.execute(statement, parameters)


def analyze(table: str) -> None:
    """A first idea for the planner, from a small sample; autovacuum looks closer within minutes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_statistics_target = 10; ANALYZE {table}")


# Indexes and constraints ------------------------------------------------------------------------

INDEX, CONSTRAINT = 1, 2  # the order to build in

# Foreign keys are not looked up where the role may leave that out (superusers, or by a grant).
UNASKED = """
SELECT set_config('session_replication_role', 'replica', false)
WHERE has_parameter_privilege(current_user, 'session_replication_role', 'SET')
"""

# (what drops it, when to build it, how): a unique constraint takes over an index built like all
# others, one that foreign keys point to stays. Autovacuum would read each table while it fills.
REBUILDABLE = """
WITH filled AS (
  SELECT oid, relname AS name FROM pg_class
  WHERE relname = ANY(%(tables)s) AND relnamespace = current_schema()::regnamespace
), pointed_at AS (SELECT conindid AS id FROM pg_constraint WHERE contype = 'f'),
uniqueness AS (
  SELECT filled.name AS table, conname AS name, conindid AS id
  FROM pg_constraint JOIN filled ON filled.oid = conrelid
  WHERE contype = 'u' AND NOT condeferrable AND conindid NOT IN (SELECT id FROM pointed_at)
)
SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', u.table, name), 2,
       format('ALTER TABLE %%I ADD CONSTRAINT %%I UNIQUE USING INDEX %%I', u.table, name, name)
FROM uniqueness u
UNION ALL
SELECT '', 1, pg_get_indexdef(id) FROM uniqueness
UNION ALL
SELECT format('DROP INDEX %%I', i.relname), 1, pg_get_indexdef(i.oid)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN filled ON filled.oid = x.indrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
UNION ALL
SELECT format('ALTER TABLE %%I SET (autovacuum_enabled = off)', name), 2,
       format('ALTER TABLE %%I RESET (autovacuum_enabled)', name)
FROM filled
"""


def note_and_drop() -> None:
    """Write down how to build everything again, then drop it, in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {NOTEBOOK} (id serial, phase int NOT NULL, ddl text)"
        )
        cursor.execute(REBUILDABLE, {"tables": list(TABLES)})
        found = cursor.fetchall()
        cursor.execute("BEGIN")
        for drop, phase, ddl in found:
            cursor.execute(f"INSERT INTO {NOTEBOOK} (phase, ddl) VALUES (%s, %s)", [phase, ddl])
            if drop:
                cursor.execute(drop)
        cursor.execute("COMMIT")


def finish_interrupted() -> None:
    """Build what the notebook lists: indexes side by side, then what takes them over."""
    if not column(f"SELECT 1 WHERE to_regclass('{NOTEBOOK}') IS NOT NULL"):
        return
    in_parallel(rebuild, sorted(noted(INDEX), key=lambda ddl: " USING gin " not in ddl))
    for ddl in noted(CONSTRAINT):
        rebuild(ddl)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {NOTEBOOK}")


def noted(phase: int) -> list[str]:
    return column(f"SELECT ddl FROM {NOTEBOOK} WHERE phase = {phase} ORDER BY id")


def rebuild(ddl: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET jit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
        cursor.execute("SET max_parallel_maintenance_workers = 0; SET synchronous_commit = off")
        cursor.execute("BEGIN")
        cursor.execute(ddl)
        cursor.execute(f"DELETE FROM {NOTEBOOK} WHERE ddl = %s", [ddl])
        cursor.execute("COMMIT")


# Small queries ----------------------------------------------------------------------------------


def max_id(table: str) -> int:
    return int(column(f"SELECT coalesce(max(id), 0) FROM {table}")[0])


def column(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def move_sequences(parameters: dict[str, Any], leads: int) -> None:
    """Rows with given ids must not meet the next ones people make."""
    for table in ("leads_company", "leads_lead", "pipeline_salescycle"):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, max_id(table)]
            )
