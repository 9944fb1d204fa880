# ruff: noqa: S608  (SQL comes from the catalogue; values are bound)
"""Why a lead is in or out: every leaf of the condition, with what the lead really has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from leadcrm.lib.errors import Invalid
from leads.conditions.describing import describe_node
from leads.conditions.parsing import parse
from leads.conditions.sql import LEADS, Context, Predicate, activity_rows, compile_node
from leads.conditions.tree import (
    ActivityTest,
    FieldTest,
    Group,
    Leaf,
    Node,
    Not,
    SegmentTest,
    TagTest,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """A node with its answer. `actual` is what the lead has, for leaves only.

    `kind`: all, any, not, field, activity, tag, segment, broken.
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
    match leaf:
        case FieldTest():
            return Predicate(f"({leaf.field.sql})::text", leaf.field.params)
        case ActivityTest():
            rows = activity_rows(leaf, Context())
            return Predicate(f"(SELECT count(*)::text {rows.sql})", rows.params)
        case SegmentTest():
            return Predicate(
                "(SELECT string_agg(g.name, ', ' ORDER BY g.name) FROM leads_segmentmembership m "
                "JOIN leads_segment g ON g.id = m.segment_id WHERE m.lead_id = lead.id "
                "AND m.left_at IS NULL AND g.archived_at IS NULL)"
            )
        case TagTest():
            return Predicate(
                "(SELECT string_agg(tag.name, ', ' ORDER BY tag.name) FROM leads_leadtag lt "
                "JOIN leads_tag tag ON tag.id = lt.tag_id WHERE lt.lead_id = lead.id)"
            )


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
    kinds = {FieldTest: "field", ActivityTest: "activity", TagTest: "tag", SegmentTest: "segment"}
    return Explained(kinds[type(node)], describe_node(node), holds, actual)
