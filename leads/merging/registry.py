"""How the rows that point to a lead go over when it is merged. Each app registers its own.

A row either moves to the lead that is left, or stays with the one that is merged, where nobody sees
it until the two are taken apart. A settling step resolves beforehand what may exist only once for a
lead, such as an open sales cycle; it writes through the journal, so that it is undone too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

from leadcrm.accounts.models import User
from leads.merging.journal import Journal
from leads.models import Lead


@dataclass(slots=True)
class Merging:
    """Two leads on their way to being one; both rows are locked and as the database has them.

    `choices`: for a field, whose value a person chose: "survivor" or "loser".
    """

    survivor: Lead
    loser: Lead
    at: datetime
    actor: User | None
    choices: Mapping[str, str] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the merged lead is known by, and since when the two are one: for telling apart later."""

    survivor_id: int
    loser_id: int
    since: datetime
    emails: frozenset[str]
    phones: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of the survivor that a person's identity claims."""

    model: type[Model]
    ids: Sequence[Any]
    changes: Mapping[str, Any] = field(default_factory=dict)  # columns that go along
    field: str = "lead"


Collides = Callable[[Merging], Q]
Finding = Callable[[Identity], Iterable[Found]]
Reconciling = Callable[[Lead, datetime], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`one`, `many`: how the dry run counts these rows; nothing: it does not tell.

    `collides`: those that stay because the other lead has the same already.
    """

    model: type[Model]
    field: str = "lead"
    one: str = ""
    many: str = ""
    moves: bool = True
    collides: Collides | None = None

    @property
    def key(self) -> str:
        return f"{self.model._meta.label}.{self.field}"


Settling = Callable[[Merging], None]


@dataclass(frozen=True, slots=True)
class Step:
    order: int
    key: str
    settle: Settling


RULES: dict[str, Rule] = {}
BEFORE: dict[str, Step] = {}
AFTER: dict[str, Step] = {}
FINDERS: list[Finding] = []
RECONCILERS: list[Reconciling] = []


def moves(
    model: type[Model],
    *,
    field: str = "lead",
    one: str = "",
    many: str = "",
    collides: Collides | None = None,
) -> None:
    """These rows belong to the lead that is left from now on."""
    rule = Rule(model, field, one, many or (f"{one}s" if one else ""), collides=collides)
    RULES[rule.key] = rule


def stays(model: type[Model], *, field: str = "lead", why: str) -> None:
    """These rows are left where they are. `why` is for whoever reads the registration."""
    rule = Rule(model, field, moves=False)
    RULES[rule.key] = rule


def before_moving(order: int) -> Callable[[Settling], Settling]:
    """Register what resolves collisions before rows move; apps do theirs in this order."""
    return _register(BEFORE, order)


def after_moving(order: int) -> Callable[[Settling], Settling]:
    """Register what puts the surviving lead's own columns right once all rows are its own."""
    return _register(AFTER, order)


def _register(steps: dict[str, Step], order: int) -> Callable[[Settling], Settling]:
    def register(settle: Settling) -> Settling:
        key = f"{settle.__module__}.{settle.__name__}"
        steps[key] = Step(order, key, settle)
        return settle

    return register


def in_order(steps: Mapping[str, Step]) -> list[Step]:
    return sorted(steps.values(), key=lambda step: (step.order, step.key))


def carrying_identity(find: Finding) -> Finding:
    """Register what finds rows, written after a merge, that are the merged lead's all the same."""
    FINDERS.append(find)
    return find


def after_taking_apart(reconcile: Reconciling) -> Reconciling:
    """Register what makes a lead's columns agree with its rows again after both were parted."""
    RECONCILERS.append(reconcile)
    return reconcile


def label_of(model: type[Model], count: int) -> str:
    """“3 inquiries”; empty for rows that nobody asks about."""
    rule = next((rule for rule in RULES.values() if rule.model is model and rule.moves), None)
    if rule is None or not rule.one:
        return ""
    return f"{count:,} {rule.one if count == 1 else rule.many}"
