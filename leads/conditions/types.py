"""What conditions can be about: fields of a lead, and groups that it can be in."""

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
    """`sql` speaks of the aliases `lead` and `score`, and of the present as `{moment}`.

    `computed`: made by scoring, so that scoring rules cannot ask for it. `changes`: SQL of the
    moments at which the passing of time alone gives the field another value.
    """

    key: str
    label: str
    type: Type
    sql: str
    choices: Choices | Callable[[], Choices] = ()
    group: str = "Lead"
    computed: bool = False
    params: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def options(self) -> Choices:
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True, slots=True)
class Membership:
    """Something that a lead is in or has, asked for as `{"<key>": "<value>"}`.

    `sql` is a boolean with one `%s` for the value, `actual` the text of what the lead has, `words`
    says it in English with `{}` for the name. `is_open`: values that are no option (yet) are fine,
    such as tags that nobody has used.
    """

    key: str
    label: str
    sql: str
    actual: str
    words: str
    options: Callable[[], Choices]
    computed: bool = False
    is_open: bool = False

    def name_of(self, value: str) -> str:
        return value if self.is_open else dict(self.options()).get(value, value)

    def knows(self, value: str) -> bool:
        return self.is_open or any(value == key for key, _ in self.options())
