"""What a field of conditions is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"
    SEVERAL = "several"  # some of a list of options, as a JSON list
    CUSTOM = "custom"  # what activities carry: text, or a number where the value is one


Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """`computed`: made by scoring, so that scoring rules cannot ask for it."""

    key: str
    label: str
    type: Type
    sql: str
    choices: Choices | Callable[[], Choices] = ()
    group: str = "Lead"
    computed: bool = False
    params: tuple[str, ...] = ()

    @property
    def options(self) -> Choices:
        return self.choices() if callable(self.choices) else self.choices
