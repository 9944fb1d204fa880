"""Which criteria are asked for: those of the framework in use, and those that come ready to use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadcrm.lib import memo
from scoring.models import BantCriterion, Level

MEMO = "frameworks"
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
Kind = BantCriterion.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that is asked. `points` for an answer by its level."""

    key: str
    label: str
    question: str = ""
    kind: str = Kind.TEXT.value
    options: Sequence[Mapping[str, Any]] = ()
    yes_points: int = 10
    partial_points: int = 5
    no_points: int = 0

    @property
    def points(self) -> dict[str, int]:
        return {
            Level.YES.value: self.yes_points,
            Level.PARTIAL.value: self.partial_points,
            Level.NO.value: self.no_points,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A framework as it is used; `is_stored` says whether somebody took it into the database."""

    key: str
    name: str
    criteria: tuple[Criterion, ...]
    is_active: bool = False
    is_stored: bool = False
    about: str = field(default="", compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(each.key for each in self.criteria)

    def criterion(self, key: str) -> Criterion | None:
        return next((each for each in self.criteria if each.key == key), None)


def _choice(*options: str) -> tuple[dict[str, str], ...]:
    """From “Decides alone | yes”."""
    split = (option.partition(" | ") for option in options)
    return tuple({"label": label, "level": level} for label, _, level in split)


ROLES = _choice(
    "Decides alone | yes",
    "Decides with others | partial",
    "Prepares the decision | partial",
    "Only uses it | no",
)
BUDGET = Criterion(
    key="budget", label="Budget", question="Is there a budget for this, and how much is it?",
    kind=Kind.MONEY.value, yes_points=14, partial_points=6, no_points=-6,
)  # fmt: skip
AUTHORITY = Criterion(
    key="authority", label="Authority", question="Who decides about this, and who signs?",
    kind=Kind.CHOICE.value, options=ROLES, yes_points=13, partial_points=6,
)  # fmt: skip
NEED = Criterion(
    key="need", label="Need", question="What hurts most today, and what does it cost you?",
    yes_points=10, partial_points=5, no_points=-10,
)  # fmt: skip
TIMELINE = Criterion(
    key="timeline", label="Timeline", question="When must it be up and running?",
    kind=Kind.DATE.value, yes_points=11, partial_points=5,
)  # fmt: skip


def _as(criterion: Criterion, label: str, question: str) -> Criterion:
    """The same criterion under another framework's name: it shares its answers."""
    return Criterion(
        key=criterion.key, label=label, question=question, kind=criterion.kind,
        options=criterion.options, yes_points=criterion.yes_points,
        partial_points=criterion.partial_points, no_points=criterion.no_points,
    )  # fmt: skip


BANT = Asking(
    key="bant",
    name="BANT",
    criteria=(BUDGET, AUTHORITY, NEED, TIMELINE),
    about="Budget, authority, need and timeline: quick, good for a first call.",
)
CHAMP = Asking(
    key="champ",
    name="CHAMP",
    criteria=(
        _as(NEED, "Challenges", "Which challenge made you look for something new?"),
        _as(AUTHORITY, "Authority", "Who else is part of this decision?"),
        _as(BUDGET, "Money", "What would you set aside to solve this?"),
        _as(TIMELINE, "Priority", "Where does this stand among your priorities, and by when?"),
    ),
    about="Challenges first, then authority, money and priority. Shares its answers with BANT.",
)
METRICS = Criterion(
    key="metrics", label="Metrics", question="Which number must get better, and by how much?",
    yes_points=8, partial_points=4,
)  # fmt: skip
COMPARISON = Criterion(
    key="decision_criteria", label="Decision criteria",
    question="By what will you compare the options?", yes_points=6, partial_points=3,
)  # fmt: skip
PROCESS = Criterion(
    key="decision_process", label="Decision process",
    question="What are the steps from today to a signature?", yes_points=7, partial_points=3,
)  # fmt: skip
CHAMPION = Criterion(
    key="champion", label="Champion",
    question="Who inside wants this to happen, and would say so?",
)  # fmt: skip
MEDDIC = Asking(
    key="meddic",
    name="MEDDIC",
    criteria=(
        METRICS,
        _as(AUTHORITY, "Economic buyer", "Who can say yes when everybody else says no?"),
        COMPARISON,
        PROCESS,
        _as(NEED, "Identified pain", "What happens if nothing changes?"),
        CHAMPION,
    ),
    about="For long sales with many people. Economic buyer and pain share answers with BANT.",
)
PRESETS = {each.key: each for each in (BANT, CHAMP, MEDDIC)}


# ---- what is used ----


def stored() -> dict[str, Asking]:
    """Frameworks somebody changed or chose, with their criteria; read once for each request."""
    return memo.once(MEMO, _read)


def _read() -> dict[str, Asking]:
    rows = BantCriterion.objects.select_related("framework")
    found: dict[str, list[BantCriterion]] = {}
    for row in rows.order_by("framework__name", "framework_id", "position", "pk"):
        found.setdefault(row.framework.key, []).append(row)
    return {key: _asking(criteria) for key, criteria in found.items()}


def _asking(rows: Sequence[BantCriterion]) -> Asking:
    framework = rows[0].framework
    preset = PRESETS.get(framework.key)
    return Asking(
        key=framework.key,
        name=framework.name,
        criteria=tuple(_criterion(row) for row in rows),
        is_active=framework.is_active,
        is_stored=True,
        about=preset.about if preset else "",
    )


def _criterion(row: BantCriterion) -> Criterion:
    return Criterion(
        key=row.key, label=row.label, question=row.question, kind=row.kind,
        options=tuple(row.options), yes_points=row.yes_points,
        partial_points=row.partial_points, no_points=row.no_points,
    )  # fmt: skip


def active() -> Asking:
    """The framework in use; BANT where nobody chose another."""
    found = stored()
    return next((each for each in found.values() if each.is_active), found.get("bant", BANT))


def everything() -> list[Asking]:
    """All there are: those in the database, then those that come with the product."""
    found = stored()
    return [*found.values(), *(each for key, each in PRESETS.items() if key not in found)]


def find(key: str) -> Asking | None:
    return stored().get(key) or PRESETS.get(key)


def known() -> dict[str, Criterion]:
    """Every criterion whose answers are understood, by key; the framework in use names it first."""
    used = active()
    frameworks = [used, BANT, *(each for each in stored().values() if each.key != used.key)]
    criteria: dict[str, Criterion] = {}
    for framework in frameworks:
        for criterion in framework.criteria:
            criteria.setdefault(criterion.key, criterion)
    return criteria


def asked_sql() -> str:
    """The keys of the framework in use as a list in SQL. They are names that cannot break it."""
    keys = [key for key in active().keys if NAME.fullmatch(key)]
    return "(" + ", ".join(f"'{key}'" for key in keys or ["-"]) + ")"
