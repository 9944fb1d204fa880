"""Tests of one field as SQL."""

from datetime import datetime
from typing import Any

from leads.conditions.operators import NEGATED, ORDERED
from leads.conditions.sql.base import Context, Params, Predicate
from leads.conditions.tree import Day, FieldTest
from leads.conditions.types import Type

DECIMAL = r"^\s*[-+]?[0-9]{1,15}([.][0-9]{1,15})?\s*$"
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "is": "="}
PARTS = {
    "contains": "position(lower(%s) IN lower({0})) > 0",
    "starts_with": "starts_with(lower({0}), lower(%s))",
    "ends_with": "right(lower({0}), length(lower(%s))) = lower(%s)",
}


def field_predicate(test: FieldTest, context: Context) -> Predicate:
    """A test of one field; also of an activity's property, whose SQL speaks of `a`."""
    negated = NEGATED.get(test.op)
    if negated:
        inner = field_predicate(FieldTest(test.field, negated, test.value), context)
        return Predicate(f"(NOT {inner.sql})", inner.params, inner.changes)
    override = context.columns.get(test.field.key)
    sql = override or context.at(test.field.sql)
    own = () if override else test.field.params
    raw = _raw_test(test, sql, own, context)
    changes = () if override else tuple(Predicate(context.at(c)) for c in test.field.changes)
    return Predicate(f"COALESCE({raw.sql}, false)", raw.params, (*raw.changes, *changes))


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
    parts: list[str] = []
    params: list[Any] = []
    for value in test.value:
        parts.append(PARTS[test.op].format(sql))
        around = {"contains": (value, *own), "ends_with": (*own, value, value)}
        params += around.get(test.op, (*own, value))
    return Predicate(f"({' OR '.join(parts)})", tuple(params))


def _custom(test: FieldTest, sql: str, own: Params) -> Predicate:
    if test.op not in ORDERED:
        return _text(test, sql, own)
    return _exact(test, number_sql(sql), (*own, *own))


def number_sql(sql: str) -> str:
    """Text as a number where it is one; its own parameters are needed twice."""
    return f"(CASE WHEN {sql} ~ '{DECIMAL}' THEN {sql}::numeric END)"


# Dates --------------------------------------------------------------------------------------------


def _date(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    if test.op == "in_next_days":
        return _upcoming(test, sql, own, context)
    if test.op in ("within_days", "older_than_days"):
        return _relative(test, sql, own, context)
    if test.op == "between":
        low, high = test.value
        return Predicate(
            f"({sql} >= %s AND {sql} {until(high)} %s)", (*own, first(low), *own, last(high))
        )
    if test.op in ("gt", "lte"):
        sign = {"gt": ">=" if isinstance(test.value, Day) else ">", "lte": until(test.value)}
        return Predicate(f"({sql} {sign[test.op]} %s)", (*own, last(test.value)))
    return Predicate(f"({sql} {COMPARISONS[test.op]} %s)", (*own, first(test.value)))


def first(value: datetime | Day) -> datetime:
    return value.start if isinstance(value, Day) else value


def last(value: datetime | Day) -> datetime:
    return value.end if isinstance(value, Day) else value


def until(value: datetime | Day) -> str:
    return "<" if isinstance(value, Day) else "<="


def _relative(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    border = f"({context.moment} - interval '{test.value} days')"
    shifted = Predicate(f"({sql} + interval '{test.value} days')", own)
    if test.op == "older_than_days":
        return Predicate(f"({sql} <= {border})", own, (shifted,))
    within = f"({sql} > {border} AND {sql} <= {context.moment})"
    return Predicate(within, (*own, *own), (shifted, Predicate(sql, own)))


def _upcoming(test: FieldTest, sql: str, own: Params, context: Context) -> Predicate:
    """From now on, today's day included: a date stands at its midnight."""
    start = f"date_trunc('day', {context.moment}, 'UTC')"
    span = f"interval '{test.value} days'"
    midnight = f"date_trunc('day', {sql} + interval '1 day', 'UTC')"
    return Predicate(
        f"({sql} >= {start} AND {sql} <= {context.moment} + {span})",
        (*own, *own),
        (Predicate(f"({sql} - {span})", own), Predicate(midnight, own)),
    )
