"""What somebody posted, with the button they pressed carried out."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import QueryDict

from leads.conditions.catalogue import MEMBERSHIPS, find_field
from leads.conditions.editing.drafts import MATCHES, ROOT, Draft, Part, Row, Set, Where
from leads.conditions.operators import MOMENTS, OPERATORS
from leads.conditions.parsing import MAX_DEPTH, MAX_LEAVES
from leads.conditions.types import Type

DEEDS = ("add", "group", "remove", "where", "unwhere", "show")
WHOLE = re.compile(r"[0-9]{1,6}")
LIKELY = {Type.NUMBER: "gte", Type.DATE: "within_days", Type.SEVERAL: "in"}


def is_posted(data: Mapping[str, Any], name: str = ROOT) -> bool:
    return f"{name}-size" in data


def do_of(data: Mapping[str, Any], name: str = ROOT) -> str:
    """The button of this builder that was pressed: `add:c.1`; empty when it was another's."""
    deed, _, target = str(data.get("do", "")).partition(":")
    mine = target == name or target.startswith((f"{name}.", f"{name}:"))
    return f"{deed}:{target}" if deed in DEEDS and mine else ""


def read(data: QueryDict, name: str = ROOT) -> Draft:
    root = _read_set(data, name, 0)
    do = do_of(data, name)
    return Draft(_rearranged(root, name, do) if do else root, name)


def _read_set(data: QueryDict, path: str, depth: int) -> Set:
    size = data.get(f"{path}-size", "0")
    count = min(int(size), MAX_LEAVES) if WHOLE.fullmatch(size) else 0
    parts = (_read_part(data, f"{path}.{index}", depth + 1) for index in range(count))
    match = data.get(f"{path}-match", "all")
    return Set(match if match in MATCHES else "all", tuple(parts))


def _read_part(data: QueryDict, path: str, depth: int) -> Part:
    if f"{path}-size" in data and depth <= MAX_DEPTH:
        return _read_set(data, path, depth)
    days = data.get(f"{path}-days", "")
    row = Row(
        what=data.get(f"{path}-what", ""),
        op=data.get(f"{path}-op", ""),
        values=tuple(data.getlist(f"{path}-value")) or ("",),
        count=data.get(f"{path}-count", "1"),
        most=data.get(f"{path}-most", ""),
        measure=data.get(f"{path}-measure", "count"),
        of=data.get(f"{path}-of", ""),
        window=data.get(f"{path}-window", "within" if days else ""),
        days=days,
        ago=data.get(f"{path}-ago", ""),
        since=data.get(f"{path}-since", ""),
        until=data.get(f"{path}-until", ""),
        where=_read_where(data, path),
    )
    asked = data.get(f"{path}-asked", row.measure)
    return _fitting(row, was=data.get(f"{path}-was", row.what), asked=asked)


def _read_where(data: QueryDict, path: str) -> tuple[Where, ...]:
    names = data.getlist(f"{path}-where")
    ops = data.getlist(f"{path}-where-op")
    values = data.getlist(f"{path}-where-value")
    rows = zip(names, [*ops, *["contains"] * 20], [*values, *[""] * 20], strict=False)
    return tuple(Where(*row) for row in list(rows)[:20])


def _fitting(row: Row, *, was: str, asked: str) -> Row:
    """A row after another field or measure was chosen: the test of the old one means nothing."""
    if row.what != was or not row.op:
        return replace(Row(row.what), op=first_op(row.what))
    if row.is_happening and (row.measure in MOMENTS) != (asked in MOMENTS):
        op = "within_days" if row.measure in MOMENTS else "at_least"
        return replace(row, op=op, values=("30",) if row.measure in MOMENTS else ("",))
    return row


def first_op(what: str) -> str:
    kind, _, name = what.partition(":")
    if kind in ("activity", "touch"):
        return "at_least"
    found = find_field(name) if kind == "field" and kind not in MEMBERSHIPS else None
    if found is None:
        return "is"
    return LIKELY.get(found.type, OPERATORS[found.type][0])


def _rearranged(group: Set, path: str, do: str) -> Set:
    """`add:c`, `group:c.1`, `remove:c.1.0`, `where:c.0`, `unwhere:c.0:1`; `show` only shows."""
    what, _, target = do.partition(":")
    if target == path and what in ("add", "group"):
        new: Part = Set("any", (Row(),)) if what == "group" else Row()
        return replace(group, parts=(*group.parts, new))
    parts: list[Part] = []
    for index, part in enumerate(group.parts):
        here = f"{path}.{index}"
        if what == "remove" and target == here:
            continue
        if isinstance(part, Set):
            parts.append(_rearranged(part, here, do))
        else:
            parts.append(_rearranged_row(part, here, do))
    return replace(group, parts=tuple(parts))


def _rearranged_row(row: Row, path: str, do: str) -> Row:
    what, _, target = do.partition(":")
    if what == "where" and target == path:
        new = Where("utm_campaign" if row.kind == "touch" else "url")
        return replace(row, where=(*row.where, new))
    if what == "unwhere" and target.rpartition(":")[0] == path:
        gone = target.rpartition(":")[2]
        kept = (test for index, test in enumerate(row.where) if str(index) != gone)
        return replace(row, where=tuple(kept))
    return row
