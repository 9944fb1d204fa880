# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)
"""Conditions as SQL over the aliases `lead` and `score`. Values are always bound parameters.

Every test is wrapped so that an unknown value makes it false, never NULL: `not` then means what
people expect of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from leadcrm.lib.errors import Invalid
from leads.conditions.parsing import parse
from leads.conditions.tree import (
    ActivityTest,
    Day,
    FieldTest,
    Group,
    Node,
    Not,
    SegmentTest,
    TagTest,
)
from leads.conditions.types import Type

LEADS = "leads_lead lead JOIN leads_leadscore score ON score.lead_id = lead.id"
# What machines do in somebody's name counts for nothing, but a bounce is always a machine's word.
COUNTED = "(a.klass = 'human' OR a.type IN ('email_bounce', 'email_complaint'))"
DECIMAL = r"^\s*[-+]?[0-9]{1,15}([.][0-9]{1,15})?\s*$"
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "is": "="}

# Not now(): what the same transaction wrote a moment ago lies behind it, not before it.
PRESENT = "statement_timestamp()"

Params = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Predicate:
    """`changes`: expressions for the moments at which the passing of time alone may change it."""

    sql: str
    params: Params = ()
    changes: "tuple[Predicate, ...]" = ()


NOBODY = Predicate("false")


@dataclass(frozen=True, slots=True)
class Context:
    """`moment` is SQL; `columns` replaces the SQL of fields that a statement has at hand."""

    moment: str = PRESENT
    columns: Mapping[str, str] = field(default_factory=dict)


def compile(
    tree: Any, *, at: datetime | None = None, columns: Mapping[str, str] | None = None
) -> Predicate:
    """The condition as a boolean expression.

    A condition that is broken, say because its field was deleted, matches nobody.

    :param at: the moment that days count back from; the database's present if left out.
    """
    try:
        node = parse(tree)
    except Invalid:
        return NOBODY
    return compile_node(node, Context(moment_sql(at), columns or {}))


def moment_sql(at: datetime | None) -> str:
    return PRESENT if at is None else f"TIMESTAMPTZ '{at.isoformat()}'"


def matches(tree: Any, lead_ids: Iterable[int]) -> set[int]:
    """Which of these leads meet the condition now."""
    predicate = compile(tree)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT lead.id FROM {LEADS} WHERE lead.id = ANY(%s) AND {predicate.sql}",
            [list(lead_ids), *predicate.params],
        )
        return {row[0] for row in cursor.fetchall()}


def lead_ids(tree: Any) -> RawSQL:
    """For querysets: `Lead.objects.visible_to(user).filter(pk__in=lead_ids(tree))`."""
    predicate = compile(tree)
    return RawSQL(f"SELECT lead.id FROM {LEADS} WHERE {predicate.sql}", predicate.params)  # noqa: S611


def compile_node(node: Node, context: Context) -> Predicate:
    match node:
        case Group():
            return _group(node, context)
        case Not():
            inner = compile_node(node.child, context)
            return Predicate(f"(NOT {inner.sql})", inner.params, inner.changes)
        case FieldTest():
            return field_predicate(node, context)
        case ActivityTest():
            return activity_predicate(node, context)
        case TagTest():
            return Predicate(
                "EXISTS (SELECT 1 FROM leads_leadtag lt JOIN leads_tag tag ON tag.id = lt.tag_id "
                "WHERE lt.lead_id = lead.id AND lower(tag.name) = lower(%s))",
                (node.name,),
            )
        case SegmentTest():
            return Predicate(
                "EXISTS (SELECT 1 FROM leads_segmentmembership m "
                "JOIN leads_segment g ON g.id = m.segment_id WHERE m.lead_id = lead.id "
                "AND m.left_at IS NULL AND g.public_id = %s AND g.archived_at IS NULL)",
                (node.public_id,),
            )


def _group(node: Group, context: Context) -> Predicate:
    if not node.children:
        return Predicate("true" if node.every else "false")
    children = [compile_node(child, context) for child in node.children]
    return Predicate(
        f"({(' AND ' if node.every else ' OR ').join(child.sql for child in children)})",
        tuple(value for child in children for value in child.params),
        tuple(change for child in children for change in child.changes),
    )


# Fields -------------------------------------------------------------------------------------------


def field_predicate(test: FieldTest, context: Context) -> Predicate:
    """A test of one field; also of an activity's property, whose SQL speaks of `a`."""
    negated = {"is_not": "is", "not_in": "in", "is_not_set": "is_set"}.get(test.op)
    if negated:
        inner = field_predicate(FieldTest(test.field, negated, test.value), context)
        return Predicate(f"(NOT {inner.sql})", inner.params, inner.changes)
    override = context.columns.get(test.field.key)
    sql = override or test.field.sql
    own = () if override else test.field.params
    raw = _raw_test(test, sql, own, context)
    return Predicate(f"COALESCE({raw.sql}, false)", raw.params, raw.changes)


