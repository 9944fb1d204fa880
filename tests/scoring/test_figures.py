"""The arithmetic of backtests, predictions and samples."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.backtest import sample
from scoring.backtest.figures import (
    Judged,
    Share,
    calibration,
    curve_through,
    discrimination,
    squash,
    surely,
    tenths,
    thresholds,
)
from scoring.backtest.verdicts import judge, lift_of
from scoring.predict.features import features_of
from scoring.predict.learning import Example, as_data, from_data, learn, refusal
from scoring.predict.logistic import fit, out_of_fold, solve, standards
from scoring.simulate.tally import Seen, Tally, estimate
from scoring.simulate.tally import from_data as tally_from

cases = st.lists(
    st.builds(Judged, st.integers(0, 100).map(float), st.booleans()), min_size=1, max_size=60
)


def sales(*pairs: tuple[float, bool]) -> list[Judged]:
    return [Judged(score, won) for score, won in pairs]


class TestShare:
    def test_its_interval_holds_the_share_and_stays_between_none_and_all(self) -> None:
        for part, whole in [(0, 5), (5, 5), (1, 3), (120, 400)]:
            low, high = Share(part, whole).interval

            assert 0 <= low <= part / whole <= high <= 1

    def test_nothing_of_nothing_may_be_anything(self) -> None:
        assert Share(0, 0).interval == (0.0, 1.0)

    def test_agrees_with_the_published_example(self) -> None:
        low, high = Share(10, 100).interval  # Wilson 1927: 0.0552 to 0.1744

        assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)


class TestThresholds:
    def test_counts_who_would_be_worked_and_which_wins_would_be_kept(self) -> None:
        found = thresholds(sales((80, True), (70, False), (30, True), (10, False)), [50])

        assert (found[0].precision.part, found[0].precision.whole) == (1, 2)
        assert (found[0].recall.part, found[0].recall.whole) == (1, 2)
        assert found[0].f1 == 0.5


class TestDiscrimination:
    @pytest.mark.parametrize(
        ("scored", "expected"),
        [
            (sales((9, True), (1, False)), 1.0),
            (sales((1, True), (9, False)), 0.0),
            (sales((5, True), (5, False)), 0.5),
            (sales((5, True)), 0.5),
        ],
    )
    def test_is_the_chance_that_the_won_one_scored_higher(
        self, scored: list[Judged], expected: float
    ) -> None:
        assert discrimination(scored) == expected

    @given(cases)
    def test_turning_scores_round_turns_it_round(self, scored: list[Judged]) -> None:
        turned = [Judged(-case.score, case.won) for case in scored]

        assert math.isclose(discrimination(scored) + discrimination(turned), 1.0)

    def test_of_few_sales_it_is_not_sure(self) -> None:
        assert surely(0.7, 4, 4) < 0.5 < surely(0.7, 400, 400)


class TestTenths:
    @given(cases)
    def test_hold_every_case_once(self, scored: list[Judged]) -> None:
        assert sum(row.won.whole for row in tenths(scored)) == len(scored)

    def test_the_order_of_equal_scores_means_nothing(self) -> None:
        some = [Judged(50, n < 5) for n in range(20)]

        assert [row.lift for row in tenths(some)] == [row.lift for row in tenths(some[::-1])]
        assert {row.lift for row in tenths(some)} == {1.0}


class TestCalibration:
    def test_the_curve_follows_what_scores_meant(self) -> None:
        dice = random.Random(7)
        scores = [dice.randrange(101) for _ in range(3000)]
        scored = [Judged(s, dice.random() < squash(-3 + 0.05 * s)) for s in scores]

        curve = curve_through(scored)
        bands = calibration(scored)

        assert math.isclose(curve.slope, 0.05, abs_tol=0.01)
        assert sum(band.is_off for band in bands) <= 2
        assert bands[-1].label == "90 to 100"

    @given(cases)
    def test_never_fails_and_foretells_shares(self, scored: list[Judged]) -> None:
        assert all(0 <= band.expected <= 1 for band in calibration(scored))


class TestVerdicts:
    def test_tell_what_works_what_harms_and_what_is_dead(self) -> None:
        rules = [
            (12, Share(60, 100), Share(40, 300)),
            (12, Share(5, 100), Share(95, 300)),
            (3, Share(25, 100), Share(75, 300)),
            (3, Share(0, 0), Share(100, 400)),
            (3, Share(2, 3), Share(98, 397)),
        ]

        found = judge(rules)

        assert [v.word for v in found] == ["works", "against", "none", "dead", "few"]
        assert [v.suggested for v in found] == ["most_important", "negative", "", "", ""]

    def test_of_many_rules_that_mean_nothing_hardly_any_looks_meaningful(self) -> None:
        dice = random.Random(3)
        rules = [
            (5, Share(sum(dice.random() < 0.3 for _ in range(80)), 80), Share(90, 300))
            for _ in range(200)
        ]

        assert sum(v.word != "none" for v in judge(rules)) <= 2

    def test_the_interval_holds_the_ratio_even_without_any_win(self) -> None:
        lift = lift_of(Share(0, 50), Share(20, 100))

        assert 0 < lift.low < lift.ratio < lift.high < 1


class TestSample:
    def test_too_little_is_refused_in_words(self) -> None:
        assert "12 won and 19 lost" in sample.refusal(12, 19)
        assert "needs 40" in sample.refusal(12, 19)
        assert "4 closed sales never qualified" in sample.refusal(0, 0, 4)
        assert sample.refusal(20, 20) == ""


class TestLogisticRegression:
    def rows(self, seed: int = 5) -> tuple[list[list[float]], list[bool]]:
        dice = random.Random(seed)
        rows = [[dice.gauss(0, 3), dice.random(), 1.0] for _ in range(300)]
        return rows, [dice.random() < squash(0.8 * row[0] - 1) for row in rows]

    def test_stops_where_the_slope_of_the_likelihood_vanishes(self) -> None:
        """The only highest point there is: this proves the answer, however it was found."""
        rows, won = self.rows()
        model = fit(rows, won, ridge=2.0)

        means, spreads = standards(rows)
        off = [y - model.chance(row) for row, y in zip(rows, won, strict=True)]
        for j, weight in enumerate(model.weights):
            slope = math.fsum(
                e * (row[j] - means[j]) / spreads[j] for e, row in zip(off, rows, strict=True)
            )
            assert math.isclose(slope, 2.0 * weight, abs_tol=1e-6)
        assert math.isclose(math.fsum(off), 0, abs_tol=1e-6)

    def test_a_fact_that_is_always_the_same_weighs_nothing(self) -> None:
        rows, won = self.rows()

        assert fit(rows, won, ridge=1.0).weights[2] == pytest.approx(0)

    def test_perfectly_told_apart_sales_stay_finite(self) -> None:
        rows = [[float(n)] for n in range(20)]
        model = fit(rows, [n >= 10 for n in range(20)], ridge=1.0)

        assert 0 < model.chance([0.0]) < 0.5 < model.chance([19.0]) < 1

    def test_foretells_each_sale_without_having_seen_it(self) -> None:
        dice = random.Random(1)
        rows = [[dice.random()] for _ in range(100)]
        won = [dice.random() < 0.5 for _ in rows]

        chances = out_of_fold(rows, won, ridge=1.0)
        turned = [not y if i == 0 else y for i, y in enumerate(won)]

        assert out_of_fold(rows, turned, ridge=1.0)[0] != 1.0
        assert all(0.2 < p < 0.8 for p in chances)

    def test_solves_what_was_put_in(self) -> None:
        assert solve([[4.0], [2.0, 3.0]], [8.0, 7.0]) == pytest.approx([1.25, 1.5])


class TestLearning:
    def examples(self) -> list[Example]:
        dice = random.Random(11)
        made = []
        for _ in range(200):
            views = dice.randrange(6)
            budget = dice.choice(["yes", "no", ""])
            chance = squash(-2 + 0.6 * views + 1.5 * (budget == "yes"))
            known = {"did": {"pricing_view": views}, "bant": {"budget": budget}, "country": "DE"}
            made.append(Example(known, dice.random() < chance, score=dice.randrange(100)))
        return made

    def test_finds_what_went_with_a_win_and_survives_being_stored(self) -> None:
        examples = self.examples()
        features = features_of(
            [e.known for e in examples],
            activities={"pricing_view": "Viewed pricing"},
            criteria={"budget": "Budget"},
        )

        learnt = learn(examples, features)
        model = from_data(as_data(learnt))

        weights = dict(zip([f.label for f in features], learnt.fit.weights, strict=True))
        assert weights["Viewed pricing"] > 0
        assert weights["Budget: yes or partly"] > 0
        assert learnt.figures["auc"] > 0.65 > learnt.figures["auc_rules"]
        eager = {"did": {"pricing_view": 5}, "bant": {"budget": "yes"}}
        assert model.chance(eager) > 0.6 > model.chance({})

    def test_parts_share_out_the_whole_distance_from_the_average(self) -> None:
        examples = self.examples()
        features = features_of(
            [e.known for e in examples],
            activities={"pricing_view": "Viewed pricing"},
            criteria={"budget": "Budget"},
        )
        model = from_data(as_data(learn(examples, features)))
        known = examples[0].known

        parts = model.parts(known)

        distance = 100 * (model.chance(known) - squash(model.fit.start))
        assert math.isclose(sum(part.points for part in parts), distance, abs_tol=1e-6)

    def test_a_fact_that_all_share_or_hardly_anybody_has_is_not_learnt_from(self) -> None:
        known = [{"country": "DE", "did": {"trial_started": int(n == 0)}} for n in range(100)]

        assert features_of(known, activities={"trial_started": "Trial"}, criteria={}) == []

    def test_too_little_is_refused_in_words(self) -> None:
        assert "30 won" in refusal(30, 300)
        assert refusal(40, 80) == ""


class TestEstimates:
    @given(st.integers(0, 500), st.integers(500, 5_000))
    def test_an_interval_never_ends_before_what_was_found(self, found: int, whole: int) -> None:
        guess = estimate(found, 500, whole)

        assert guess.reach >= 0
        assert (guess.reach == 0) == (whole == 500)

    def test_holds_the_truth_about_19_times_of_20(self) -> None:
        dice = random.Random(2)
        crowd = [n < 300 for n in range(10_000)]

        right = 0
        for _ in range(200):
            guess = estimate(sum(dice.sample(crowd, 500)), 500, len(crowd))
            right += abs(guess.count - 300) <= guess.reach

        assert right >= 184

    def test_none_found_is_not_none_at_all(self) -> None:
        assert estimate(0, 1_000, 100_000).reach > 0


class TestTally:
    def test_parts_add_up_to_the_whole_however_they_were_stored(self) -> None:
        crowd = [
            Seen(
                n % 90,
                (n * 7) % 90,
                "cold",
                ("cold", "warm")[n % 2],
                (n % 3 == 0,),
                (True,),
                ids=(n,),
            )
            for n in range(300)
        ]
        whole, parts = Tally(), Tally()
        for seen in crowd:
            whole.add(seen, kinds=["sql"], segments=[])

        for first in range(0, 300, 100):
            parts = tally_from(parts.as_data())
            for seen in crowd[first : first + 100]:
                parts.add(seen, kinds=["sql"], segments=[])

        assert parts.as_data() == whole.as_data()
