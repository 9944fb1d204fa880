"""Many leads at once: to see what a query, a page or a scoring rule costs at a million.

Everything is made inside PostgreSQL from the number of the row and the seed, so the same call makes
the same data. A few sessions work side by side on tables without indexes, which is several times
faster than keeping them. Foreign keys stay: every id written here is one that was read or made
here, so where the role may say so the sessions leave out asking for each of them once more.

`OFFSET 0` in the statements keeps PostgreSQL from merging a sub-select into the outer one, where
each mention of a column would compute its random number anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from leadcrm.demo import names
from leadcrm.demo.rebuilding import column, finish_interrupted, in_parallel, note_and_drop
from leadcrm.demo.story import slug
from leadcrm.lib import pump
from leads.models import Stage

RANGE = 25_000
PEOPLE = 4_999  # different names
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


# Foreign keys are not looked up where the role may leave that out (superusers, or by a grant).
UNASKED = """
SELECT set_config('session_replication_role', 'replica', false)
WHERE has_parameter_privilege(current_user, 'session_replication_role', 'SET')
"""

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
         country, city, language, time_zone, industry, company_size, source_id, lifecycle, status,
         stage_id, stage_entered_at, owner_id, response_started_at, response_due_at, responded_at,
         created_at, updated_at)
      SELECT id, 'g' || lpad(to_hex(id), 7, '0') || substr(md5(id::text || %(seed)s), 1, 4),
        first, last, email,
        CASE WHEN r < .6 THEN '+3110' || 1000000 + id %% 9000000 ELSE '' END,
        pg_temp.pick(%(titles)s, i, 21),
        pg_temp.pick(%(companies)s, i / 8 + 1, 11) || ' ' || i / 8 + 1, company_id,
        pg_temp.pick(%(countries)s, i, 14), pg_temp.pick(%(cities)s, i, 15), 'en',
        'Europe/Amsterdam', pg_temp.pick(%(industries)s, i, 12),
        10 + floor(1000 * pg_temp.rnd(i, 13)), source_id,
        (ARRAY['lead', 'lead', 'mql', 'sql', 'opportunity', 'customer'])[depth + 1],
        CASE WHEN lost THEN 'lost'
             ELSE (ARRAY['new', 'attempting', 'connected', 'qualified', 'qualified', 'won'])
               [depth + 1] END,
        stage_id, CASE WHEN lost THEN closed ELSE arrived[depth + 1] END, owner_id,
        born, born + interval '1 hour', answered, born, born
      FROM life
    """,
    """
      INSERT INTO leads_leadscore (lead_id, last_activity_at, last_activity_type)
      SELECT id, born, 'page_view' FROM life
    """,
    """
      INSERT INTO leads_leadidentifier (lead_id, kind, value, created_at)
      SELECT id, 'email', email, %(now)s FROM life
    """,
    """
      INSERT INTO leads_inquiry (lead_id, source_id, received_at)
      SELECT id, source_id, born FROM life
    """,
    """
      INSERT INTO leads_touch (lead_id, channel, landing_page, occurred_at)
      SELECT id, pg_temp.pick(%(channels)s, i, 31), '/', born FROM life
    """,
    """
      INSERT INTO leads_consent (lead_id, purpose, granted, basis, source, at)
      SELECT id, 'marketing_email', true, 'consent', 'generated', born
      FROM life WHERE r < .8
    """,
    """
      INSERT INTO leads_activity (lead_id, type, occurred_at, received_at, properties)
      SELECT id, pg_temp.pick(%(types)s, i * 64 + n, 41), at, at, '{"url": "/"}'
      FROM (SELECT id, i, n, born + (%(now)s::timestamptz - born)
          * pow(pg_temp.rnd(i * 64 + n, 42), 2) AS at
        FROM life, generate_series(1, %(per_lead)s) AS n OFFSET 0) AS moment
    """,
    """
      INSERT INTO pipeline_salescycle
        (id, lead_id, number, pipeline_id, source_id, opened_at, received_at, first_response_at,
         first_response_by_id, furthest_id, mql_at, sql_at, closed_at, outcome, lost_reason,
         owner_at_close_id)
      SELECT cycle_id, id, 1, %(pipeline)s, source_id, born, born, answered,
        CASE WHEN depth > 0 THEN owner_id END, (%(stages)s::bigint[])[depth + 1],
        CASE WHEN depth > 1 THEN arrived[3] END, CASE WHEN depth > 2 THEN arrived[4] END,
        CASE WHEN depth = 5 THEN arrived[6] WHEN lost THEN closed END,
        CASE WHEN depth = 5 THEN 'won' WHEN lost THEN 'lost' ELSE '' END,
        CASE WHEN lost THEN (ARRAY['no_response', 'no_budget', 'timing', 'competitor', 'price'])
               [1 + (i %% 5)] ELSE '' END,
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
         first_response_at, stopped_by_id, wall_seconds, working_seconds, cancelled_at, due_at)
      SELECT cycle_id, id, 60, false, born, born + interval '1 hour', answered,
        CASE WHEN depth > 0 THEN owner_id END,
        date_part('epoch', answered - born), date_part('epoch', answered - born),
        CASE WHEN depth = 0 AND lost THEN closed END, NULL
      FROM life
    """,
    """
      INSERT INTO pipeline_assignment
        (lead_id, cycle_id, owner_id, from_at, accepted_at, cause)
      SELECT id, cycle_id, owner_id, born, born, 'routed' FROM life
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
    with pump.at_rest():  # its queries would read whole tables where an index is missing
        note_and_drop(list(TABLES))
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


def max_id(table: str) -> int:
    return int(column(f"SELECT coalesce(max(id), 0) FROM {table}")[0])


def move_sequences(parameters: dict[str, Any], leads: int) -> None:
    """Rows with given ids must not meet the next ones people make."""
    for table in ("leads_company", "leads_lead", "pipeline_salescycle"):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, max_id(table)]
            )
