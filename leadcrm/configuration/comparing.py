"""What would change, in words: two exports side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.conditions import describe

CONDITIONS = frozenset({"condition", "conditions", "enter", "leave"})
NAMED = ("label", "name", "id", "key")
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Change:
    """`kind`: added, removed or changed."""

    kind: str
    where: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.kind != "changed":
            return f"{self.where}: {self.kind}" + (f" ({self.after})" if self.after else "")
        return f"{self.where}: {self.before or 'nothing'} → {self.after or 'nothing'}"


def compare(before: Any, after: Any, where: tuple[str, ...] = ()) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _is_leaf(where):
        for key in {**before, **after}:
            yield from compare(before.get(key), after.get(key), (*where, str(key)))
    elif _is_named(before) and _is_named(after):
        yield from _rows(before or [], after or [], where)
    else:
        yield Change("changed", _place(where), _words(before, where), _words(after, where))


def _is_leaf(where: Sequence[str]) -> bool:
    return bool(where) and where[-1] in (*CONDITIONS, "where")


def _is_named(rows: Any) -> bool:
    """A list of things with ids; nothing is one too."""
    if rows is None:
        return True
    return isinstance(rows, list) and all(
        isinstance(row, Mapping) and ("id" in row or "key" in row) for row in rows
    )


def _rows(before: Sequence[Any], after: Sequence[Any], where: tuple[str, ...]) -> Iterator[Change]:
    old, new = ({_id(row): row for row in rows} for rows in (before, after))
    for key, row in old.items():
        if key not in new:
            yield Change("removed", _place((*where, _name(row))))
    for key, row in new.items():
        if key in old:
            yield from compare(old[key], row, (*where, _name(row)))
        else:
            yield Change("added", _place((*where, _name(row))), after=_summary(row))
    kept = [key for key in old if key in new]
    if kept != [key for key in new if key in old]:
        yield Change("changed", _place((*where, "order")), "as it was", "as in the file")


def _id(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or row.get("key"))


def _name(row: Mapping[str, Any]) -> str:
    return "“" + next(str(row[name]) for name in NAMED if row.get(name)) + "”"


def _summary(row: Mapping[str, Any]) -> str:
    points = [f"{row['points']:+d} points"] if isinstance(row.get("points"), int) else []
    tree = next((row[key] for key in row if key in CONDITIONS and row[key]), None)
    return ", ".join(points + ([describe(tree)] if tree else []))[:SHOWN]


def _place(where: Sequence[str]) -> str:
    return " › ".join(part.replace("_", " ") for part in where)


def _words(value: Any, where: Sequence[str]) -> str:
    if value is None or value == "":
        return ""
    if where and where[-1] in CONDITIONS:
        return describe(value)[:SHOWN]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:SHOWN]
