"""What the apps above know of how sales ended, and of what would follow if leads moved.

Scoring asks without knowing them: each registers in its own `foresight.py`. Nothing is written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

# How sales ended ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sale:
    """One pass of a lead through the funnel. `won` is None while it is open."""

    lead_id: int
    cycle: int
    opened_at: datetime
    mql_at: datetime | None = None
    sql_at: datetime | None = None
    accepted_at: datetime | None = None
    rejected_at: datetime | None = None
    rejected_reason: str = ""
    closed_at: datetime | None = None
    won: bool | None = None
    lost_reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Sales that closed, or that sales people sent back, in a stretch of time; newest first."""

    since: datetime
    until: datetime
    limit: int = 5_000


Sales = Callable[[Asked], Iterable[Sale]]
_sales: list[Sales] = []


def tells_sales(find: Sales) -> Sales:
    _sales.append(find)
    return find


def sales(asked: Asked) -> list[Sale]:
    """At most `limit` of them from each app that knows any."""
    return [sale for find in _sales for sale in find(asked)]


OpenSales = Callable[[int, int], Iterable[int]]
_open: list[OpenSales] = []


def tells_open_sales(find: OpenSales) -> OpenSales:
    """Register what gives the next leads with an open sale: `(after this id, at most)`."""
    _open.append(find)
    return find


def leads_with_open_sales(*, after: int, limit: int) -> list[int]:
    """The next ids, in order."""
    return sorted({lead for find in _open for lead in find(after, limit)})[:limit]


# What would follow --------------------------------------------------------------------------------

Leads = frozenset[int]


@dataclass(frozen=True, slots=True)
class Moves:
    """Leads that would come to be something, and that would cease to be it.

    Keys: `cold`, `warm`, `hot`, and the kinds of qualification `mql`, `sql`, `pql`.
    """

    come: Mapping[str, Leads] = field(default_factory=dict)
    cease: Mapping[str, Leads] = field(default_factory=dict)

    def coming(self, key: str) -> Leads:
        return self.come.get(key, frozenset())

    def ceasing(self, key: str) -> Leads:
        return self.cease.get(key, frozenset())


@dataclass(frozen=True, slots=True)
class Consequence:
    """What would start and stop for how many leads. `kind` as in “Drip campaign”."""

    kind: str
    name: str
    href: str
    starts: int = 0
    stops: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Work for one person or queue. No `room`: no limit is set.

    `now`: open leads. `more`: leads of nobody yet that would be given. `ready`: own leads that
    would become hot or sales-qualified, less those that would cease to be.
    """

    name: str
    href: str
    now: int
    more: int = 0
    ready: int = 0
    room: int | None = None

    @property
    def over(self) -> int:
        """By how many leads it would be too much."""
        return max(0, self.now + self.more - self.room) if self.room is not None else 0


Follows = Callable[[Moves], Iterable[Consequence]]
Loads = Callable[[Moves], Iterable[Load]]
_follows: list[Follows] = []
_loads: list[Loads] = []


def tells_consequences(find: Follows) -> Follows:
    _follows.append(find)
    return find


def tells_load(find: Loads) -> Loads:
    _loads.append(find)
    return find


def consequences(moves: Moves) -> list[Consequence]:
    return [row for find in _follows for row in find(moves)]


def loads(moves: Moves) -> list[Load]:
    return [row for find in _loads for row in find(moves)]
