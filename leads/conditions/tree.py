"""A condition after reading: values are of the right type, fields exist."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.conditions.types import Field, Membership


@dataclass(frozen=True, slots=True)
class Day:
    """A moment given as a day holds for all of it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FieldTest:
    """`value` fits the operator: one value, a tuple of values, a number of days, or None."""

    field: Field
    op: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretch of time counts, in days back from now or between two dates."""

    within_days: int | None = None
    older_than_days: int | None = None
    since: datetime | Day | None = None
    until: datetime | Day | None = None


EVER = Window()


@dataclass(frozen=True, slots=True)
class Happening:
    """What somebody did, or how they came: `source` is activity or touch.

    `where` are tests of its own properties. `measure` says what is asked of those that match: how
    many there are (count), how many different values of the property `of` (distinct), their total
    (sum), or when it was `first` or `last`, which `when` tests.
    """

    source: str
    type: str = ""
    where: tuple[FieldTest, ...] = ()
    measure: str = "count"
    of: Field | None = None
    at_least: float | None = None
    at_most: float | None = None
    when: FieldTest | None = None
    window: Window = EVER


@dataclass(frozen=True, slots=True)
class MembershipTest:
    membership: Membership
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    child: "Node"


@dataclass(frozen=True, slots=True)
class Group:
    """`every`: all children must hold; else one is enough."""

    every: bool
    children: tuple["Node", ...]


Leaf = FieldTest | Happening | MembershipTest
Node = Leaf | Not | Group
