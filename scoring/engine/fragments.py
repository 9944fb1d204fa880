"""Pieces of SQL with their parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fragment:
    sql: str
    params: tuple[Any, ...] = ()

    def named(self, name: str) -> "Fragment":
        return Fragment(f"{self.sql} AS {name}", self.params)


def joined(separator: str, fragments: Iterable[Fragment]) -> Fragment:
    parts = list(fragments)
    return Fragment(
        separator.join(part.sql for part in parts),
        tuple(value for part in parts for value in part.params),
    )


def template(text: str, *fragments: Fragment) -> Fragment:
    """`text` with each `{}` replaced by a fragment, in order."""
    return Fragment(
        text.format(*(part.sql for part in fragments)),
        tuple(value for part in fragments for value in part.params),
    )
