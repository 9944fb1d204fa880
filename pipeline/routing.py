"""Who is next: the choice among candidates and its explanation, from plain facts alone.

The same facts give the same choice, so a stored decision can be replayed, and asked what would
have happened had somebody been on shift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Method(StrEnum):
    WEIGHTED = "weighted"
    LEAST_OPEN = "least_open"
    PRIORITY = "priority"


class Exclusion(StrEnum):
    """Why somebody could not get a lead."""

    INACTIVE = "inactive"
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


def judge(candidate: Candidate) -> Verdict:
    """The first reason that keeps somebody from getting leads, the most lasting one first."""
    c = candidate
    if not c.is_active:
        return Verdict(c, Exclusion.INACTIVE, "The account is switched off.")
    if c.is_paused:
        return Verdict(c, Exclusion.PAUSED, "Takes no leads from this pool for now.")
    if c.is_absent:
        return Verdict(c, Exclusion.ABSENT, "Away today.")
    if not c.is_on_shift:
        return Verdict(c, Exclusion.OFF_SHIFT, "Outside working hours.")
    if c.open_cap is not None and c.open_leads >= c.open_cap:
        return Verdict(c, Exclusion.AT_CAPACITY, f"{c.open_leads} of {c.open_cap} open leads.")
    if c.day_cap is not None and c.leads_today >= c.day_cap:
        return Verdict(c, Exclusion.DAY_CAP, f"{c.leads_today} of {c.day_cap} new leads today.")
    return Verdict(c, None)


def choose(method: str, candidates: Sequence[Candidate]) -> Choice:
    """Pick one of those who can; the others keep their credit, so an absence is not made up for."""
    verdicts = tuple(judge(candidate) for candidate in candidates)
    eligible = [verdict.candidate for verdict in verdicts if verdict.is_eligible]
    before = {c.user_id: c.credit for c in candidates}
    if not eligible:
        return Choice(None, verdicts, before, before)
    if method == Method.LEAST_OPEN:
        chosen = min(eligible, key=lambda c: (c.open_leads / c.weight, c.position, c.user_id))
        return Choice(chosen, verdicts, before, before)
    if method == Method.PRIORITY:
        chosen = min(eligible, key=lambda c: (c.position, c.user_id))
        return Choice(chosen, verdicts, before, before)
    chosen, after = _turn(eligible)
    return Choice(chosen, verdicts, before, {**before, **after})


def choose_named(candidate: Candidate) -> Choice:
    """A person named by a rule answers for the lead: only an absence or a closed account counts."""
    c = candidate
    verdict = judge(replace(c, is_paused=False, is_on_shift=True, open_cap=None, day_cap=None))
    verdict = replace(verdict, candidate=c)
    return Choice(c if verdict.is_eligible else None, (verdict,))


def _turn(eligible: Sequence[Candidate]) -> tuple[Candidate, dict[int, int]]:
    """Smooth weighted round robin (as in nginx): everybody earns a weight, the richest pays all."""
    earned = [replace(c, credit=c.credit + c.weight) for c in eligible]
    chosen = max(earned, key=lambda c: (c.credit, -c.position, -c.user_id))
    after = {c.user_id: c.credit for c in earned}
    after[chosen.user_id] -= sum(c.weight for c in eligible)
    return chosen, after


def as_json(choice: Choice) -> list[dict[str, Any]]:
    """The verdicts as a decision stores them, complete enough for `from_json`."""
    return [_verdict_as_json(verdict) for verdict in choice.verdicts]


def _verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    c = verdict.candidate
    return {
        "user": c.user_id,
        "name": c.name,
        "eligible": verdict.is_eligible,
        "code": verdict.code,
        "detail": verdict.detail,
        "weight": c.weight,
        "credit": c.credit,
        "position": c.position,
        "is_active": c.is_active,
        "is_paused": c.is_paused,
        "is_absent": c.is_absent,
        "is_on_shift": c.is_on_shift,
        "open_leads": c.open_leads,
        "open_cap": c.open_cap,
        "leads_today": c.leads_today,
        "day_cap": c.day_cap,
    }


def from_json(stored: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """The candidates of a stored decision, to replay it or to ask “what if?”."""
    facts = set(Candidate.__dataclass_fields__) - {"user_id"}
    return [
        Candidate(user_id=row["user"], **{key: row[key] for key in facts if key in row})
        for row in stored
    ]
