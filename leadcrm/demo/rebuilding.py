"""Tables laid open for a bulk load, and put back as they were, also after a run that was killed.

Indexes and unique constraints are dropped, autovacuum rests, and columns get the defaults that
otherwise Python fills in. How to undo each of it stands in a table of its own until it is done.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.apps import apps
from django.db import connection, connections
from django.db.models import NOT_PROVIDED

SESSIONS = min(max(os.cpu_count() or 2, 2), 4)
NOTEBOOK = "demo_dropped"
INDEX, CONSTRAINT = 1, 2  # the order to build in

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


def defaults(tables: list[str]) -> Iterator[tuple[str, str, Any]]:
    """Table, column and value of what a model says of itself, so that statements need not."""
    for model in apps.get_models():
        table = model._meta.db_table
        for field in model._meta.local_concrete_fields if table in tables else ():
            made_anew = callable(field.default) and field.default not in (NOT_PROVIDED, dict, list)
            if field.null or field.primary_key or field.generated or made_anew:
                continue
            value = None if field.has_db_default() else field.get_default()
            if field.column and value is not None:
                yield table, field.column, field.get_db_prep_save(value, connection)


def note_and_drop(tables: list[str]) -> None:
    """Write down how to have everything as it was, then change it, in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {NOTEBOOK} (id serial, phase int NOT NULL, ddl text)"
        )
        cursor.execute(REBUILDABLE, {"tables": tables})
        found = cursor.fetchall()
        cursor.execute("BEGIN")
        for drop, phase, ddl in found:
            note(cursor, phase, ddl)
            if drop:
                cursor.execute(drop)
        for table, name, value in defaults(tables):
            change = f"ALTER TABLE {table} ALTER COLUMN {name} "
            note(cursor, CONSTRAINT, f"{change} DROP DEFAULT")
            cursor.execute(f"{change} SET DEFAULT %s", [value])
        cursor.execute("COMMIT")


def note(cursor: Any, phase: int, ddl: str) -> None:
    cursor.execute(f"INSERT INTO {NOTEBOOK} (phase, ddl) VALUES (%s, %s)", [phase, ddl])


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


def column(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]
