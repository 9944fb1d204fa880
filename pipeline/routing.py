"""Who is next: the choice among candidates and its explanation, from plain facts alone.

The same facts give the same choice, so a stored decision can be replayed, and asked what would
have happened had somebody been on shift.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class Method(StrEnum):
    WEIGHTED = "weighted"
    LEAST_OPEN = "least_open"
    PRIORITY = "priority"


class Match(StrEnum):
    IGNORE = "ignore"
    PREFER = "prefer"
    REQUIRE = "require"


class Exclusion(StrEnum):
    """Why somebody could not get a lead."""

    INACTIVE = "inactive"
    REFUSED = "refused"
    SKILL = "skill"
    LANGUAGE = "language"
    TERRITORY = "territory"
    PAUSED = "paused"
    ABSENT = "absent"
    OFF_SHIFT = "off_shift"
    AT_CAPACITY = "at_capacity"
    DAY_CAP = "day_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person with everything the choice looks at. Caps of None: no limit."""

    user_id: int
    name: str
    weight: int = 1
    credit: int = 0
    position: int = 0
    is_active: bool = True
    is_paused: bool = False
    is_absent: bool = False
    is_on_shift: bool = True
    open_leads: int = 0
    open_cap: int | None = None
    leads_today: int = 0
    day_cap: int | None = None
    speaks: bool = True
    is_local: bool = True
    lacks: str = ""  # the skills that are missing
    refused: str = ""  # how they refused this lead before


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How a pool shares, and what it asks of its people."""

    method: str = Method.WEIGHTED
    at_work_only: bool = True
    language: str = Match.IGNORE
    territory: str = Match.IGNORE


ANYBODY = Demand()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate could have the lead; `code` and `detail` say why not."""

    candidate: Candidate
    code: Exclusion | None
    detail: str = ""

    @property
    def is_eligible(self) -> bool:
        return self.code is None


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen candidate, if any, with all verdicts and the credits before and after."""

    chosen: Candidate | None
    verdicts: tuple[Verdict, ...]
    before: Mapping[int, int] = field(default_factory=dict)
    after: Mapping[int, int] = field(default_factory=dict)

    def verdict_of(self, user_id: int) -> Verdict | None:
        return next((v for v in self.verdicts if v.candidate.user_id == user_id), None)


def judge(candidate: Candidate, demand: Demand = ANYBODY) -> Verdict:
    """The first reason that keeps somebody from getting a lead, the most lasting one first."""
    for code, is_so, detail in _reasons(candidate, demand):
        if is_so:
            return Verdict(candidate, code, detail)
    return Verdict(candidate, None)


def _reasons(c: Candidate, demand: Demand) -> Iterator[tuple[Exclusion, bool, str]]:
    full = c.open_cap is not None and c.open_leads >= c.open_cap
    served = c.day_cap is not None and c.leads_today >= c.day_cap
    needs_language = demand.language == Match.REQUIRE
    needs_territory = demand.territory == Match.REQUIRE
    yield Exclusion.INACTIVE, not c.is_active, "The account is switched off."
    yield Exclusion.REFUSED, bool(c.refused), c.refused
    yield Exclusion.SKILL, bool(c.lacks), f"Lacks {c.lacks}."
    yield Exclusion.LANGUAGE, needs_language and not c.speaks, "Does not speak the language."
    yield Exclusion.TERRITORY, needs_territory and not c.is_local, "Works in other countries."
    yield Exclusion.PAUSED, c.is_paused, "Takes no leads from this pool for now."
    yield Exclusion.ABSENT, c.is_absent, "Away today."
    yield Exclusion.OFF_SHIFT, demand.at_work_only and not c.is_on_shift, "Outside working hours."
    yield Exclusion.AT_CAPACITY, full, f"{c.open_leads} of {c.open_cap} open leads."
    yield Exclusion.DAY_CAP, served, f"{c.leads_today} of {c.day_cap} new leads today."


def choose(demand: Demand, candidates: Sequence[Candidate]) -> Choice:
    """Pick one of those who can; the others keep their credit, so an absence is not made up for."""
    verdicts = tuple(judge(candidate, demand) for candidate in candidates)
    eligible = _closest([v.candidate for v in verdicts if v.is_eligible], demand)
    before = {c.user_id: c.credit for c in candidates}
    if not eligible:
        return Choice(None, verdicts, before, before)
    if demand.method == Method.LEAST_OPEN:
        chosen = min(eligible, key=lambda c: (c.open_leads / c.weight, c.position, c.user_id))
        return Choice(chosen, verdicts, before, before)
    if demand.method == Method.PRIORITY:
        chosen = min(eligible, key=lambda c: (c.position, c.user_id))
        return Choice(chosen, verdicts, before, before)
    chosen, after = _turn(eligible)
    return Choice(chosen, verdicts, before, {**before, **after})


def _closest(eligible: Sequence[Candidate], demand: Demand) -> list[Candidate]:
    """Those who fit best what the pool prefers: all of it before part of it before nothing."""
    fits = [_fit(c, demand) for c in eligible]
    best = max(fits, default=0)
    return [c for c, fit in zip(eligible, fits, strict=True) if fit == best]


def _fit(c: Candidate, demand: Demand) -> int:
    return (demand.language == Match.PREFER and c.speaks) + (
        demand.territory == Match.PREFER and c.is_local
    )


def choose_named(candidate: Candidate) -> Choice:
    """A person named by a rule answers for the lead: only an absence or a closed account counts,
    or that they refused this very lead."""
    c = candidate
    named = replace(
        c, is_paused=False, is_on_shift=True, open_cap=None, day_cap=None, lacks="", speaks=True
    )
    verdict = replace(judge(named), candidate=c)
    return Choice(c if verdict.is_eligible else None, (verdict,))


def _turn(eligible: Sequence[Candidate]) -> tuple[Candidate, dict[int, int]]:
    """Smooth weighted round robin (as in nginx): everybody earns a weight, the richest pays all."""
    earned = [replace(c, credit=c.credit + c.weight) for c in eligible]
    chosen = max(earned, key=lambda c: (c.credit, -c.position, -c.user_id))
    after = {c.user_id: c.credit for c in earned}
    after[chosen.user_id] -= sum(c.weight for c in eligible)
    return chosen, after


# What if? -----------------------------------------------------------------------------------------

CURES: Mapping[str, Mapping[str, Any]] = {
    "on_shift": {"is_on_shift": True},
    "present": {"is_absent": False},
    "with_room": {"open_cap": None, "day_cap": None},
    "not_paused": {"is_paused": False},
    "active": {"is_active": True},
    "fitting": {"speaks": True, "is_local": True, "lacks": ""},
    "asked_again": {"refused": ""},
}
CURE_FOR: Mapping[str, str] = {
    Exclusion.INACTIVE: "active",
    Exclusion.REFUSED: "asked_again",
    Exclusion.SKILL: "fitting",
    Exclusion.LANGUAGE: "fitting",
    Exclusion.TERRITORY: "fitting",
    Exclusion.PAUSED: "not_paused",
    Exclusion.ABSENT: "present",
    Exclusion.OFF_SHIFT: "on_shift",
    Exclusion.AT_CAPACITY: "with_room",
    Exclusion.DAY_CAP: "with_room",
}


def what_if(
    demand: Demand, candidates: Sequence[Candidate], user_id: int, cures: Sequence[str]
) -> Choice:
    """The choice once more, had `cures` been so for one person."""
    changes: dict[str, Any] = {}
    for cure in cures:
        changes |= CURES.get(cure, {})
    return choose(
        demand, [replace(c, **changes) if c.user_id == user_id else c for c in candidates]
    )


# Stored decisions ---------------------------------------------------------------------------------


def as_json(choice: Choice) -> list[dict[str, Any]]:
    """The verdicts as a decision stores them, complete enough for `from_json`."""
    return [_verdict_as_json(verdict) for verdict in choice.verdicts]


def _verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    facts = asdict(verdict.candidate)
    return {
        "user": facts.pop("user_id"),
        "eligible": verdict.is_eligible,
        "code": verdict.code,
        "detail": verdict.detail,
        **facts,
    }


def from_json(stored: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """The candidates of a stored decision, to replay it or to ask “what if?”."""
    facts = set(Candidate.__dataclass_fields__) - {"user_id"}
    return [
        Candidate(user_id=row["user"], **{key: row[key] for key in facts if key in row})
        for row in stored
    ]
