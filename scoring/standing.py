"""What is known of a lead by the framework in use, and what to ask next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leads.models import Lead, LeadScore
from scoring import frameworks
from scoring.frameworks import Asking, Criterion
from scoring.models import BantAnswer, Level, ModelVersion, Rule

PREFIX = "bant."


@dataclass(frozen=True, slots=True)
class BantState:
    """The present answer of each criterion; `completeness` is the percentage that is known."""

    framework: Asking
    answers: dict[str, BantAnswer]

    @property
    def known(self) -> int:
        """How many of the framework's criteria; what is kept for another one does not count."""
        levels = (self.answers[key].level for key in self.framework.keys)
        return sum(level != Level.UNKNOWN for level in levels)

    @property
    def completeness(self) -> int:
        return self.known * 100 // max(len(self.framework.keys), 1)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask next; `gain`: the points that a clear yes would add to the score."""

    criterion: Criterion
    gain: int

    @property
    def words(self) -> str:
        return self.criterion.question or f"What about {self.criterion.label.lower()}?"


def bant_of(lead: Lead) -> BantState:
    return _state(lead, frameworks.active())


def _state(lead: Lead, framework: Asking, first: Sequence[str] = ()) -> BantState:
    keys = list(dict.fromkeys([*first, *framework.keys]))
    rows = lead.bant_answers.filter(superseded_at=None, dimension__in=keys)
    present = {answer.dimension: answer for answer in rows.select_related("answered_by")}
    return BantState(
        framework,
        {
            key: present.get(key, BantAnswer(lead=lead, dimension=key, level=Level.UNKNOWN))
            for key in keys
        },
    )


def contract_of(lead: Lead) -> BantState:
    """As the API promises it: budget, authority, need and timeline, and what is asked besides."""
    return _state(lead, frameworks.active(), frameworks.BANT.keys)


def history_of(lead: Lead, *, limit: int = 200) -> list[BantAnswer]:
    """The ledger, newest first; of all frameworks that ever asked."""
    rows = lead.bant_answers.select_related("answered_by").order_by("-at", "-pk")
    return list(rows[:limit])


# What to ask next ---------------------------------------------------------------------------------


def next_question(state: BantState, score: LeadScore) -> Question | None:
    """The unanswered criterion that would lift the score most; None when all is known.

    By the rules that count now, their caps included; of equals the one that weighs more.
    """
    open_ones = [
        criterion
        for criterion in state.framework.criteria
        if state.answers[criterion.key].level == Level.UNKNOWN
    ]
    if not open_ones:
        return None
    rules = _published_rules()
    room = _room(rules[0].version, score) if rules else 0
    best, worth = max(
        ((each, points_of(each.key, rules)) for each in open_ones),
        key=lambda pair: (min(pair[1], room), pair[1], pair[0].yes_points),
    )
    return Question(best, max(0, min(worth, room)))


def _published_rules() -> Sequence[Rule]:
    rows = Rule.objects.filter(
        version__model__is_default=True,
        version__state=ModelVersion.State.PUBLISHED,
        group=Rule.Group.BANT,
        enabled=True,
    )
    return list(rows.select_related("version"))


def _room(version: ModelVersion, score: LeadScore) -> int:
    """How many more points of this group still count."""
    return min(version.caps[Rule.Group.BANT] - score.bant, version.total_cap - score.score)


def points_of(key: str, rules: Iterable[Rule], level: str = Level.YES) -> int:
    """What rules about this one criterion give for a level."""
    return sum(rule.points for rule in rules if is_about(rule.condition, key, level))


def is_about(condition: Any, key: str, level: str) -> bool:
    """Whether this is a plain question for the criterion, which the level answers with yes."""
    if not isinstance(condition, dict) or condition.get("field") != f"{PREFIX}{key}":
        return False
    op, value = condition.get("op"), condition.get("value")
    return (op == "is" and value == level) or (
        op == "in" and isinstance(value, list) and level in value
    )
