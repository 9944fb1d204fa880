"""Reading values: text, numbers, dates, choices, and lists of them."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime

from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.conditions.operators import NOTHING, OPERATORS, ORDERED, PARTIAL, RELATIVE
from leads.conditions.parsing.limits import MAX_DAYS, MAX_NUMBER, MAX_TEXT, MAX_VALUES, YEARS
from leads.conditions.tree import Day, FieldTest
from leads.conditions.types import Field, Type

One = Callable[[Any, str], Any]
SHOWN_OPTIONS = 30


class Values:
    """Collects mistakes; every reader gives None where there was one."""

    def __init__(self, *, check_choices: bool) -> None:
        self.mistakes: list[FieldError] = []
        self.check_choices = check_choices

    def raise_mistakes(self) -> None:
        if self.mistakes:
            only = len(self.mistakes) == 1
            detail = self.mistakes[0].message if only else "The condition has several mistakes."
            raise Invalid(detail, errors=self.mistakes)

    def wrong(self, path: str, message: str, code: str = "invalid") -> None:
        self.mistakes.append(FieldError(path, message, code))

    def only(self, raw: dict[str, Any], path: str, known: set[str]) -> None:
        for key in raw.keys() - known:
            shown = clean_text(str(key), limit=60)
            self.wrong(f"{path}.{shown}", f"“{shown}” has no meaning here. Remove it.", "unknown")

    # Tests ----------------------------------------------------------------------------------------

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
        if op in NOTHING:
            return None
        if op in RELATIVE:
            return self.whole(raw, path, 0, MAX_DAYS, "days")
        one = self.reader_of(field, op)
        if op == "between":
            return self.pair(raw, path, one)
        if op in ("in", "not_in") or (op in PARTIAL and isinstance(raw, list)):
            return self.several(raw, path, one)
        read = one(raw, path)
        return (read,) if op in PARTIAL else read

    def reader_of(self, field: Field, op: str) -> One:
        if field.type in (Type.CHOICE, Type.SEVERAL):
            return lambda raw, path: self.choice(field, raw, path)
        if field.type is Type.CUSTOM:
            return self.number if op in ORDERED else self.loose_text
        return {
            Type.TEXT: self.text,
            Type.NUMBER: self.number,
            Type.BOOLEAN: self.boolean,
            Type.DATE: self.moment,
        }[field.type]

    def pair(self, raw: Any, path: str, one: One) -> tuple[Any, Any] | None:
        if not isinstance(raw, list) or len(raw) != 2:
            self.wrong(path, "Give two values, the lower first: [10, 20].")
            return None
        low, high = one(raw[0], f"{path}.0"), one(raw[1], f"{path}.1")
        if low is None or high is None:
            return None
        if start_of(low) > start_of(high):
            self.wrong(path, "Give the lower value first.")
            return None
        return low, high

    def several(self, raw: Any, path: str, one: One) -> tuple[Any, ...] | None:
        if not isinstance(raw, list) or not 0 < len(raw) <= MAX_VALUES:
            self.wrong(path, f"Give a list of 1 to {MAX_VALUES} values.")
            return None
        return tuple(one(item, f"{path}.{index}") for index, item in enumerate(raw))

    # Single values --------------------------------------------------------------------------------

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
        """Built-in choices may be written as people see them; those of tables by their key."""
        value = self.text(raw, path)
        listed = callable(field.choices)
        if value is None or (listed and not self.check_choices):
            return value
        known = dict(field.options)
        if value in known:
            return value
        folded = value.casefold()
        same = [k for k, label in known.items() if folded in (k.casefold(), label.casefold())]
        if len(same) == 1 and not listed:
            return same[0]
        shown = list(known.items())[:SHOWN_OPTIONS]
        options = ", ".join(f"{key} ({label})" if listed else key for key, label in shown)
        self.wrong(path, f"“{field.label}” is one of: {options or 'none yet'}.", "unknown_choice")
        return None

    def moment(self, raw: Any, path: str) -> datetime | Day | None:
        found = moment_of(raw)
        if found is None or start_of(found).year not in YEARS:
            self.wrong(path, "Write a date such as 2026-03-31.", "not_a_date")
            return None
        return found


def moment_of(raw: Any) -> datetime | Day | None:
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


def start_of(value: Any) -> Any:
    return value.start if isinstance(value, Day) else value
