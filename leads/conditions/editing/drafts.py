"""The parts of a draft, from and to the tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from leadcrm.lib.errors import FieldError, Invalid
from leads.conditions.catalogue import MEMBERSHIPS, find_field
from leads.conditions.editing.texts import CHOICES, joined, text_of, value_of, whole
from leads.conditions.editing.texts import number as number_of
from leads.conditions.operators import MOMENTS, NOTHING
from leads.conditions.parsing import validate
from leads.conditions.types import Type

ROOT = "c"
MATCHES = {"all": "all", "any": "any", "none": "none"}
# The stretch of time that counts, as the builder asks for it.
WINDOWS = {
    "": "ever",
    "within": "in the last days",
    "older": "longer ago than days",
    "span": "between two numbers of days ago",
    "dates": "between dates",
}


@dataclass(frozen=True, slots=True)
class Where:
    """One test of an activity's property: `url` `contains` `/pricing`."""

    name: str = ""
    op: str = "contains"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One condition. `what`: `field:<key>`, `activity:<type>`, `touch` or a membership's key.

    Of happenings: `measure` is what is asked, `of` the property it looks at, `op` with `count` and
    `most` how often or how much, or `op` with `values` when; `window` with `days`, `ago`, `since`
    and `until` the stretch of time.
    """

    what: str = ""
    op: str = ""
    values: tuple[str, ...] = ("",)
    count: str = "1"
    most: str = ""
    measure: str = "count"
    of: str = ""
    window: str = ""
    days: str = ""
    ago: str = ""
    since: str = ""
    until: str = ""
    where: tuple[Where, ...] = ()

    @property
    def kind(self) -> str:
        return self.what.partition(":")[0]

    @property
    def name(self) -> str:
        return self.what.partition(":")[2]

    @property
    def is_happening(self) -> bool:
        return self.kind in ("activity", "touch")


@dataclass(frozen=True, slots=True)
class Set:
    """A group: `match` says whether all, any or none of its parts must hold."""

    match: str = "all"
    parts: "tuple[Row | Set, ...]" = ()


Part = Row | Set


@dataclass(frozen=True, slots=True)
class Draft:
    """`name` is that of the root group: what its inputs are called after."""

    root: Set = field(default_factory=Set)
    name: str = ROOT

    @property
    def tree(self) -> Any:
        return _tree(self.root)

    @property
    def is_empty(self) -> bool:
        return not self.root.parts

    def errors(self, *, computed: bool = True) -> dict[str, list[str]]:
        """What is wrong, in words, by the path of the part that is."""
        try:
            validate(self.tree, path=self.name, computed=computed)
        except Invalid as error:
            return self.errors_at(error.errors, self.name)
        return {}

    def errors_at(self, errors: Sequence[FieldError], root: str = ROOT) -> dict[str, list[str]]:
        """The same for errors that name places in the tree, which is called `root` there."""
        places = dict(_places(self.root, root, self.name))
        found: dict[str, list[str]] = {}
        for error in errors:
            known = [place for place in places if (error.field + ".").startswith(place + ".")]
            path = places[max(known, key=len)] if known else self.name
            found.setdefault(path, []).append(error.message)
        return found


def draft_of(tree: Any, name: str = ROOT) -> Draft:
    """The draft of a saved condition."""
    part = _part(tree)
    return Draft(part if isinstance(part, Set) else Set(parts=(part,)), name)


# From the tree ------------------------------------------------------------------------------------


def _part(tree: Any) -> Part:
    if not isinstance(tree, Mapping):
        return Row()
    for match in ("all", "any"):
        if isinstance(tree.get(match), list):
            return Set(match, tuple(_part(item) for item in tree[match]))
    if "not" in tree:
        return _negated(tree["not"])
    if "field" in tree:
        op = str(tree.get("op", "is"))
        return Row(f"field:{tree['field']}", op, _shown(tree["field"], op, tree.get("value")))
    if "activity" in tree or "touch" in tree:
        return _happening(tree)
    kind = next((key for key in MEMBERSHIPS if key in tree), "tag")
    return Row(kind, "is", (str(tree.get(kind, "")),))


def _negated(tree: Any) -> Part:
    part = _part(tree)
    if isinstance(part, Row) and part.kind in MEMBERSHIPS:
        return replace(part, op="is_not")
    if isinstance(part, Set) and part.match == "any":
        return replace(part, match="none")
    return Set("none", (part,))


def _happening(tree: Mapping[str, Any]) -> Row:
    is_touch = "touch" in tree
    where = tree["touch"] if is_touch else tree.get("where")
    tests = where.items() if isinstance(where, Mapping) else ()
    measure = next((name for name in ("distinct", "sum", *MOMENTS) if name in tree), "count")
    row = Row(
        "touch" if is_touch else f"activity:{tree['activity']}",
        measure=measure,
        of=text_of(tree.get(measure)) if measure in ("distinct", "sum") else "",
        where=tuple(_test(name, test) for name, test in tests),
    )
    row = _windowed(row, tree)
    if measure in MOMENTS:
        when = _test(measure, tree[measure])
        return replace(row, op=when.op, values=tuple(_moments(tree[measure])))
    return _measured(row, tree.get("total" if measure == "sum" else "times"))


def _measured(row: Row, raw: Any) -> Row:
    times = raw if isinstance(raw, Mapping) and raw else {"at_least": 1}
    op, count, most = "between", times.get("at_least", 0), times.get("at_most")
    if len(times) == 1:
        ((op, count),) = times.items()
        op = "never" if count == 0 and op != "at_least" else str(op)
    return replace(row, op=op, count=text_of(count), most=text_of(most))


def _windowed(row: Row, tree: Mapping[str, Any]) -> Row:
    names = {"days": "within_days", "ago": "older_than_days", "since": "since", "until": "until"}
    found = {name: text_of(tree.get(key)) for name, key in names.items()}
    window = "span" if found["days"] and found["ago"] else ""
    window = window or ("within" if found["days"] else "older" if found["ago"] else "")
    window = "dates" if found["since"] or found["until"] else window
    return replace(
        row,
        window=window,
        days=found["days"],
        ago=found["ago"],
        since=found["since"],
        until=found["until"],
    )


def _test(name: str, test: Any) -> Where:
    op, value = "is", test
    if isinstance(test, Mapping) and len(test) == 1:
        ((op, value),) = test.items()
    return Where(name, str(op), joined(value) if isinstance(value, list) else text_of(value))


def _moments(test: Any) -> list[str]:
    value = next(iter(test.values())) if isinstance(test, Mapping) and test else ""
    return [text_of(item) for item in (value if isinstance(value, list) else [value])] or [""]


def _shown(key: Any, op: str, value: Any) -> tuple[str, ...]:
    """What the inputs of a field's test hold: one, two for a range, several for a choice."""
    if not isinstance(value, list):
        return (text_of(value),)
    found = find_field(key) if isinstance(key, str) else None
    if op == "between" or (found is not None and found.type in CHOICES):
        return tuple(text_of(item) for item in value) or ("",)
    return (joined(value),)


