"""The sets of leads a statement can run over."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from leads import conditions
from scoring.engine.fragments import Fragment, template

LIVE = "lead.merged_into_id IS NULL AND lead.deleted_at IS NULL"
REAL = f"{LIVE} AND NOT lead.is_test"


class Scope(Protocol):
    """Which leads. `batch` selects their ids, `holds` restricts a column that names a lead.

    With a `moment`, which is then SQL over `batch`, each row has one of its own, and a `place` that
    tells rows of the same lead apart.
    """

    @property
    def moment(self) -> str: ...

    def batch(self) -> Fragment: ...

    def holds(self, column: str) -> Fragment: ...


class _OneMoment:
    __slots__ = ()

    @property
    def moment(self) -> str:
        return ""


class _Selected(_OneMoment):
    """Those whose ids the batch selects."""

    __slots__ = ()

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} IN (SELECT batch.id FROM batch)")


@dataclass(frozen=True, slots=True)
class Ids(_OneMoment):
    ids: Sequence[int]

    def batch(self) -> Fragment:
        return template(
            f"SELECT lead.id FROM leads_lead lead WHERE {{}} AND {LIVE}", self.holds("lead.id")
        )

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} = ANY(%s::bigint[])", (list(self.ids),))


@dataclass(frozen=True, slots=True)
class IdRange(_OneMoment):
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
class Everyone(_Selected):
    """The newest leads, up to `limit` (None: all); test entries aside."""

    limit: int | None = None

    def batch(self) -> Fragment:
        newest = f" ORDER BY lead.created_at DESC, lead.id DESC LIMIT {self.limit or 0:d}"
        return Fragment(
            f"SELECT lead.id FROM leads_lead lead WHERE {REAL}{newest if self.limit else ''}"
        )

    def holds(self, column: str) -> Fragment:
        if self.limit is None:
            return Fragment("true")  # cheaper than asking of each whether it is among all
        return _Selected.holds(self, column)


@dataclass(frozen=True, slots=True)
class Sample(_Selected):
    """`size` leads, each as likely as any other; the same ones for the same seed."""

    size: int
    seed: int = 0

    def batch(self) -> Fragment:
        return Fragment(
            f"SELECT lead.id FROM leads_lead lead WHERE {REAL} "
            f"ORDER BY hashint8extended(lead.id, {self.seed:d}) LIMIT {self.size:d}"
        )


@dataclass(frozen=True, slots=True)
class Matching(_Selected):
    """Those who meet a condition now; test entries aside."""

    tree: Any
    limit: int | None = None

    def batch(self) -> Fragment:
        holds = conditions.compile(self.tree)
        limit = f" ORDER BY lead.id LIMIT {self.limit:d}" if self.limit else ""
        return Fragment(
            f"SELECT lead.id FROM {conditions.LEADS} WHERE {holds.sql} AND {REAL}{limit}",
            holds.params,
        )


@dataclass(frozen=True, slots=True)
class AtMoments:
    """Each lead at a moment of its own: closed cycles when they were qualified, say.

    Rows come back with their `place` in the list and their `at`; a lead may stand there twice.
    """

    pairs: Sequence[tuple[int, datetime]]

    @property
    def moment(self) -> str:
        return "batch.at"

    def batch(self) -> Fragment:
        return Fragment(
            "SELECT pair.id, pair.at, pair.place::int FROM unnest(%s::bigint[], %s::timestamptz[]) "
            "WITH ORDINALITY AS pair (id, at, place)",
            ([lead for lead, _ in self.pairs], [at for _, at in self.pairs]),
        )

    def holds(self, column: str) -> Fragment:
        return Fragment(f"{column} IN (SELECT batch.id FROM batch)")
