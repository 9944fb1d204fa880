"""The pure choice among candidates."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.routing import (
    Candidate,
    Demand,
    Exclusion,
    as_json,
    choose,
    choose_named,
    from_json,
    judge,
)

PRIORITY = Demand(method="priority")


def candidate(user_id: int, **facts: object) -> Candidate:
    return Candidate(user_id=user_id, name=f"Person {user_id}", **facts)  # type: ignore[arg-type]


def play(candidates: list[Candidate], turns: int) -> list[int]:
    chosen = []
    for _ in range(turns):
        choice = choose(Demand(), candidates)
        assert choice.chosen is not None
        chosen.append(choice.chosen.user_id)
        candidates = [replace(c, credit=choice.after[c.user_id]) for c in candidates]
    return chosen


class TestTurnsByWeight:
    def test_a_thousand_leads_split_exactly(self) -> None:
        people = [candidate(1, weight=3), candidate(2, weight=2), candidate(3, weight=1)]

        counts = Counter(play(people, 1002))

        assert counts == {1: 501, 2: 334, 3: 167}

    def test_turns_are_spread_and_not_in_bursts(self) -> None:
        people = [candidate(1, weight=2), candidate(2, weight=1), candidate(3, weight=1)]

        assert play(people, 4) == [1, 2, 3, 1]

    @given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
    def test_after_one_round_everybody_had_their_weight(self, weights: list[int]) -> None:
        people = [candidate(n, weight=w) for n, w in enumerate(weights)]

        counts = Counter(play(people, sum(weights)))

        assert counts == dict(enumerate(weights))

    def test_an_absence_is_not_made_up_for(self) -> None:
        alice, bob = candidate(1), candidate(2)
        for _ in range(10):
            choice = choose(Demand(), [replace(alice, is_absent=True), bob])
            bob = replace(bob, credit=choice.after[2])

        assert sorted(Counter(play([alice, bob], 4)).values()) == [2, 2]


class TestOtherMethods:
    def test_fewest_open_leads_counts_for_the_weight(self) -> None:
        people = [candidate(1, open_leads=6, weight=3), candidate(2, open_leads=4)]

        choice = choose(Demand(method="least_open"), people)

        assert choice.chosen is not None
        assert choice.chosen.user_id == 1

    def test_priority_takes_the_first_who_has_room(self) -> None:
        people = [candidate(1, position=0, open_leads=5, open_cap=5), candidate(2, position=1)]

        choice = choose(Demand(method="priority"), people)

        assert choice.chosen is not None
        assert choice.chosen.user_id == 2


class TestExclusions:
    def test_each_reason_has_its_code_and_a_sentence(self) -> None:
        reasons = {
            Exclusion.INACTIVE: candidate(1, is_active=False),
            Exclusion.PAUSED: candidate(1, is_paused=True),
            Exclusion.ABSENT: candidate(1, is_absent=True),
            Exclusion.OFF_SHIFT: candidate(1, is_on_shift=False),
            Exclusion.AT_CAPACITY: candidate(1, open_leads=25, open_cap=25),
            Exclusion.DAY_CAP: candidate(1, leads_today=8, day_cap=8),
        }

        for code, person in reasons.items():
            verdict = judge(person)
            assert verdict.code == code
            assert verdict.detail.endswith(".")

    def test_nobody_eligible_chooses_nobody_and_moves_no_credit(self) -> None:
        choice = choose(Demand(), [candidate(1, is_paused=True, credit=3)])

        assert choice.chosen is None
        assert choice.before == choice.after == {1: 3}

    def test_a_named_person_keeps_the_lead_out_of_hours_but_not_when_away(self) -> None:
        assert choose_named(candidate(1, is_on_shift=False, is_paused=True)).chosen is not None
        assert choose_named(candidate(1, is_absent=True)).chosen is None


class TestReplay:
    def test_a_stored_decision_gives_the_same_choice_again(self) -> None:
        people = [
            candidate(1, weight=3, credit=-1),
            candidate(2, open_leads=30, open_cap=30),
            candidate(3, weight=2, credit=1),
        ]
        choice = choose(Demand(), people)

        again = choose(Demand(), from_json(as_json(choice)))

        assert again == choice

    def test_what_if_she_had_been_on_shift(self) -> None:
        stored = as_json(choose(PRIORITY, [candidate(1, is_on_shift=False), candidate(2)]))

        anna, bob = from_json(stored)
        choice = choose(Demand(method="priority"), [replace(anna, is_on_shift=True), bob])

        assert choice.chosen is not None
        assert choice.chosen.user_id == anna.user_id