# To the tree --------------------------------------------------------------------------------------


def _tree(part: Part) -> Any:
    if isinstance(part, Set):
        parts = [_tree(inner) for inner in part.parts]
        if part.match == "none":
            return {"not": {"any": parts}}
        return {part.match: parts}
    if part.is_happening:
        return _happening_tree(part)
    if part.kind in MEMBERSHIPS:
        test = {part.kind: part.values[0]}
        return {"not": test} if part.op == "is_not" else test
    found = find_field(part.name)
    op = part.op or "is"
    value = value_of(found.type if found else Type.TEXT, op, part.values)
    return {"field": part.name, "op": op, **({} if op in NOTHING else {"value": value})}


def _happening_tree(row: Row) -> dict[str, Any]:
    where = {test.name: {test.op: value_of(Type.CUSTOM, test.op, (test.value,))}
             for test in row.where}  # fmt: skip
    tree: dict[str, Any] = {"touch": where} if row.kind == "touch" else {"activity": row.name}
    if row.measure in MOMENTS:
        value = None if row.op in NOTHING else value_of(Type.DATE, row.op, row.values)
        tree[row.measure] = {row.op: value}
    else:
        if row.measure in ("distinct", "sum"):
            tree[row.measure] = row.of.strip()
        tree["total" if row.measure == "sum" else "times"] = _amount_tree(row)
    if where and row.kind == "activity":
        tree["where"] = where
    return tree | _window_tree(row)


def _amount_tree(row: Row) -> dict[str, Any]:
    read = number_of if row.measure == "sum" else whole
    if row.op == "never":
        return {"at_most": 0}
    if row.op == "between":
        return {"at_least": read(row.count), "at_most": read(row.most)}
    return {row.op or "at_least": read(row.count)}


def _window_tree(row: Row) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    if row.window in ("within", "span") and row.days:
        tree["within_days"] = whole(row.days)
    if row.window in ("older", "span") and row.ago:
        tree["older_than_days"] = whole(row.ago)
    if row.window == "dates":
        tree |= {name: value for name, value in (("since", row.since), ("until", row.until))
                 if value}  # fmt: skip
    return tree


def _places(part: Part, place: str, path: str) -> Iterator[tuple[str, str]]:
    yield place, path
    if isinstance(part, Set):
        inside = f"{place}.not.any" if part.match == "none" else f"{place}.{part.match}"
        for index, inner in enumerate(part.parts):
            yield from _places(inner, f"{inside}.{index}", f"{path}.{index}")
