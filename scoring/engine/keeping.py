"""Scores of versions that pages do not show (yet): keeping them up to date, and switching over."""

# ruff: noqa: S608  (which rows are meant comes from the scopes and from numbers)

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from leads import conditions
from scoring.engine.fragments import Fragment, template
from scoring.engine.running import RESULT, Outcome, ledger_sql, outcome_of, write_sql
from scoring.engine.scopes import Scope
from scoring.engine.statement import compile_version, temperature_sql
from scoring.models import Cause, ModelVersion, Rule

VALUES = "score, fit, engagement, bant, grade"
# What there is to keep of a lead without a row: something to show, or a moment to wait for.
WORTH_A_ROW = "n.score <> 0 OR n.next_at IS NOT NULL"
# When the picture was taken, whatever moment it is a picture of.
PICTURED = conditions.moment_sql(None)
DIFFERS = (
    "s.computed_at IS NULL OR (s.score, s.fit, s.engagement, s.bant, s.grade) "
    "IS DISTINCT FROM (n.score, n.fit, n.engagement, n.bant, n.grade) "
    "OR (n.next_at IS NOT NULL AND (s.next_change_at IS NULL "
    "OR n.next_at < s.next_change_at - interval '1 min'))"
)


def keep(
    version: ModelVersion,
    rules: Sequence[Rule],
    *,
    scope: Scope,
    at: datetime | None,
    everyone: bool = False,
) -> int:
    """Keep the scores of a version beside those that are shown; return how many were written.

    A version that is to take the place of another keeps only what will then be different. Of two
    workers the one with the newer picture wins, whichever writes last; that takes a row, so those
    who know that a lead changed write one for it in any case (`everyone`).
    """
    statement = compile_version(version, rules, scope=scope, at=at)
    new = DIFFERS if version.model.is_default else WORTH_A_ROW
    worth = f"CASE WHEN o.id IS NOT NULL THEN {_moved(statement.moment)} ELSE {new} END"
    sql = statement.select(
        f"INSERT INTO scoring_versionscore AS v "
        f"(version_id, lead_id, {VALUES}, computed_at, next_change_at) "
        f"SELECT {version.pk:d}, n.id, n.score, n.fit, n.engagement, n.bant, n.grade, "
        f"{PICTURED}, n.next_at FROM scored n "
        "JOIN leads_leadscore s ON s.lead_id = n.id "
        f"LEFT JOIN scoring_versionscore o ON o.version_id = {version.pk:d} AND o.lead_id = n.id "
        f"WHERE {'true' if everyone else worth} ORDER BY n.id "
        "ON CONFLICT (version_id, lead_id) DO UPDATE SET "
        "score = excluded.score, fit = excluded.fit, engagement = excluded.engagement, "
        "bant = excluded.bant, grade = excluded.grade, computed_at = excluded.computed_at, "
        "next_change_at = excluded.next_change_at WHERE v.computed_at <= excluded.computed_at"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.sql, sql.params)
        return int(cursor.rowcount)


def _moved(moment: str) -> str:
    return (
        "(o.score, o.fit, o.engagement, o.bant, o.grade) "
        "IS DISTINCT FROM (n.score, n.fit, n.engagement, n.bant, n.grade) "
        f"OR NOT COALESCE(o.next_change_at > {moment} "
        "AND COALESCE(n.next_at >= o.next_change_at - interval '1 min', true), "
        "o.next_change_at IS NULL AND n.next_at IS NULL)"
    )


def switch(version: ModelVersion, *, scope: Scope, at: datetime | None) -> Outcome:
    """Put the kept scores in the place of those that are shown; the rows are used up by it.

    The caller holds the locks of the score rows.
    """
    moment = conditions.moment_sql(at)
    source = template(
        "WITH kept AS MATERIALIZED (DELETE FROM scoring_versionscore v "
        f"WHERE v.version_id = {version.pk:d} AND {{}} RETURNING v.*), "
        "batch AS (SELECT lead_id AS id FROM kept), "
        "scored AS MATERIALIZED (SELECT both_scores.*, "
        f"{temperature_sql(version)} AS temperature FROM (SELECT k.lead_id AS id, k.score, k.fit, "
        "k.engagement, k.bant, k.grade, k.next_change_at AS next_at, s.score AS old_score, "
        "s.temperature AS old_temperature FROM kept k "
        "JOIN leads_leadscore s ON s.lead_id = k.lead_id) AS both_scores)",
        scope.holds("v.lead_id"),
    )
    sql = f"{source.sql} {write_sql(moment)} {ledger_sql(version, moment, Cause.PUBLISH)} {RESULT}"
    return outcome_of(Fragment(sql, source.params))


def forget(version: ModelVersion, *, scope: Scope) -> None:
    """What was kept of these leads is older than what is shown now."""
    holds = scope.holds("lead_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM scoring_versionscore WHERE version_id = {version.pk:d} AND {holds.sql}",
            holds.params,
        )


def sweep(*, limit: int) -> int:
    """Delete what is kept of versions that nobody waits for any more; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM scoring_versionscore WHERE id IN (SELECT v.id FROM scoring_modelversion m "
            "CROSS JOIN LATERAL (SELECT id FROM scoring_versionscore WHERE version_id = m.id "
            "LIMIT %s) AS v WHERE m.state = 'retired' LIMIT %s)",
            [limit, limit],
        )
        return int(cursor.rowcount)
