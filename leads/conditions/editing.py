"""A condition while somebody edits it: rows of a form, half finished, that become a tree.

Every part has a path: the root group is `c`, its second part `c.1`, that one's first part `c.1.0`.
The inputs of a part are named after it: `c.1-what`, `c.1-op`, `c.1-value`. Nothing typed is lost on
the way to the tree and back; what makes no sense is refused by `parse`, whose errors name places in
the tree, which `Draft.errors_at` finds again.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from leadcrm.lib.errors import FieldError, Invalid
from leads.conditions.catalogue import OPERATORS, find_field
from leads.conditions.parsing import MAX_DEPTH, MAX_LEAVES, validate
from leads.conditions.types import Type

ROOT = "c"
MATCHES = {"all": "all", "any": "any", "none": "none"}
TIMES = {
    "at_least": "at least",
    "exactly": "exactly",
    "at_most": "at most",
    "between": "between",
    "never": "never",
}
LISTS = ("in", "not_in", "contains", "starts_with")  # one value, or several with commas
DAYS = ("within_days", "older_than_days", "in_next_days")
NOTHING = ("is_set", "is_not_set")
CHOICES = (Type.CHOICE, Type.SEVERAL)


@dataclass(frozen=True, slots=True)
class Where:
    """One test of an activity's property: `url` `contains` `/pricing`."""

    name: str = ""
    op: str = "contains"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One condition. `what`: `field:<key>`, `activity:<type>`, `tag` or `segment`."""

    what: str = ""
    op: str = ""
    values: tuple[str, ...] = ("",)
    count: str = "1"
    most: str = ""
    days: str = ""
    where: tuple[Where, ...] = ()

    @property
    def kind(self) -> str:
        return self.what.partition(":")[0]

    @property
    def name(self) -> str:
        return self.what.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Set:
    """A group: `match` says whether all, any or none of its parts must hold."""

    match: str = "all"
    parts: "tuple[Row | Set, ...]" = ()


Part = Row | Set


@dataclass(frozen=True, slots=True)
class Draft:
    root: Set = field(default_factory=Set)

    @property
    def tree(self) -> Any:
        return _tree(self.root)

    def errors(self, *, computed: bool = True) -> dict[str, list[str]]:
        """What is wrong, in words, by the path of the part that is."""
        try:
            validate(self.tree, path=ROOT, computed=computed)
        except Invalid as error:
            return self.errors_at(error.errors)
        return {}

    def errors_at(self, errors: Sequence[FieldError], root: str = ROOT) -> dict[str, list[str]]:
        """The same for errors that name places in the tree, which is called `root` there."""
        places = dict(_places(self.root, root, ROOT))
        found: dict[str, list[str]] = {}
        for error in errors:
            known = [place for place in places if (error.field + ".").startswith(place + ".")]
            path = places[max(known, key=len)] if known else ROOT
            found.setdefault(path, []).append(error.message)
        return found


# From and to the tree -----------------------------------------------------------------------------


def draft_of(tree: Any) -> Draft:
    """The draft of a saved condition."""
    part = _part(tree)
    return Draft(part if isinstance(part, Set) else Set(parts=(part,)))


def _part(tree: Any) -> Part:
    if not isinstance(tree, Mapping):
        return Row()
    for match in ("all", "any"):
        if isinstance(tree.get(match), list):
            return Set(match, tuple(_part(item) for item in tree[match]))
    if "not" in tree:
        return _negated(_part(tree["not"]))
    if "field" in tree:
        op = str(tree.get("op", "is"))
        return Row(f"field:{tree['field']}", op, _shown(tree["field"], op, tree.get("value")))
    if "activity" in tree:
        return _activity(tree)
    kind = "segment" if "segment" in tree else "tag"
    return Row(kind, "is", (str(tree.get(kind, "")),))


def _negated(part: Part) -> Set:
    if isinstance(part, Set) and part.match == "any":
        return replace(part, match="none")
    return Set("none", (part,))


def _activity(tree: Mapping[str, Any]) -> Row:
    times = tree.get("times") or {"at_least": 1}
    op, count, most = "between", times.get("at_least", 0), times.get("at_most")
    if len(times) == 1:
        ((op, count),) = times.items()
        op = "never" if count == 0 and op != "at_least" else op
    return Row(
        f"activity:{tree['activity']}",
        op,
        count=_text(count),
        most=_text(most),
        days=_text(tree.get("within_days")),
        where=tuple(_test(name, test) for name, test in (tree.get("where") or {}).items()),
    )


def _test(name: str, test: Any) -> Where:
    op, value = "is", test
    if isinstance(test, Mapping) and len(test) == 1:
        ((op, value),) = test.items()
    return Where(name, str(op), joined(value) if isinstance(value, list) else _text(value))


def _shown(key: str, op: str, value: Any) -> tuple[str, ...]:
    """What the inputs of a field's test hold: one, two for a range, several for a choice."""
    if not isinstance(value, list):
        return (_text(value),)
    found = find_field(key)
    if op == "between" or (found is not None and found.type in CHOICES):
        return tuple(_text(item) for item in value) or ("",)
    return (joined(value),)


