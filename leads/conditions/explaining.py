# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)
"""Why a lead is in or out: every leaf of the condition, with what the lead really has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.lib.errors import Invalid
from leads.conditions.describing import describe_node
from leads.conditions.operators import MOMENTS
from leads.conditions.parsing import parse
from leads.conditions.sql import LEADS, Context, Predicate, compile_node, measured, rows_of
from leads.conditions.sql.happenings import moment_of
from leads.conditions.tree import FieldTest, Group, Happening, Leaf, MembershipTest, Node, Not
from leads.conditions.types import Field, Type


@dataclass(frozen=True, slots=True)
class Explained:
    """A node with its answer. `actual` is what the lead has, for leaves only.

    `kind`: all, any, not, field, activity, touch, the key of a membership such as tag, or broken.
    """

    kind: str
    text: str
    holds: bool
    actual: str | None = None
    children: "tuple[Explained, ...]" = ()

    @property
    def failing(self) -> "Explained | None":
        """The first leaf to blame when the condition does not hold."""
        if self.holds:
            return None
        blamed = (child.failing for child in self.children if self.kind in ("all", "any"))
        return next((leaf for leaf in blamed if leaf), self)


def explain(tree: Any, lead_id: int) -> Explained:
    """Evaluate each leaf for one lead, in one query, by the same SQL as everywhere."""
    try:
        node = parse(tree)
    except Invalid as error:
        return Explained("broken", error.errors[0].message, holds=False)
    leaves = list(_leaves(node))
    answers = iter(_ask(leaves, lead_id))
    return _combine(node, answers)


def _leaves(node: Node) -> Iterator[Leaf]:
    match node:
        case Group():
            for child in node.children:
                yield from _leaves(child)
        case Not():
            yield from _leaves(node.child)
        case _:
            yield node


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf in words, with the SQL of its answer and of what a lead has, as text."""

    text: str
    holds: Predicate
    actual: Predicate


def parts(tree: Any, *, moment: str | None = None) -> list[Part]:
    """The leaves of a condition for a statement about many leads; none of a broken one."""
    try:
        node = parse(tree)
    except Invalid:
        return []
    context = Context(moment) if moment else Context()
    return [
        Part(describe_node(leaf), compile_node(leaf, context), _actual(leaf))
        for leaf in _leaves(node)
    ]


Answer = tuple[bool, str | None]


def _ask(leaves: list[Leaf], lead_id: int) -> list[Answer]:
    if not leaves:
        return []
    columns: list[str] = []
    params: list[Any] = []
    for leaf in leaves:
        for part in (compile_node(leaf, Context()), _actual(leaf)):
            columns.append(part.sql)
            params += part.params
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {LEADS} WHERE lead.id = %s", [*params, lead_id]
        )
        row = cursor.fetchone() or (False, None) * len(leaves)
    return list(zip(row[::2], row[1::2], strict=True))


def _actual(leaf: Leaf) -> Predicate:
    """What the lead has, as text; dates in a form that is made readable afterwards."""
    context = Context()
    match leaf:
        case FieldTest():
            return Predicate(f"({context.at(leaf.field.sql)})::text", leaf.field.params)
        case Happening():
            rows = rows_of(leaf, context)
            if leaf.measure in MOMENTS:
                moment = moment_of(leaf, rows)
                return Predicate(f"({moment.sql})::text", moment.params)
            value = measured(leaf, rows)
            return Predicate(f"({value.sql})::text", value.params)
        case MembershipTest():
            return Predicate(f"({context.at(leaf.membership.actual)})")


def _shown(leaf: Leaf, raw: str | None) -> str | None:
    """The same in the words that people chose it by."""
    field = leaf.field if isinstance(leaf, FieldTest) else None
    if isinstance(leaf, Happening) and leaf.when is not None:
        field = leaf.when.field
    if raw is None or field is None:
        return raw
    return _in_words(field, raw)


def _in_words(field: Field, raw: str) -> str:
    match field.type:
        case Type.CHOICE:
            return dict(field.options).get(raw, raw)
        case Type.SEVERAL:
            return _listed(field, raw)
        case Type.DATE:
            moment = parse_datetime(raw)
            return f"{timezone.localtime(moment):%-d %b %Y %H:%M}" if moment else raw
        case Type.BOOLEAN:
            return "yes" if raw == "true" else "no"
        case _:
            return raw


def _listed(field: Field, raw: str) -> str:
    labels, values = dict(field.options), json.loads(raw)
    chosen = values if isinstance(values, list) else []
    return ", ".join(labels.get(value, str(value)) for value in chosen)


def _combine(node: Node, answers: Iterator[Answer]) -> Explained:
    if isinstance(node, Group):
        children = tuple(_combine(child, answers) for child in node.children)
        holds = (all if node.every else any)(child.holds for child in children)
        kind = "all" if node.every else "any"
        return Explained(kind, describe_node(node), holds, children=children)
    if isinstance(node, Not):
        child = _combine(node.child, answers)
        return Explained("not", describe_node(node), not child.holds, children=(child,))
    holds, actual = next(answers)
    return Explained(_kind(node), describe_node(node), holds, _shown(node, actual))


def _kind(leaf: Leaf) -> str:
    match leaf:
        case FieldTest():
            return "field"
        case Happening():
            return leaf.source
        case MembershipTest():
            return leaf.membership.key
