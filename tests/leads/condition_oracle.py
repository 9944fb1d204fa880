"""What conditions mean, once more in plain Python: a second opinion for the compiler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Tree = Mapping[str, Any]
DAY = timedelta(days=1)
NEGATED = {"is_not": "is", "not_in": "in", "is_not_set": "is_set", "not_contains": "contains"}


@dataclass(frozen=True)
class Deed:
    at: datetime
    type: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_human: bool = True


@dataclass(frozen=True)
class Subject:
    """A lead as the oracle sees it. `fields` holds typed values; None and "" are unknown."""

    fields: Mapping[str, Any]
    types: Mapping[str, str]
    tags: frozenset[str] = frozenset()
    activities: Sequence[Deed] = ()
    touches: Sequence[Deed] = ()


def holds(tree: Tree, lead: Subject, now: datetime) -> bool:
    if "all" in tree:
        return all(holds(part, lead, now) for part in tree["all"])
    if "any" in tree:
        return any(holds(part, lead, now) for part in tree["any"])
    if "not" in tree:
        return not holds(tree["not"], lead, now)
    if "tag" in tree:
        return tree["tag"].lower() in {tag.lower() for tag in lead.tags}
    if "field" in tree:
        key = tree["field"]
        value, kind = lead.fields.get(key), lead.types[key]
        return test(value, kind, tree["op"], tree.get("value"), now)
    return happened(tree, lead, now)


def test(value: Any, kind: str, op: str, wanted: Any, now: datetime) -> bool:
    if op in NEGATED:
        return not test(value, kind, NEGATED[op], wanted, now)
    if op == "is_set":
        return value is not None and value != ""
    if value is None:
        return False
    if kind == "date":
        return dated(value, op, wanted, now)
    if kind in ("text", "property") and op not in ("gt", "gte", "lt", "lte", "between"):
        return worded(written(value), op, wanted)
    number = as_number(value) if kind == "property" else value
    return number is not None and compared(number, op, wanted)


def worded(value: str, op: str, wanted: Any) -> bool:
    value = value.lower()
    words = [written(w).lower() for w in (wanted if isinstance(wanted, list) else [wanted])]
    check = {
        "is": value.__eq__,
        "in": value.__eq__,
        "contains": lambda word: word in value,
        "starts_with": value.startswith,
        "ends_with": value.endswith,
    }[op]
    return any(check(word) for word in words)


def written(value: Any) -> str:
    """As JSON has it: what a property's text is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_number(value: Any) -> Decimal | None:
    try:
        return Decimal(written(value))
    except ArithmeticError:
        return None


def compared(value: Any, op: str, wanted: Any) -> bool:
    if op == "between":
        return bool(wanted[0] <= value <= wanted[1])
    if op == "in":
        return value in wanted
    return bool(
        {
            "is": value == wanted,
            "gt": op == "gt" and value > wanted,
            "gte": op == "gte" and value >= wanted,
            "lt": op == "lt" and value < wanted,
            "lte": op == "lte" and value <= wanted,
        }[op]
    )


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def dated(value: datetime, op: str, wanted: Any, now: datetime) -> bool:
    match op:
        case "within_days":
            return now - wanted * DAY < value <= now
        case "older_than_days":
            return value <= now - wanted * DAY
        case "in_next_days":
            today = now.replace(hour=0, minute=0, second=0, microsecond=0)
            return today <= value <= now + wanted * DAY
        case "between":
            return midnight(wanted[0]) <= value < midnight(wanted[1]) + DAY
        case "gt":
            return value >= midnight(wanted) + DAY
        case "gte":
            return value >= midnight(wanted)
        case "lt":
            return value < midnight(wanted)
    return value < midnight(wanted) + DAY


def happened(tree: Tree, lead: Subject, now: datetime) -> bool:
    deeds, where = lead.touches, tree.get("touch", {})
    if "activity" in tree:
        where = tree.get("where", {})
        deeds = [d for d in lead.activities if d.type == tree["activity"] and d.is_human]
    found = [
        deed
        for deed in deeds
        if deed.at <= now
        and inside(deed.at, tree, now)
        and all(tested(deed, name, test_, now) for name, test_ in where.items())
    ]
    if "first" in tree or "last" in tree:
        which = "first" if "first" in tree else "last"
        moments = [deed.at for deed in found]
        value = (min if which == "first" else max)(moments, default=None)
        ((op, wanted),) = tree[which].items()
        return test(value, "date", op, wanted, now)
    return counted(measure(tree, found), tree.get("total", tree.get("times", {"at_least": 1})))


def inside(at: datetime, tree: Tree, now: datetime) -> bool:
    return (
        ("within_days" not in tree or at > now - tree["within_days"] * DAY)
        and ("older_than_days" not in tree or at <= now - tree["older_than_days"] * DAY)
        and ("since" not in tree or at >= midnight(tree["since"]))
        and ("until" not in tree or at < midnight(tree["until"]) + DAY)
    )


def tested(deed: Deed, name: str, raw: Any, now: datetime) -> bool:
    op, wanted = next(iter(raw.items())) if isinstance(raw, Mapping) else ("is", raw)
    return test(deed.properties.get(name), "property", op, wanted, now)


def measure(tree: Tree, found: Sequence[Deed]) -> Any:
    if "sum" in tree:
        values = (deed.properties.get(tree["sum"]) for deed in found)
        numbers = (as_number(value) for value in values if value is not None)
        return sum((number for number in numbers if number is not None), Decimal(0))
    if tree.get("distinct") == "day":
        return len({deed.at.date() for deed in found})
    if "distinct" in tree:
        values = (deed.properties.get(tree["distinct"]) for deed in found)
        return len({written(value).lower() for value in values if value is not None})
    return len(found)


def counted(number: Any, bounds: Mapping[str, Any]) -> bool:
    if "exactly" in bounds:
        return bool(number == bounds["exactly"])
    least, most = bounds.get("at_least"), bounds.get("at_most")
    return bool((least is None or number >= least) and (most is None or number <= most))