def _raw_test(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    if test.op == "is_set":
        return _is_set(test, sql, own)
    match test.field.type:
        case Type.TEXT:
            return _text(test, sql, own)
        case Type.CUSTOM:
            return _custom(test, sql, own)
        case Type.DATE:
            return _date(test, sql, own, context)
        case Type.SEVERAL:
            return _several(test, sql, own)
        case _:
            return _exact(test, sql, own)


def _is_set(test: FieldTest, sql: str, own: Params) -> Predicate:
    if test.field.type is Type.SEVERAL:
        return Predicate(f"({sql} NOT IN ('[]', 'null'))", own)
    if test.field.type in (Type.TEXT, Type.CUSTOM, Type.CHOICE):
        return Predicate(f"({sql} <> '')", own)
    return Predicate(f"({sql} IS NOT NULL)", own)


def _exact(test: FieldTest, sql: str, own: Params) -> Predicate:
    if test.op == "in":
        return Predicate(f"({sql} = ANY(%s))", (*own, list(test.value)))
    if test.op == "between":
        return Predicate(f"({sql} BETWEEN %s AND %s)", (*own, *test.value))
    return Predicate(f"({sql} {COMPARISONS[test.op]} %s)", (*own, test.value))


def _several(test: FieldTest, sql: str, own: Params) -> Predicate:
    """Whether any of the options is among those chosen."""
    wanted = [test.value] if test.op == "is" else list(test.value)
    return Predicate(f"jsonb_exists_any({sql}, %s::text[])", (*own, wanted))


def _text(test: FieldTest, sql: str, own: Params) -> Predicate:
    """Text compares without regard to case."""
    if test.op == "is":
        return Predicate(f"(lower({sql}) = lower(%s))", (*own, test.value))
    if test.op == "in":
        # The database lowers the list too: it and Python disagree about some letters.
        return Predicate(
            f"(lower({sql}) = ANY(lower(%s::text[]::text)::text[]))", (*own, list(test.value))
        )
    function = "position(lower(%s) IN lower({0})) > 0"
    if test.op == "starts_with":
        function = "starts_with(lower({1}), lower(%s))"
    parts: list[str] = []
    params: list[Any] = []
    for value in test.value:
        parts.append(function.format(sql, sql))
        params += [*own, value] if test.op == "starts_with" else [value, *own]
    return Predicate(f"({' OR '.join(parts)})", tuple(params))


def _custom(test: FieldTest, sql: str, own: Params) -> Predicate:
    if test.op not in ("gt", "gte", "lt", "lte", "between"):
        return _text(test, sql, own)
    number = f"(CASE WHEN {sql} ~ '{DECIMAL}' THEN {sql}::numeric END)"
    return _exact(test, number, (*own, *own))


def _date(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    if test.op == "in_next_days":
        return _upcoming(test, sql, own, context)
    if test.op in ("within_days", "older_than_days"):
        return _relative(test, sql, own, context)
    if test.op == "between":
        low, high = test.value
        return Predicate(
            f"({sql} >= %s AND {sql} {_until(high)} %s)", (*own, _first(low), *own, _last(high))
        )
    if test.op in ("gt", "lte"):
        sign = {"gt": ">=" if isinstance(test.value, Day) else ">", "lte": _until(test.value)}
        return Predicate(f"({sql} {sign[test.op]} %s)", (*own, _last(test.value)))
    return Predicate(f"({sql} {COMPARISONS[test.op]} %s)", (*own, _first(test.value)))


def _first(value: datetime | Day) -> datetime:
    return value.start if isinstance(value, Day) else value


def _last(value: datetime | Day) -> datetime:
    return value.end if isinstance(value, Day) else value


def _until(value: datetime | Day) -> str:
    return "<" if isinstance(value, Day) else "<="


def _relative(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    border = f"({context.moment} - interval '{test.value} days')"
    test_sql = (
        f"({sql} > {border} AND {sql} <= {context.moment})"
        if test.op == "within_days"
        else f"({sql} <= {border})"
    )
    params = own * test_sql.count(sql)
    changes = (Predicate(f"({sql} + interval '{test.value} days')", own), Predicate(sql, own))
    return Predicate(test_sql, params, changes)


def _upcoming(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    """From now on, today's day included: a date stands at its midnight."""
    start = f"date_trunc('day', {context.moment}, 'UTC')"
    span = f"interval '{test.value} days'"
    return Predicate(
        f"({sql} >= {start} AND {sql} <= {context.moment} + {span})",
        (*own, *own),
        (Predicate(f"({sql} - {span})", own), Predicate(f"({sql} + interval '1 day')", own)),
    )


# Activities ---------------------------------------------------------------------------------------


def compile_where(where: Iterable[FieldTest]) -> Predicate:
    """Tests of the properties of the activity `a`, all of which must hold."""
    tests = [field_predicate(test, Context()) for test in where]
    return Predicate(
        " AND ".join(test.sql for test in tests) or "true",
        tuple(value for test in tests for value in test.params),
    )


def activity_rows(test: ActivityTest, context: Context) -> Predicate:
    """FROM and WHERE for the matching activities of `lead`."""
    where = compile_where(test.where)
    since = (
        f"AND a.occurred_at > {context.moment} - interval '{test.within_days} days' "
        if test.within_days
        else ""
    )
    return Predicate(
        f"FROM leads_activity a WHERE a.lead_id = lead.id AND a.type = %s AND {COUNTED} "
        f"AND a.occurred_at <= {context.moment} {since}AND {where.sql}",
        (test.type, *where.params),
    )


def activity_predicate(test: ActivityTest, context: Context) -> Predicate:
    rows = activity_rows(test, context)
    sql, params = _counted(test, rows)
    changes: tuple[Predicate, ...] = ()
    if test.within_days:
        leaves = f"(SELECT min(a.occurred_at) + interval '{test.within_days} days' {rows.sql})"
        changes = (Predicate(leaves, rows.params),)
    return Predicate(sql, params, changes)


def _counted(test: ActivityTest, rows: Predicate) -> tuple[str, Params]:
    least, most = test.at_least or 0, test.at_most
    if most is None and least <= 1:
        return (f"EXISTS (SELECT 1 {rows.sql})", rows.params) if least else ("true", ())
    # Counting stops as soon as the answer is known.
    enough = max(least, most + 1 if most is not None else 0)
    count = f"(SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT {enough}) AS found)"
    upper = f"AND {least} <= {count} AND {count} <= {most}" if most is not None else ""
    if upper:
        return f"({upper.removeprefix('AND ')})", (*rows.params, *rows.params)
    return f"({count} >= {least})", rows.params
