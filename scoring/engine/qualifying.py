"""Who is marketing-, sales- or product-qualified now, on the scores just written."""

# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from leads import conditions
from scoring.engine.fragments import Fragment, template
from scoring.engine.scopes import LIVE, Scope
from scoring.models import ModelVersion

SCORES = ("score", "fit", "engagement", "bant")


@dataclass(frozen=True, slots=True)
class Qualified:
    lead_id: int
    kind: str
    score: int


def qualify(version: ModelVersion, *, scope: Scope, at: datetime) -> list[Qualified]:
    """Open and close qualifications; return those that opened, in the order leads pass them."""
    entered: list[Qualified] = []
    for kind, condition in version.qualifications.items():
        _leave(version, kind, condition, scope, at)
        entered += _enter(version, kind, condition, scope, at)
    return entered


def _enter(
    version: ModelVersion, kind: str, condition: Any, scope: Scope, at: datetime
) -> list[Qualified]:
    holds = conditions.compile(condition, at=at)
    moment = conditions.moment_sql(at)
    query = template(
        "INSERT INTO scoring_qualification (lead_id, kind, version_id, entered_at, proof) "
        f"SELECT lead.id, '{kind}', {version.pk:d}, {moment}, jsonb_build_object("
        "'score', score.score, 'fit', score.fit, 'engagement', score.engagement, "
        f"'bant', score.bant, 'temperature', score.temperature, 'version', {version.number:d}) "
        f"FROM {conditions.LEADS} WHERE {{}} AND {LIVE} AND {{}} "
        "AND NOT EXISTS (SELECT 1 FROM scoring_qualification q "
        f"WHERE q.lead_id = lead.id AND q.kind = '{kind}' AND q.left_at IS NULL) "
        "ON CONFLICT (lead_id, kind) WHERE left_at IS NULL DO NOTHING "
        "RETURNING lead_id, kind, (proof->>'score')::int",
        scope.holds("lead.id"),
        Fragment(holds.sql, holds.params),
    )
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        return [Qualified(*row) for row in sorted(cursor.fetchall())]


def _leave(version: ModelVersion, kind: str, condition: Any, scope: Scope, at: datetime) -> None:
    """Who qualified stays so until a few points below, as with temperatures."""
    slack = {name: f"(score.{name} + {version.hysteresis:d})" for name in SCORES}
    holds = conditions.compile(condition, at=at, columns=slack)
    query = template(
        f"UPDATE scoring_qualification q SET left_at = {conditions.moment_sql(at)} "
        f"FROM {conditions.LEADS} WHERE {{}} AND q.lead_id = lead.id "
        f"AND q.kind = '{kind}' AND q.left_at IS NULL AND NOT {{}}",
        scope.holds("q.lead_id"),
        Fragment(holds.sql, holds.params),
    )
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
