# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)
"""What somebody did, or how they came, as SQL: counts, different values, totals, moments."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from leads.conditions.happenings import TOUCH
from leads.conditions.operators import MOMENTS
from leads.conditions.sql.base import Context, Params, Predicate
from leads.conditions.sql.fields import field_predicate, first, last, number_sql, until
from leads.conditions.tree import FieldTest, Happening, Window
from leads.conditions.types import Field

# What machines do in somebody's name counts for nothing, but a bounce is always a machine's word.
COUNTED = "(a.klass = 'human' OR a.type IN ('email_bounce', 'email_complaint'))"


def compile_where(where: Iterable[FieldTest]) -> Predicate:
    """Tests of the properties of the activity `a`, all of which must hold."""
    tests = [field_predicate(test, Context()) for test in where]
    return Predicate(
        " AND ".join(test.sql for test in tests) or "true",
        tuple(value for test in tests for value in test.params),
    )


def happening_predicate(test: Happening, context: Context) -> Predicate:
    rows = rows_of(test, context)
    moments = _moments(test, context)
    if test.measure in MOMENTS:
        return _moment_test(test, rows, moments, context)
    if test.measure == "count":
        sql, params = _counted(test, rows)
    else:
        sql, params = _between(measured(test, rows), test)
    return Predicate(sql, params, moments)


def rows_of(test: Happening, context: Context) -> Predicate:
    """FROM and WHERE for what matches, of `lead`."""
    matching, window = _matching(test, context), _window(test.window, context)
    return Predicate(
        f"{matching.sql} AND a.occurred_at <= {context.moment}{window.sql}",
        (*matching.params, *window.params),
    )


def _matching(test: Happening, context: Context) -> Predicate:
    """The same whenever it happened."""
    where = compile_where(test.where)
    if test.source == TOUCH:
        rows = Predicate("FROM leads_touch a WHERE a.lead_id = lead.id")
    else:
        rows = Predicate(
            f"FROM leads_activity a WHERE a.lead_id = lead.id AND a.type = %s AND {COUNTED}",
            (test.type,),
        )
    return Predicate(f"{rows.sql} AND {where.sql}", (*rows.params, *where.params))


def _window(window: Window, context: Context) -> Predicate:
    sql, params = "", []
    if window.within_days is not None:
        sql += f" AND a.occurred_at > {context.moment} - interval '{window.within_days} days'"
    if window.older_than_days is not None:
        sql += f" AND a.occurred_at <= {context.moment} - interval '{window.older_than_days} days'"
    if window.since is not None:
        sql += " AND a.occurred_at >= %s"
        params.append(first(window.since))
    if window.until is not None:
        sql += f" AND a.occurred_at {until(window.until)} %s"
        params.append(last(window.until))
    return Predicate(sql, tuple(params))


def _moments(test: Happening, context: Context) -> tuple[Predicate, ...]:
    """When something that matches next starts to count, or stops to."""
    matching = _matching(test, context)
    borders = {0, test.window.within_days or 0, test.window.older_than_days or 0}
    return tuple(
        Predicate(
            f"(SELECT min(a.occurred_at) + interval '{days} days' {matching.sql} "
            f"AND a.occurred_at > {context.moment} - interval '{days} days')",
            matching.params,
        )
        for days in sorted(borders)
    )


def _counted(test: Happening, rows: Predicate) -> tuple[str, Params]:
    least, most = int(test.at_least or 0), test.at_most
    if most is None and least <= 1:
        return (f"EXISTS (SELECT 1 {rows.sql})", rows.params) if least else ("true", ())
    if most == 0:
        return f"NOT EXISTS (SELECT 1 {rows.sql})", rows.params
    # Counting stops as soon as the answer is known.
    enough = max(least, int(most) + 1 if most is not None else 0)
    count = f"(SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT {enough}) AS found)"
    if most is None:
        return f"({count} >= {least})", rows.params
    return f"({count} BETWEEN {least} AND {int(most)})", rows.params


def measured(test: Happening, rows: Predicate) -> Predicate:
    """The number itself, whole: how often, how many different, how much."""
    if test.of is None:
        return Predicate(f"(SELECT count(*) {rows.sql})", rows.params)
    if test.measure == "distinct":
        return Predicate(
            f"(SELECT count(DISTINCT lower({test.of.sql})) {rows.sql})",
            (*test.of.params, *rows.params),
        )
    return Predicate(
        f"(SELECT coalesce(sum({number_sql(test.of.sql)}), 0) {rows.sql})",
        (*test.of.params, *test.of.params, *rows.params),
    )


def _between(value: Predicate, test: Happening) -> tuple[str, Params]:
    if test.at_least is not None and test.at_most is not None:
        bounds: tuple[Any, ...] = (test.at_least, test.at_most)
        return f"({value.sql} BETWEEN %s AND %s)", (*value.params, *bounds)
    sign, bound = (">=", test.at_least) if test.at_most is None else ("<=", test.at_most)
    return f"({value.sql} {sign} %s)", (*value.params, bound)


def moment_of(test: Happening, rows: Predicate) -> Field:
    """When it was first or last, as a field whose date can be tested."""
    which = "min" if test.measure == "first" else "max"
    known = test.when.field if test.when else None
    if known is None:
        raise ValueError("Only what is first or last has a moment.")
    return replace(known, sql=f"(SELECT {which}(a.occurred_at) {rows.sql})", params=rows.params)


def _moment_test(
    test: Happening, rows: Predicate, moments: tuple[Predicate, ...], context: Context
) -> Predicate:
    if test.when is None:
        raise ValueError("Only what is first or last has a moment.")
    held = field_predicate(replace(test.when, field=moment_of(test, rows)), context)
    return Predicate(held.sql, held.params, (*held.changes, *moments))
