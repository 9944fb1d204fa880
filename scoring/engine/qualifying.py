"""Who is marketing-, sales- or product-qualified now, on the scores just written."""

# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from leads import conditions
from scoring.engine.fragments import Fragment, joined, template
from scoring.engine.scopes import LIVE, Scope
from scoring.models import Cause, ModelVersion

SCORES = ("score", "fit", "engagement", "bant")


@dataclass(frozen=True, slots=True)
class Qualified:
    """A lead that qualifies now, or (`left`) no longer does."""

    lead_id: int
    kind: str
    score: int
    left: bool = False


def qualify(
    version: ModelVersion, *, scope: Scope, at: datetime | None, cause: str = Cause.CHANGE
) -> list[Qualified]:
    """Open and close qualifications; return them, what opened in the order leads pass it.

    A kind that the version does not know any more is left by everybody.
    """
    known = version.qualifications
    found = [row for kind in ("mql", "sql", "pql") for row in _leave(version, kind, scope, at)]
    for kind, condition in known.items():
        found += _enter(version, kind, condition, scope, at, cause)
    return found


def _enter(
    version: ModelVersion, kind: str, condition: Any, scope: Scope, at: datetime | None, cause: str
) -> list[Qualified]:
    holds, moment = conditions.compile(condition, at=at), conditions.moment_sql(at)
    # Who left by their own condition stays out while it holds, or they would come and go.
    gone = version.leavings.get(kind)
    stays_out = conditions.compile(gone, at=at) if gone is not None else conditions.NOBODY
    query = template(
        "INSERT INTO scoring_qualification "
        "(lead_id, kind, version_id, entered_at, cause, proof) "
        f"SELECT lead.id, '{kind}', {version.pk:d}, {moment}, '{cause}', {{}} "
        f"FROM {conditions.LEADS} WHERE {{}} AND {LIVE} AND {{}} AND NOT {{}} "
        "AND NOT EXISTS (SELECT 1 FROM scoring_qualification q "
        f"WHERE q.lead_id = lead.id AND q.kind = '{kind}' AND q.left_at IS NULL) "
        "ON CONFLICT (lead_id, kind) WHERE left_at IS NULL DO NOTHING "
        "RETURNING lead_id, kind, (proof->>'score')::int",
        _proof(version, condition, moment),
        scope.holds("lead.id"),
        Fragment(holds.sql, holds.params),
        Fragment(stays_out.sql, stays_out.params),
    )
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        return [Qualified(*row) for row in sorted(cursor.fetchall())]


def _proof(version: ModelVersion, condition: Any, moment: str) -> Fragment:
    """The scores, and of each part of the condition whether it held and what the lead had."""
    parts = conditions.parts(condition, moment=moment)
    facts = [
        template(
            "jsonb_build_object('holds', {}, 'actual', left({}, 500))",
            Fragment(part.holds.sql, part.holds.params),
            Fragment(part.actual.sql, part.actual.params),
        )
        for part in parts
    ]
    return template(
        "jsonb_build_object('score', score.score, 'fit', score.fit, 'engagement', "
        "score.engagement, 'bant', score.bant, 'temperature', score.temperature, 'version', "
        f"{version.number:d}, 'condition', {{}}, 'facts', jsonb_build_array({{}}))",
        Fragment("%s::jsonb", (json.dumps([part.text for part in parts]),)),
        joined(", ", facts),
    )


def _leave(version: ModelVersion, kind: str, scope: Scope, at: datetime | None) -> list[Qualified]:
    """Who qualified stays so until the condition to leave holds, or a few points below."""
    ends = _ends(version, kind, at)
    query = template(
        f"UPDATE scoring_qualification q SET left_at = {conditions.moment_sql(at)} "
        f"FROM {conditions.LEADS} WHERE {{}} AND q.lead_id = lead.id "
        f"AND q.kind = '{kind}' AND q.left_at IS NULL AND {{}} "
        "RETURNING q.lead_id, q.kind, score.score",
        scope.holds("q.lead_id"),
        ends,
    )
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        rows = sorted(cursor.fetchall())
        return [Qualified(lead, kind_, score, left=True) for lead, kind_, score in rows]


def _ends(version: ModelVersion, kind: str, at: datetime | None) -> Fragment:
    if kind not in version.qualifications:
        return Fragment("true")
    leaving = version.leavings.get(kind)
    if leaving is not None:
        predicate = conditions.compile(leaving, at=at)
        return Fragment(predicate.sql, predicate.params)
    slack = {name: f"(score.{name} + {version.hysteresis:d})" for name in SCORES}
    predicate = conditions.compile(version.qualifications[kind], at=at, columns=slack)
    return Fragment(f"NOT {predicate.sql}", predicate.params)
