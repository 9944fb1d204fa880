"""Values as people type them, and back."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from leads.conditions.operators import ORDERED, PARTIAL, RELATIVE
from leads.conditions.types import Type

WHOLE = re.compile(r"[0-9]{1,9}")
LISTS = ("in", "not_in", *PARTIAL)  # one value, or several with commas
CHOICES = (Type.CHOICE, Type.SEVERAL)


def joined(values: Iterable[Any]) -> str:
    """Several values in one line; one that holds a comma is quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text_of(value) for value in values])
    return line.getvalue().replace(",", ", ") if '"' not in line.getvalue() else line.getvalue()


def parted(line: str) -> list[str]:
    rows = csv.reader([" ".join(line.splitlines())], skipinitialspace=True)
    return [value.strip() for row in rows for value in row if value.strip()]


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def value_of(type_: Type, op: str, values: tuple[str, ...]) -> Any:
    """What the tree holds for these inputs; what cannot be read stays text, and is refused."""
    if op in RELATIVE:
        return whole(values[0])
    if op in LISTS:
        several = values if type_ in CHOICES else [v for value in values for v in parted(value)]
        return [_single(type_, op, value) for value in several if value]
    if op == "between":
        return [_single(type_, op, value) for value in (*values, "", "")[:2]]
    return _single(type_, op, values[0])


def _single(type_: Type, op: str, value: str) -> Any:
    if type_ is Type.NUMBER or (type_ is Type.CUSTOM and op in ORDERED):
        return number(value)
    if type_ is Type.BOOLEAN:
        return {"true": True, "false": False}.get(value, value)
    return value.strip()


def whole(text: str) -> Any:
    return int(text) if WHOLE.fullmatch(text.strip()) else text


def number(text: str) -> Any:
    cleaned = text.strip().replace(" ", "")
    try:
        found = float(cleaned)
    except ValueError:
        return text
    return int(found) if found.is_integer() and abs(found) < 1e15 else found
