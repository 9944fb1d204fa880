"""When leads came to be worth more, as the apps above know it.

Each app that knows any registers in its own `milestones.py`. Nothing is written.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

KINDS = ("mql", "sql", "won")


@dataclass(frozen=True, slots=True)
class Milestone:
    """`value`: what was sold; None where nothing was, or in several currencies."""

    lead_id: int
    kind: str
    at: datetime
    value: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """From `since` on, before `until`."""

    since: datetime
    until: datetime
    kinds: Collection[str] = KINDS


Find = Callable[[Asked], Iterable[Milestone]]
_find: list[Find] = []


def tells_milestones(find: Find) -> Find:
    _find.append(find)
    return find


def milestones(asked: Asked) -> Iterator[Milestone]:
    """Of each kind in the order of time; those of test, merged and deleted leads are not told."""
    for find in _find:
        yield from find(asked)
