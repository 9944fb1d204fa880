"""What would lift a lead to sales-qualified: the smallest sets of answers, deeds and facts.

Every set shown was tried by the same statement that scores; what is only added up chooses which
sets are tried first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from leads import conditions
from scoring.describing import words_of
from scoring.engine.hindsight import tells_the_outcome
from scoring.explain.worlds import Outcome, World, deed_for, look
from scoring.models import ModelVersion, Rule

SHOWN = 4
MOST_STEPS = 30
MOST_TRIED = 24
CANDIDATES = 9
MOST_TIMES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """`kind`: answer (somebody asks), fact (somebody finds out), deed (the lead does it)."""

    kind: str
    text: str
    world: World
    gain: int = 0
    enough: bool = False
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    steps: tuple[Step, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Lift:
    """`holds`: the lead is there already. `missing`: what no step can bring, in words."""

    score: int
    holds: bool
    ways: tuple[Way, ...] = ()
    steps: tuple[Step, ...] = ()  # each alone, the most points first
    missing: str = ""


def lift(
    version: ModelVersion,
    rules: Sequence[Rule],
    *,
    lead_id: int,
    present: Mapping[str, str],
    criteria: Mapping[str, str],
    points: Mapping[str, int],
    at: datetime,
) -> Lift | None:
    """None when no condition says who is sales-qualified.

    :param present: the level of each answered criterion; `criteria`: the labels of all.
    :param points: what each rule gives now, by its uid, in hundredths.
    """
    if version.sql is None:
        return None
    trial = _Trial(version, rules, lead_id, version.sql, at)
    now = trial.look(World())
    if now.holds:
        return Lift(now.score, holds=True)
    steps = trial.weighed(_steps(version, rules, present, criteria, points), now)
    ways = tuple(trial.ways(steps, now))
    return Lift(
        now.score,
        holds=False,
        ways=ways,
        steps=steps,
        missing="" if ways else trial.missing(),
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    version: ModelVersion
    rules: Sequence[Rule]
    lead_id: int
    condition: Any
    at: datetime

    def look(self, world: World) -> Outcome:
        return look(
            self.version,
            self.rules,
            world,
            lead_id=self.lead_id,
            condition=self.condition,
            at=self.at,
        )

    def weighed(self, steps: Iterator[Step], now: Outcome) -> tuple[Step, ...]:
        """Each step tried alone; those that change nothing are left out."""
        found = []
        for step in _first(steps, MOST_STEPS):
            then = self.look(step.world)
            if then.score > now.score or then.holds or step.kind == "answer":
                gain = then.score - now.score
                found.append(Step(step.kind, step.text, step.world, gain, then.holds, step.uid))
        return tuple(sorted(found, key=lambda step: (-step.gain, step.text)))

    def ways(self, steps: Sequence[Step], now: Outcome) -> list[Way]:
        """The sets with the fewest steps; the likeliest are tried first."""
        single = sorted((s for s in steps if s.enough), key=lambda s: (s.kind != "answer", -s.gain))
        if single:
            return [Way((step,), now.score + step.gain) for step in single[:SHOWN]]
        tried = MOST_TRIED
        for size in (2, 3, 4):
            found, tried = self.sets_of(size, steps, tried)
            if found:
                return found
        return []

    def sets_of(self, size: int, steps: Sequence[Step], tries: int) -> tuple[list[Way], int]:
        best = sorted(steps, key=lambda step: (step.kind != "answer", -step.gain))[:CANDIDATES]
        sets = [chosen for chosen in combinations(best, size) if _fit(chosen)]
        found: list[Way] = []
        for chosen in sorted(sets, key=lambda steps: -sum(step.gain for step in steps)):
            if not tries or len(found) == SHOWN:
                break
            tries -= 1
            then = self.look(_together(chosen))
            if then.holds:
                found.append(Way(chosen, then.score))
        return found, tries if size > 2 else max(tries, MOST_TRIED // 2)

    def missing(self) -> str:
        """The first part of the condition that stays unmet as the lead is."""
        leaf = conditions.explain(self.condition, self.lead_id).failing
        return leaf.text if leaf else ""


def _first(steps: Iterator[Step], most: int) -> Iterator[Step]:
    for _, step in zip(range(most), steps, strict=False):
        yield step


def _fit(steps: Sequence[Step]) -> bool:
    """Not two answers to one question."""
    asked = [key for step in steps for key, _ in step.world.answers]
    return len(asked) == len(set(asked))


def _together(steps: Sequence[Step]) -> World:
    world = World()
    for step in steps:
        world |= step.world
    return world


# What could happen --------------------------------------------------------------------------------


def _steps(
    version: ModelVersion,
    rules: Sequence[Rule],
    present: Mapping[str, str],
    criteria: Mapping[str, str],
    points: Mapping[str, int],
) -> Iterator[Step]:
    for key, label in criteria.items():
        if present.get(key) != "yes":
            yield Step("answer", f"{label}: yes", World(answers=((key, "yes"),)))
    category = version.model.category
    useful = [rule for rule in rules if rule.enabled and rule.points > 0]
    for rule in sorted(useful, key=lambda rule: -rule.points):
        if rule.is_activity:
            yield from _deed(rule, category)
        elif rule.group != Rule.Group.BANT and not points.get(str(rule.uid)):
            yield from _fact(rule)


def _deed(rule: Rule, category: str) -> Iterator[Step]:
    """Often enough at once for the rule to count it."""
    times = min(rule.at_least, MOST_TIMES)
    deeds = [deed_for(rule, number, category) for number in range(times)]
    made = tuple(deed for deed in deeds if deed)
    if made:
        yield Step("deed", rule.label, World(deeds=made), uid=str(rule.uid))


def _fact(rule: Rule) -> Iterator[Step]:
    """Sales do not go better by saying that they do."""
    if not tells_the_outcome(rule.condition):
        words = words_of(rule)
        text = rule.label if words.casefold() in rule.label.casefold() else f"{rule.label}: {words}"
        yield Step("fact", text, World(holding=frozenset([str(rule.uid)])), uid=str(rule.uid))
