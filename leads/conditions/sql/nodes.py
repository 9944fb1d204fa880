# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)
"""Whole conditions as SQL, and asking them of leads."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from leadcrm.lib.errors import Invalid
from leads.conditions.parsing import parse
from leads.conditions.sql.base import LEADS, NOBODY, Context, Predicate, moment_sql
from leads.conditions.sql.fields import field_predicate
from leads.conditions.sql.happenings import happening_predicate
from leads.conditions.tree import FieldTest, Group, Happening, MembershipTest, Node, Not


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
        case Happening():
            return happening_predicate(node, context)
        case MembershipTest():
            return Predicate(context.at(node.membership.sql), (node.value,))


def _group(node: Group, context: Context) -> Predicate:
    if not node.children:
        return Predicate("true" if node.every else "false")
    children = [compile_node(child, context) for child in node.children]
    return Predicate(
        f"({(' AND ' if node.every else ' OR ').join(child.sql for child in children)})",
        tuple(value for child in children for value in child.params),
        tuple(change for child in children for change in child.changes),
    )
