"""What becomes of values when their field gets another type."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from leads.fields.reading import BadValue, clean_value
from leads.fields.showing import as_text, plain
from leads.models.fields import FieldDefinition

Type = FieldDefinition.Type
NUMBERS = frozenset({Type.NUMBER, Type.INTEGER})
TEXTS = frozenset({Type.TEXT, Type.LONG_TEXT})
SHOWN = 8
FEW_OPTIONS = 12
OFTEN = 4  # a list of options is likely where each is chosen so often


@dataclass(frozen=True, slots=True)
class Stored:
    """A value with how many leads have it."""

    value: Any
    leads: int


@dataclass(slots=True)
class Conversion:
    """`changes` are pairs of JSON texts, old and new; `unfit` is what the type cannot hold."""

    leads: int = 0
    changes: list[tuple[str, str]] = field(default_factory=list)
    changed_leads: int = 0
    unfit: list[Stored] = field(default_factory=list)

    @property
    def unfit_leads(self) -> int:
        return sum(stored.leads for stored in self.unfit)

    @property
    def examples(self) -> list[tuple[str, int]]:
        return [(plain(stored.value)[:60], stored.leads) for stored in self.unfit[:SHOWN]]


def conversion(
    values: Iterable[Stored], new: FieldDefinition, *, old: FieldDefinition | None = None
) -> Conversion:
    """Read each value by the new definition; what would lose something does not fit.

    :param old: the definition until now; None for values that nobody has described.
    """
    found = Conversion()
    for stored in values:
        found.leads += stored.leads
        try:
            value = clean_value(new, _source(stored.value, new, old))
        except BadValue:
            found.unfit.append(stored)
            continue
        if value is None or _loses(stored.value, new):
            found.unfit.append(stored)
        elif value != stored.value or type(value) is not type(stored.value):
            found.changes.append((_json(stored.value), _json(value)))
            found.changed_leads += stored.leads
    return found


def _source(value: Any, new: FieldDefinition, old: FieldDefinition | None) -> Any:
    """Options are told by their labels, unless the new field has the same kind of options."""
    if old is None or (old.has_options and new.has_options) or old.type == new.type:
        return value
    return as_text(old, value) if old.has_options or old.type == Type.MONEY else value


def _loses(value: Any, new: FieldDefinition) -> bool:
    """Leading zeros of an order number, the lines of a long text."""
    if not isinstance(value, str):
        return False
    if new.type in NUMBERS:
        return bool(re.match(r"\s*[+-]?0\d", value))
    return new.type == Type.TEXT and "\n" in value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# ---- guessing what undescribed values are ----

_GUESSES = (Type.YES_NO, Type.INTEGER, Type.NUMBER, Type.DATE, Type.MOMENT, Type.EMAIL, Type.URL)
_MARKS: dict[str, str] = {Type.URL: "://", Type.EMAIL: "@"}


def guess_type(values: list[Stored]) -> str:
    """The narrowest type that holds nearly all of these values."""
    for type_ in _GUESSES:
        if values and all(_could_be(type_, stored.value) for stored in values):
            return type_
    if any(isinstance(stored.value, list) for stored in values):
        return Type.MULTI_SELECT
    texts = [plain(stored.value) for stored in values]
    if any("\n" in text or len(text) > 200 for text in texts):
        return Type.LONG_TEXT
    total = sum(stored.leads for stored in values)
    few = 1 < len(values) <= FEW_OPTIONS and total >= OFTEN * len(values)
    return Type.SELECT if few and all(len(text) <= 40 for text in texts) else Type.TEXT


def _could_be(type_: str, value: Any) -> bool:
    if type_ == Type.YES_NO:
        return isinstance(value, bool)
    if type_ in _MARKS and _MARKS[type_] not in str(value):
        return False
    probe = FieldDefinition(key="probe", label="Probe", type=type_)
    try:
        return clean_value(probe, value) is not None and not _loses(value, probe)
    except BadValue:
        return False


def guess_options(values: list[Stored]) -> list[str]:
    """Labels for the options of a list, the most frequent first."""
    labels: dict[str, None] = {}
    for stored in values:
        for item in stored.value if isinstance(stored.value, list) else [stored.value]:
            labels[plain(item)[:60]] = None
    return list(labels)[:100]
