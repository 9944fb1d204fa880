"""Asking a stored decision: why not somebody, what if, and whether it comes out the same again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leadcrm.accounts.models import User
from pipeline.models import RoutingDecision
from pipeline.routing import (
    CURE_FOR,
    Candidate,
    Choice,
    Demand,
    choose,
    choose_named,
    from_json,
    what_if,
)

CURE_WORDS = {
    "on_shift": "at work then",
    "present": "not away",
    "with_room": "below every cap",
    "not_paused": "not paused in the pool",
    "active": "an account that is on",
    "fitting": "the skills, language and territory asked for",
    "asked_again": "not refused it before",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """A person's place in the rotation before and after."""

    user_id: int
    name: str
    before: int
    after: int
    weight: int

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why somebody did not get the lead. `cures`: what, had it been so, would have let them."""

    user: User
    words: str
    was_chosen: bool = False
    is_candidate: bool = False
    cures: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Supposed:
    """Who would have got it, had something been so for one person."""

    words: str
    chosen: str
    changes: bool


def candidates_in(decision: RoutingDecision) -> list[Candidate]:
    return from_json(decision.candidates)


def demand_in(decision: RoutingDecision) -> Demand | None:
    """What the pool asked then; None where no pool was asked."""
    stored: dict[str, Any] | None = decision.inputs.get("demand")
    if stored:
        known = set(Demand.__dataclass_fields__)
        return Demand(**{key: value for key, value in stored.items() if key in known})
    return Demand(method=decision.pool.method) if decision.pool else None


def replay(decision: RoutingDecision) -> Choice:
    """The choice made once more from the stored facts."""
    people, demand = candidates_in(decision), demand_in(decision)
    if not people:
        return Choice(None, ())
    if demand is not None:
        return choose(demand, people)
    choices = [choose_named(person) for person in people]
    chosen = next((choice.chosen for choice in choices if choice.chosen), None)
    return Choice(chosen, tuple(v for choice in choices for v in choice.verdicts))


def stood_behind(decision: RoutingDecision) -> bool:
    """Whether somebody could have had it, but older leads waited for them."""
    someone = any(row.get("eligible") for row in decision.candidates)
    return decision.chosen_id is None and decision.pool_id is not None and someone


def comes_out_the_same(decision: RoutingDecision) -> bool:
    if stood_behind(decision):
        return True
    chosen = replay(decision).chosen
    return (chosen.user_id if chosen else None) == decision.chosen_id


def turns(decision: RoutingDecision) -> list[Turn]:
    before, after = decision.rotation_before, decision.rotation_after
    return [
        Turn(
            row["user"],
            row["name"],
            int(before.get(str(row["user"]), 0)),
            int(after.get(str(row["user"]), 0)),
            int(row.get("weight", 1)),
        )
        for row in decision.candidates
        if str(row["user"]) in before
    ]


def why_not(decision: RoutingDecision, user: User) -> WhyNot:
    """In words for people; every reason that is there, the first one first."""
    row = next((c for c in decision.candidates if c["user"] == user.pk), None)
    if decision.chosen_id == user.pk:
        return WhyNot(user, f"{user.name} did get it.", was_chosen=True, is_candidate=True)
    if row is None:
        return WhyNot(user, _not_asked(decision, user))
    if not row["eligible"]:
        cures = _cures(decision, user)
        return WhyNot(user, row["detail"], is_candidate=True, cures=cures)
    if stood_behind(decision):
        words = f"{user.name} had room, but older leads waited for this pool. They went first."
    else:
        words = _not_the_turn(decision, row)
    return WhyNot(user, words, is_candidate=True)


def _not_asked(decision: RoutingDecision, user: User) -> str:
    """Never a candidate: the rule that decided did not name them."""
    if decision.pool is not None:
        return (
            f"{user.name} was not in the pool {decision.pool} then, "
            f"and the rule “{decision.rule_name}” decided."
        )
    if decision.rule_name:
        return f"The rule “{decision.rule_name}” decided, and it names somebody else."
    return "No rule matched, so nobody was asked; the lead went to the fallback queue."


def _not_the_turn(decision: RoutingDecision, row: dict[str, Any]) -> str:
    chosen = decision.chosen
    name, demand = row["name"], demand_in(decision)
    winner = next((c for c in decision.candidates if c["user"] == decision.chosen_id), None)
    if demand is None or winner is None or chosen is None:
        return f"{name} could have had it, but was not the one named."
    if demand.method == "least_open":
        return (
            f"{name} had {row['open_leads']} open leads at weight {row['weight']}, "
            f"{chosen} {winner['open_leads']} at weight {winner['weight']}: the fewest go first."
        )
    if demand.method == "priority":
        return f"{chosen} stands before {name} in the list and had room."
    before = decision.rotation_before
    mine = int(before.get(str(row["user"]), 0)) + row["weight"]
    theirs = int(before.get(str(winner["user"]), 0)) + winner["weight"]
    if theirs >= mine:
        return (
            f"It was {chosen}’s turn: with their weight {chosen} had {theirs} in the rotation, "
            f"{name} {mine}. {name} comes the sooner for it."
        )
    return f"{chosen} fits the lead better, and the pool prefers who fits."


def _cures(decision: RoutingDecision, user: User) -> list[str]:
    """What it takes, one obstacle after another, until the person could have had it."""
    demand = demand_in(decision)
    found: list[str] = []
    if demand is None:
        return found
    for _ in CURE_WORDS:
        verdict = what_if(demand, candidates_in(decision), user.pk, found).verdict_of(user.pk)
        if verdict is None or verdict.code is None:
            break
        found.append(CURE_FOR[verdict.code])
    return found


def suppose(decision: RoutingDecision, user: User, cures: Sequence[str]) -> Supposed | None:
    """The choice once more, had something been so for this person; None where nobody chose."""
    demand = demand_in(decision)
    known = [cure for cure in cures if cure in CURE_WORDS]
    if demand is None or not known:
        return None
    choice = what_if(demand, candidates_in(decision), user.pk, known)
    verdict = choice.verdict_of(user.pk)
    if verdict is None:
        return None
    had = " and ".join(CURE_WORDS[cure] for cure in known)
    chosen = choice.chosen
    changes = (chosen.user_id if chosen else None) != decision.chosen_id
    if chosen is not None and chosen.user_id == user.pk:
        words = f"Then {user.name} would have got it."
    elif verdict.code is not None:
        words = f"Still not {user.name}: {verdict.detail[:1].lower()}{verdict.detail[1:]}"
    elif chosen is not None:
        words = f"Then {user.name} could have had it, but it was {chosen.name}’s turn."
    else:
        words = "Still nobody could have had it."
    return Supposed(f"Had it been {had}: {words}", chosen.name if chosen else "", changes)