def joined(values: Iterable[Any]) -> str:
    """Several values in one line; one that holds a comma is quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_text(value) for value in values])
    return line.getvalue().replace(",", ", ") if '"' not in line.getvalue() else line.getvalue()


def parted(line: str) -> list[str]:
    rows = csv.reader([" ".join(line.splitlines())], skipinitialspace=True)
    return [value.strip() for row in rows for value in row if value.strip()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _tree(part: Part) -> Any:
    if isinstance(part, Set):
        parts = [_tree(inner) for inner in part.parts]
        if part.match == "none":
            return {"not": {"any": parts}}
        return {part.match: parts}
    if part.kind == "activity":
        return _activity_tree(part)
    if part.kind in ("tag", "segment"):
        return {part.kind: part.values[0]}
    found = find_field(part.name)
    op = part.op or "is"
    value = _value(found.type if found else Type.TEXT, op, part.values)
    return {"field": part.name, "op": op, **({} if op in NOTHING else {"value": value})}


def _activity_tree(row: Row) -> dict[str, Any]:
    tree: dict[str, Any] = {"activity": row.name, "times": _times(row)}
    if row.where:
        tree["where"] = {
            test.name: {test.op: _value(Type.CUSTOM, test.op, (test.value,))} for test in row.where
        }
    if row.days:
        tree["within_days"] = _whole(row.days)
    return tree


def _times(row: Row) -> dict[str, Any]:
    if row.op == "never":
        return {"at_most": 0}
    if row.op == "between":
        return {"at_least": _whole(row.count), "at_most": _whole(row.most)}
    return {row.op or "at_least": _whole(row.count)}


def _value(type_: Type, op: str, values: tuple[str, ...]) -> Any:
    if op in DAYS:
        return _whole(values[0])
    if op in LISTS:
        several = values if type_ in CHOICES else [v for value in values for v in parted(value)]
        return [_single(type_, op, value) for value in several if value]
    if op == "between":
        return [_single(type_, op, value) for value in (*values, "", "")[:2]]
    return _single(type_, op, values[0])


def _single(type_: Type, op: str, value: str) -> Any:
    compared = op in ("gt", "gte", "lt", "lte", "between")
    if type_ is Type.NUMBER or (type_ is Type.CUSTOM and compared):
        return _number(value)
    if type_ is Type.BOOLEAN:
        return {"true": True, "false": False}.get(value, value)
    return value.strip()


def _whole(text: str) -> Any:
    return int(text) if text.strip().isascii() and text.strip().isdigit() else text


def _number(text: str) -> Any:
    cleaned = text.strip().replace(" ", "")
    try:
        number = float(cleaned)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _places(part: Part, place: str, path: str) -> Iterator[tuple[str, str]]:
    yield place, path
    if isinstance(part, Set):
        inside = f"{place}.not.any" if part.match == "none" else f"{place}.{part.match}"
        for index, inner in enumerate(part.parts):
            yield from _places(inner, f"{inside}.{index}", f"{path}.{index}")


# From the form ------------------------------------------------------------------------------------


def read(data: QueryDict) -> Draft:
    """What somebody posted, with the button they pressed carried out."""
    draft = Draft(_read_set(data, ROOT, 0))
    do = data.get("do", "")
    return Draft(_rearranged(draft.root, ROOT, do)) if do else draft


def _read_set(data: QueryDict, path: str, depth: int) -> Set:
    size = data.get(f"{path}-size", "0")
    count = min(int(size), MAX_LEAVES) if size.isascii() and size.isdigit() else 0
    parts = (_read_part(data, f"{path}.{index}", depth + 1) for index in range(count))
    match = data.get(f"{path}-match", "all")
    return Set(match if match in MATCHES else "all", tuple(parts))


def _read_part(data: QueryDict, path: str, depth: int) -> Part:
    if f"{path}-size" in data and depth <= MAX_DEPTH:
        return _read_set(data, path, depth)
    row = Row(
        what=data.get(f"{path}-what", ""),
        op=data.get(f"{path}-op", ""),
        values=tuple(data.getlist(f"{path}-value")) or ("",),
        count=data.get(f"{path}-count", "1"),
        most=data.get(f"{path}-most", ""),
        days=data.get(f"{path}-days", ""),
        where=_read_where(data, path),
    )
    return _fitting(row, was=data.get(f"{path}-was", row.what))


def _read_where(data: QueryDict, path: str) -> tuple[Where, ...]:
    names = data.getlist(f"{path}-where")
    ops = data.getlist(f"{path}-where-op")
    values = data.getlist(f"{path}-where-value")
    rows = zip(names, [*ops, *["contains"] * 20], [*values, *[""] * 20], strict=False)
    return tuple(Where(*row) for row in list(rows)[:20])


def _fitting(row: Row, *, was: str) -> Row:
    """A row after another field was chosen: a test and values of the old one mean nothing now."""
    if row.what == was and row.op:
        return row
    return replace(Row(row.what), op=first_op(row.what))


def first_op(what: str) -> str:
    kind, _, name = what.partition(":")
    if kind == "activity":
        return "at_least"
    found = find_field(name) if kind == "field" else None
    if found is None:
        return "is"
    likely = {Type.NUMBER: "gte", Type.DATE: "within_days", Type.SEVERAL: "in"}
    return likely.get(found.type, OPERATORS[found.type][0])


def _rearranged(group: Set, path: str, do: str) -> Set:
    """`add:c`, `group:c.1`, `remove:c.1.0`, `where:c.0`, `unwhere:c.0:1`."""
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
        return replace(row, where=(*row.where, Where("url")))
    if what == "unwhere" and target.rpartition(":")[0] == path:
        gone = target.rpartition(":")[2]
        kept = (test for index, test in enumerate(row.where) if str(index) != gone)
        return replace(row, where=tuple(kept))
    return row
