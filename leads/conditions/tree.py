"""A condition after reading: values are of the right type, fields exist."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.conditions.types import Field


@dataclass(frozen=True, slots=True)
class FieldTest:
    """`value` fits the operator: one value, a tuple of values, a number of days, or None."""

    field: Field
    op: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class ActivityTest:
    """How often something happened; `where` are tests of the activity's own properties."""

    type: str
    where: tuple[FieldTest, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class TagTest:
    name: str


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """Whether the lead is in the segment with this public id."""

    public_id: str


@dataclass(frozen=True, slots=True)
class Not:
    child: "Node"


@dataclass(frozen=True, slots=True)
class Group:
    """`every`: all children must hold; else one is enough."""

    every: bool
    children: tuple["Node", ...]


Leaf = FieldTest | ActivityTest | TagTest | SegmentTest
Node = Leaf | Not | Group


@dataclass(frozen=True, slots=True)
class Day:
    """A moment given as a day holds for all of it."""

    start: datetime
    end: datetime
