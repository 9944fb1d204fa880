"""What if: a lead with answers and activities that it does not have.

Tables of the same name stand before the statement and hide the real ones, so that rules and
conditions run unchanged and mean what they always mean. Nothing is written.
"""

# ruff: noqa: S608  (SQL comes from the catalogue and from constants; values are bound)

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from leadcrm.lib.errors import NotFound
from leads import conditions
from scoring.engine import Ids, compile_version
from scoring.engine.fragments import Fragment, joined, template
from scoring.models import ModelVersion, Rule

EVERYBODY: dict[str, list[Any]] = {"all": []}
SCORED = {
    name: f"scored.{name}"
    for name in ("score", "fit", "engagement", "bant", "temperature", "grade")
}


@dataclass(frozen=True, slots=True)
class Deed:
    """An activity that has not happened."""

    type: str
    properties: Mapping[str, Any]
    category: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """`answers`: criterion → level. `holding`: rules about what a lead is that now hold."""

    answers: tuple[tuple[str, str], ...] = ()
    deeds: tuple[Deed, ...] = ()
    holding: frozenset[str] = frozenset()

    def __or__(self, other: "World") -> "World":
        return World(
            tuple({**dict(self.answers), **dict(other.answers)}.items()),
            self.deeds + other.deeds,
            self.holding | other.holding,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    score: int
    holds: bool


def look(
    version: ModelVersion,
    rules: Sequence[Rule],
    world: World,
    *,
    lead_id: int,
    condition: Any,
    at: datetime,
) -> Outcome:
    """The score in that world, and whether the condition would hold there.

    :raises NotFound: there is no such lead any more.
    """
    supposed = [_supposed(rule, world) for rule in rules if rule.enabled]
    columns = {"last_activity_at": conditions.moment_sql(at)} if world.deeds else {}
    statement = compile_version(
        version, supposed, scope=Ids([lead_id]), at=at, forecast=False, columns=columns
    )
    holds = conditions.compile(condition, at=at, columns={**SCORED, **columns})
    tail = (
        f"SELECT scored.score, {holds.sql} FROM scored JOIN leads_lead lead "
        "ON lead.id = scored.id JOIN leads_leadscore score ON score.lead_id = lead.id"
    )
    ctes = joined(", ", [_answers(lead_id, world, at), _activities(lead_id, world, at)])
    query = statement.select(tail, holds.params)
    sql = f"WITH {ctes.sql}, {query.sql.removeprefix('WITH ')}"
    with connection.cursor() as cursor:
        cursor.execute(sql, (*ctes.params, *query.params))
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return Outcome(*row)


def _supposed(rule: Rule, world: World) -> Rule:
    if str(rule.uid) not in world.holding:
        return rule
    copy = Rule(**{f.attname: getattr(rule, f.attname) for f in Rule._meta.concrete_fields})
    copy.condition = EVERYBODY
    return copy


def _answers(lead_id: int, world: World, at: datetime) -> Fragment:
    """The lead's answers, with those of the world in the place of the present ones."""
    rows = [(key, level) for key, level in world.answers]
    return Fragment(
        "scoring_bantanswer AS (SELECT lead_id, dimension, level, at, superseded_at "
        "FROM scoring_bantanswer WHERE lead_id = %s AND NOT dimension = ANY(%s::text[]) "
        "UNION ALL SELECT %s::bigint, x.dimension, x.level, %s::timestamptz, NULL::timestamptz "
        "FROM unnest(%s::text[], %s::text[]) AS x (dimension, level))",
        (
            lead_id,
            [key for key, _ in rows],
            lead_id,
            at,
            [key for key, _ in rows],
            [level for _, level in rows],
        ),
    )


def _activities(lead_id: int, world: World, at: datetime) -> Fragment:
    columns = "type, occurred_at, properties, category, klass"
    return template(
        f"leads_activity AS (SELECT id, lead_id, {columns} FROM leads_activity WHERE lead_id = {{}}"
        " UNION ALL SELECT NULL::bigint, {}, x.type, {}, x.properties::jsonb, x.category, 'human' "
        "FROM unnest({}, {}, {}) AS x (type, properties, category))",
        Fragment("%s", (lead_id,)),
        Fragment("%s::bigint", (lead_id,)),
        Fragment("%s::timestamptz", (at,)),
        Fragment("%s::text[]", ([deed.type for deed in world.deeds],)),
        Fragment("%s::text[]", ([json.dumps(dict(deed.properties)) for deed in world.deeds],)),
        Fragment("%s::text[]", ([deed.category for deed in world.deeds],)),
    )


def deed_for(rule: Rule, number: int, category: str = "") -> Deed | None:
    """An activity that the rule counts; None when its tests ask for more than can be made up."""
    properties: dict[str, Any] = {}
    for name, test in (rule.where or {}).items():
        value = _satisfying(test)
        if value is None:
            return None
        properties[name] = value
    if rule.counting == "amount":
        return None
    if rule.counting == "distinct":
        properties[rule.counted_by] = f"another {number}"
    return Deed(rule.activity_type, properties, "" if rule.any_category else category)


def _satisfying(test: Any) -> Any:
    if not isinstance(test, dict):
        return test
    for op in ("is", "contains", "starts_with", "gte", "lte"):
        if op in test:
            value = test[op]
            return value[0] if isinstance(value, list) and value else value
    if isinstance(test.get("in"), list) and test["in"]:
        return test["in"][0]
    if "gt" in test:
        return test["gt"] + 1
    return None
