"""Pieces of SQL with their parameters, and the sets of leads a statement runs over."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


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


class Scope(Protocol):
    """Which leads. `batch` selects their ids, `holds` restricts a column that names a lead."""

    def batch(self) -> Fragment: ...

    def holds(self, column: str) -> Fragment: ...


LIVE = "lead.merged_into_id IS NULL AND lead.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Ids:
    ids: Sequence[int]

    def batch(self) -> Fragment:
        return template(
            f"SELECT lead.id FROM leads_lead lead WHERE {{}} AND {LIVE}", self.holds("lead.id")
        )

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} = ANY(%s::bigint[])", (list(self.ids),))


@dataclass(frozen=True, slots=True)
class IdRange:
    """Ids from `first` up to, but not including, `end`."""

    first: int
    end: int

    def batch(self) -> Fragment:
        return template(
            f"SELECT lead.id FROM leads_lead lead WHERE {{}} AND {LIVE}", self.holds("lead.id")
        )

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} >= {self.first:d} AND {column} < {self.end:d}")


@dataclass(frozen=True, slots=True)
class Everyone:
    """The newest leads, up to `limit`; test entries aside."""

    limit: int

    def batch(self) -> Fragment:
        return Fragment(
            f"SELECT lead.id FROM leads_lead lead WHERE {LIVE} AND NOT lead.is_test "
            f"ORDER BY lead.created_at DESC, lead.id DESC LIMIT {self.limit:d}"
        )

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} IN (SELECT batch.id FROM batch)")
