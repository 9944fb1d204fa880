"""Where a field is used: every part of the product that names fields tells it here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast


@dataclass(frozen=True, slots=True)
class Use:
    """`kind` says what it is: a form, a rule, a saved view."""

    kind: str
    name: str
    href: str = ""


Finder = Callable[[str], Iterable[Use]]
_FINDERS: list[Finder] = []


def names_fields(finder: Finder) -> Finder:
    """Register a question: who uses the field of this name, such as `custom.plan`?"""
    _FINDERS.append(finder)
    return finder


def uses_of(name: str) -> Iterator[Use]:
    for finder in _FINDERS:
        yield from finder(name)


def naming(rows: Any, column: str, name: str) -> Any:
    """Rows whose JSON holds the name as a whole text, however deep."""
    return rows.annotate(said=Cast(column, TextField())).filter(said__contains=f'"{name}"')
