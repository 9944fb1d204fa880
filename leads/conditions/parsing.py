"""Reading a condition: everything that could be wrong is said at once, each with path and cure."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django.utils.dateparse import parse_date, parse_datetime

from leadcrm.lib import memo
from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.conditions.catalogue import OPERATORS, find_field
from leads.conditions.tree import (
    ActivityTest,
    Day,
    FieldTest,
    Group,
    Node,
    Not,
    SegmentTest,
    TagTest,
)
from leads.conditions.types import Field, Type
from leads.models import Segment

MAX_DEPTH = 10
MAX_LEAVES = 200
MAX_VALUES = 1000
MAX_TEXT = 500
MAX_DAYS = 3650
MAX_TIMES = 10_000
MAX_NUMBER = 1e15
YEARS = range(1900, 2201)
ACTIVITY_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
LEAVES = ("field", "activity", "tag", "segment")
KINDS = ("all", "any", "not", *LEAVES)
RELATIVE = ("within_days", "older_than_days", "in_next_days")
WHERE_COLUMNS = {"category": "COALESCE(NULLIF(a.category, ''), a.properties ->> 'category')"}


def validate(tree: Any, *, path: str = "condition", computed: bool = True) -> None:
    """:raises Invalid: with a `FieldError` for each mistake; see `parse`."""
    parse(tree, path=path, computed=computed, check_choices=True)


def parse(
    tree: Any, *, path: str = "condition", computed: bool = True, check_choices: bool = False
) -> Node:
    """The tree as typed nodes.

    :param computed: whether scores may be asked for; scoring rules cannot depend on them.
    :param check_choices: refuse stages and sources that do not exist (any more).
    :raises Invalid: with a `FieldError` for each mistake.
    """
    reader = _Reader(computed=computed, check_choices=check_choices)
    with memo.continuing():
        node = reader.node(tree, path, 0)
    reader.raise_mistakes()
    return cast(Node, node)


def parse_where(where: Any, *, path: str = "where") -> tuple[FieldTest, ...]:
    """Tests of an activity's properties: `{"url": {"contains": "/pricing"}, "plan": "pro"}`.

    :raises Invalid:
    """
    reader = _Reader(computed=True, check_choices=False)
    tests = reader.where(where, path)
    reader.raise_mistakes()
    return tests


class _Reader:
    def __init__(self, *, computed: bool, check_choices: bool) -> None:
        self.mistakes: list[FieldError] = []
        self.leaves = 0
        self.computed = computed
        self.check_choices = check_choices

    def raise_mistakes(self) -> None:
        if self.mistakes:
            only = len(self.mistakes) == 1
            detail = self.mistakes[0].message if only else "The condition has several mistakes."
            raise Invalid(detail, errors=self.mistakes)

    def wrong(self, path: str, message: str, code: str = "invalid") -> None:
        self.mistakes.append(FieldError(path, message, code))

    def node(self, raw: Any, path: str, depth: int) -> Node | None:
        if not isinstance(raw, dict):
            self.wrong(path, 'A condition is an object such as {"all": [...]}.')
            return None
        kinds = [kind for kind in KINDS if kind in raw]
        if len(kinds) != 1:
            self.wrong(
                path,
                "Write exactly one of all, any, not, field, activity, tag or segment here; "
                'for everybody write {"all": []}.',
            )
            return None
        if depth > MAX_DEPTH:
            self.wrong(path, f"Nest at most {MAX_DEPTH} levels deep.", "too_deep")
            return None
        if kinds[0] in LEAVES:
            self.leaves += 1
            if self.leaves > MAX_LEAVES:
                self.wrong(path, f"Use at most {MAX_LEAVES} conditions.", "too_many")
                return None
        read: dict[str, Callable[[dict[str, Any], str, int], Node | None]] = {
            "all": self.group,
            "any": self.group,
            "not": self.negation,
            "field": self.field_test,
            "activity": self.activity_test,
            "tag": self.tag_test,
            "segment": self.segment_test,
        }
        return read[kinds[0]](raw, path, depth)

    def group(self, raw: dict[str, Any], path: str, depth: int) -> Node | None:
        kind = "all" if "all" in raw else "any"
        self.only(raw, path, {kind})
        items = raw[kind]
        if not isinstance(items, list):
            self.wrong(f"{path}.{kind}", f"“{kind}” holds a list of conditions.")
            return None
        if not items and kind == "any":
            self.wrong(f"{path}.any", "Add at least one condition to “any”.", "required")
            return None
        # Once is enough to say that there are too many.
        if len(items) > MAX_LEAVES:
            self.wrong(f"{path}.{kind}", f"Use at most {MAX_LEAVES} conditions.", "too_many")
            return None
        children = [
            self.node(item, f"{path}.{kind}.{index}", depth + 1) for index, item in enumerate(items)
        ]
        return Group(kind == "all", tuple(child for child in children if child is not None))

    def negation(self, raw: dict[str, Any], path: str, depth: int) -> Node | None:
        self.only(raw, path, {"not"})
        child = self.node(raw["not"], f"{path}.not", depth + 1)
        return None if child is None else Not(child)

    def tag_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        self.only(raw, path, {"tag"})
        name = self.text(raw["tag"], f"{path}.tag")
        return TagTest(name) if name else None

    def segment_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        self.only(raw, path, {"segment"})
        if not self.computed:
            self.wrong(
                path,
                "Segments may depend on scores, so a rule cannot ask for them. "
                "Choose what leads are or do.",
                "circular",
            )
            return None
        public_id = self.text(raw["segment"], f"{path}.segment")
        if public_id and self.check_choices and not is_segment(public_id):
            self.wrong(
                f"{path}.segment",
                f"There is no segment “{public_id[:60]}” (any more). Choose another one.",
                "unknown_segment",
            )
            return None
        return SegmentTest(public_id) if public_id else None

    # Fields ---------------------------------------------------------------------------------------

    def field_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        self.only(raw, path, {"field", "op", "value"})
        key = raw["field"]
        field = find_field(key) if isinstance(key, str) and "\0" not in key else None
        if field is None:
            shown = clean_text(key, limit=60) if isinstance(key, str) else "this"
            self.wrong(
                f"{path}.field",
                f"There is no field “{shown}” (any more). Choose another one.",
                "unknown_field",
            )
            return None
        if field.computed and not self.computed:
            self.wrong(
                f"{path}.field",
                f"“{field.label}” is made by scoring, so a rule cannot ask for it. "
                "Choose what leads are or do.",
                "circular",
            )
            return None
        return self.test(field, raw.get("op", "is"), raw.get("value"), path)

    def test(self, field: Field, op: Any, value: Any, path: str) -> FieldTest | None:
        allowed = OPERATORS[field.type]
        if not isinstance(op, str) or op not in allowed:
            self.wrong(
                f"{path}.op", f"“{field.label}” takes one of: {', '.join(allowed)}.", "unknown_op"
            )
            return None
        before = len(self.mistakes)
        read = self.value_of(field, op, value, f"{path}.value")
        return None if len(self.mistakes) > before else FieldTest(field, op, read)

    def value_of(self, field: Field, op: str, raw: Any, path: str) -> Any:
        if op in ("is_set", "is_not_set"):
            return None
        if op in RELATIVE:
            return self.whole(raw, path, 0, MAX_DAYS, "days")
        one = self.reader_of(field, op)
        if op == "between":
            return self.pair(raw, path, one)
        if op in ("in", "not_in"):
            return self.several(raw, path, one)
        if op in ("contains", "starts_with") and isinstance(raw, list):
            return self.several(raw, path, one)
        read = one(raw, path)
        return (read,) if op in ("contains", "starts_with") else read

    def reader_of(self, field: Field, op: str) -> Callable[[Any, str], Any]:
        if field.type in (Type.CHOICE, Type.SEVERAL):
            return lambda raw, path: self.choice(field, raw, path)
        if field.type is Type.CUSTOM:
            return self.number if op in ("gt", "gte", "lt", "lte", "between") else self.loose_text
        return {
            Type.TEXT: self.text,
            Type.NUMBER: self.number,
            Type.BOOLEAN: self.boolean,
            Type.DATE: self.moment,
        }[field.type]

    def pair(self, raw: Any, path: str, one: Callable[[Any, str], Any]) -> tuple[Any, Any] | None:
        if not isinstance(raw, list) or len(raw) != 2:
            self.wrong(path, "Give two values, the lower first: [10, 20].")
            return None
        low, high = one(raw[0], f"{path}.0"), one(raw[1], f"{path}.1")
        if low is None or high is None:
            return None
        if _start(low) > _start(high):
            self.wrong(path, "Give the lower value first.")
            return None
        return low, high

    def several(
        self, raw: Any, path: str, one: Callable[[Any, str], Any]
    ) -> tuple[Any, ...] | None:
        if not isinstance(raw, list) or not 0 < len(raw) <= MAX_VALUES:
            self.wrong(path, f"Give a list of 1 to {MAX_VALUES} values.")
            return None
        return tuple(one(item, f"{path}.{index}") for index, item in enumerate(raw))

    # Values ---------------------------------------------------------------------------------------

    def text(self, raw: Any, path: str) -> str | None:
        if not isinstance(raw, str) or not (text := clean_text(raw)):
            self.wrong(path, "Write some text here.", "required")
            return None
        if len(text) > MAX_TEXT:
            self.wrong(path, f"Use at most {MAX_TEXT} characters.", "too_long")
            return None
        return text

    def loose_text(self, raw: Any, path: str) -> str | None:
        """Custom values may be numbers or yes and no; they compare as they are written in JSON."""
        if isinstance(raw, bool):
            return "true" if raw else "false"
        if isinstance(raw, (int, float)):
            return None if self.number(raw, path) is None else str(raw)
        return self.text(raw, path)

    def number(self, raw: Any, path: str) -> float | int | None:
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            self.wrong(path, "Write a number here.", "not_a_number")
            return None
        if not math.isfinite(raw) or abs(raw) > MAX_NUMBER:
            self.wrong(path, "This number is too large.", "too_large")
            return None
        return raw

    def whole(self, raw: Any, path: str, low: int, high: int, what: str) -> int | None:
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            self.wrong(path, f"Write a whole number of {what} from {low} to {high}.")
            return None
        return raw

    def boolean(self, raw: Any, path: str) -> bool | None:
        if isinstance(raw, bool):
            return raw
        self.wrong(path, "Write true or false here.")
        return None

    def choice(self, field: Field, raw: Any, path: str) -> str | None:
        value = self.text(raw, path)
        if value is None or (callable(field.choices) and not self.check_choices):
            return value
        known = dict(field.options)
        if value in known:
            return value
        # People write what they see; the condition keeps the key.
        named = [key for key, label in known.items() if label.casefold() == value.casefold()]
        if len(named) == 1:
            return named[0]
        options = ", ".join(list(known)[:30])
        self.wrong(path, f"“{field.label}” is one of: {options}.", "unknown_choice")
        return None

    def moment(self, raw: Any, path: str) -> datetime | Day | None:
        found = _moment(raw)
        if found is None or _start(found).year not in YEARS:
            self.wrong(path, "Write a date such as 2026-03-31.", "not_a_date")
            return None
        return found

    # Activities -----------------------------------------------------------------------------------

    def activity_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        self.only(raw, path, {"activity", "where", "times", "within_days"})
        type_ = raw["activity"]
        if not isinstance(type_, str) or not ACTIVITY_NAME.fullmatch(type_):
            self.wrong(
                f"{path}.activity",
                "Name an activity in lower case, such as page_view.",
                "unknown_activity",
            )
            return None
        where = self.where(raw.get("where", {}), f"{path}.where")
        at_least, at_most = self.times(raw.get("times", {"at_least": 1}), f"{path}.times")
        days = raw.get("within_days")
        if days is not None:
            days = self.whole(days, f"{path}.within_days", 1, MAX_DAYS, "days")
        return ActivityTest(type_, where, at_least, at_most, days)

    def times(self, raw: Any, path: str) -> tuple[int | None, int | None]:
        known = {"at_least", "at_most", "exactly"}
        if not isinstance(raw, dict) or not raw or set(raw) - known:
            self.wrong(path, 'Write how often, such as {"at_least": 3}, at_most or exactly.')
            return None, None
        counts = {
            name: self.whole(count, f"{path}.{name}", 0, MAX_TIMES, "times")
            for name, count in raw.items()
        }
        if "exactly" in counts:
            return counts["exactly"], counts["exactly"]
        return counts.get("at_least"), counts.get("at_most")

    def where(self, raw: Any, path: str) -> tuple[FieldTest, ...]:
        if not isinstance(raw, dict) or len(raw) > 20:
            self.wrong(path, 'Write properties such as {"url": {"contains": "/pricing"}}.')
            return ()
        tests = [self.property_test(key, test, f"{path}.{key}") for key, test in raw.items()]
        return tuple(test for test in tests if test is not None)

    def property_test(self, key: str, raw: Any, path: str) -> FieldTest | None:
        if not key or len(key) > 60 or "\0" in key:
            self.wrong(path[:200], "Name a property with 1 to 60 characters.")
            return None
        field = property_field(key)
        if not isinstance(raw, dict):
            return self.test(field, "is", raw, path)
        if len(raw) != 1:
            self.wrong(path, 'Write one test, such as {"contains": "/pricing"}.')
            return None
        ((op, value),) = raw.items()
        return self.test(field, op, value, path)

    def only(self, raw: dict[str, Any], path: str, known: set[str]) -> None:
        for key in raw.keys() - known:
            shown = clean_text(str(key), limit=60)
            self.wrong(f"{path}.{shown}", f"“{shown}” has no meaning here. Remove it.", "unknown")


def is_segment(public_id: str) -> bool:
    return Segment.objects.filter(public_id=public_id, archived_at=None).exists()


def property_field(key: str) -> Field:
    """A property of an activity, as a field of the alias `a`."""
    column = WHERE_COLUMNS.get(key)
    if column:
        return Field(key, key, Type.CUSTOM, column)
    return Field(key, key, Type.CUSTOM, "(a.properties ->> %s)", params=(key,))


def _moment(raw: Any) -> datetime | Day | None:
    if not isinstance(raw, str) or len(raw) > 40:
        return None
    try:
        day, moment = parse_date(raw), parse_datetime(raw)
    except ValueError:
        return None
    if day is not None:
        return _whole_day(day)
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole_day(day: date) -> Day | None:
    if day.year not in YEARS:
        return None
    start = datetime.combine(day, time(), tzinfo=UTC)
    return Day(start, start + timedelta(days=1))


def _start(value: Any) -> Any:
    return value.start if isinstance(value, Day) else value
