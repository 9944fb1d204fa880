"""Learning from closed sales, and saying how well it went. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.backtest.figures import (
    Judged,
    Share,
    brier,
    discrimination,
    surely,
    tenths,
)
from scoring.predict.features import Feature, row_of
from scoring.predict.logistic import Fit, fit, log_loss, out_of_fold

RIDGES = (3.0, 10.0, 30.0, 100.0)
LEAST_WON = LEAST_LOST = 40
LEAST = 120
GROUPS = 10


@dataclass(frozen=True, slots=True)
class Example:
    known: Mapping[str, Any]
    won: bool
    score: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """`figures` come from sales the model had not seen when it foretold them."""

    features: tuple[Feature, ...]
    fit: Fit
    figures: dict[str, Any]


def refusal(won: int, lost: int) -> str:
    """Why nothing can be learnt yet, in words; empty when there is enough."""
    if won + lost >= LEAST and won >= LEAST_WON and lost >= LEAST_LOST:
        return ""
    return (
        f"There is too little to learn from: {won + lost:,} closed sales that qualified, {won:,} "
        f"won and {lost:,} lost. A prediction needs {LEAST}, with at least {LEAST_WON} won and "
        f"{LEAST_LOST} lost. Until then the rules are the better judge."
    )


def learn(examples: Sequence[Example], features: Sequence[Feature]) -> Learnt:
    rows = [row_of(features, example.known) for example in examples]
    won = [example.won for example in examples]
    tried = {ridge: out_of_fold(rows, won, ridge=ridge) for ridge in RIDGES}
    ridge = min(RIDGES, key=lambda r: (log_loss(tried[r], won), -r))
    figures = figures_of(examples, tried[ridge]) | {"ridge": ridge}
    return Learnt(tuple(features), fit(rows, won, ridge=ridge), figures)


def figures_of(examples: Sequence[Example], chances: Sequence[float]) -> dict[str, Any]:
    """How well chances foretold for unseen sales did, beside the rules and beside no model."""
    won = [example.won for example in examples]
    base = sum(won) / len(won)
    foretold = [Judged(p, y) for p, y in zip(chances, won, strict=True)]
    by_rules = [Judged(example.score, example.won) for example in examples]
    return {
        "cases": len(won),
        "won": sum(won),
        "auc": round(discrimination(foretold), 4),
        "auc_low": round(surely(discrimination(foretold), sum(won), len(won) - sum(won)), 4),
        "auc_rules": round(discrimination(by_rules), 4),
        "brier": round(brier(list(zip(chances, won, strict=True))), 4),
        "brier_base": round(base * (1 - base), 4),
        "calibration": calibration(chances, won),
        "lift": [round(row.lift, 3) for row in tenths(foretold)],
        "lift_rules": [round(row.lift, 3) for row in tenths(by_rules)],
    }


def calibration(chances: Sequence[float], won: Sequence[bool]) -> list[dict[str, Any]]:
    """Ten groups of about one size by foretold chance: what was foretold, and what happened."""
    pairs = sorted(zip(chances, won, strict=True))
    groups = min(GROUPS, max(1, len(pairs) // 20))
    rows = []
    for number in range(groups):
        part = pairs[len(pairs) * number // groups : len(pairs) * (number + 1) // groups]
        share = Share(sum(y for _, y in part), len(part))
        low, high = share.interval
        foretold = sum(p for p, _ in part) / len(part)
        rows.append(
            {
                "foretold": round(foretold, 4),
                "won": share.part,
                "cases": share.whole,
                "happened": round(share.value, 4),
                "low": round(low, 4),
                "high": round(high, 4),
            }
        )
    return rows


# In use -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What one fact does to the chance: `points` are percentage points beside an average lead."""

    label: str
    log_odds: float
    points: float

    @property
    def percent_points(self) -> str:
        """“+4.2 %” of chance."""
        return f"{self.points:+.1f} %".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Model:
    features: tuple[Feature, ...]
    fit: Fit

    def chance(self, known: Mapping[str, Any]) -> float:
        return self.fit.chance(row_of(self.features, known))

    def parts(self, known: Mapping[str, Any]) -> list[Part]:
        """The facts that move this lead's chance, the strongest first.

        Percentage points share out the whole distance from the average in the ratio of log-odds.
        """
        moved = self.fit.parts(row_of(self.features, known))
        average = Fit(self.fit.start, (), (), ()).chance(())
        distance, whole = self.chance(known) - average, sum(moved)
        unit = distance / whole if abs(whole) > 1e-9 else 0.0
        rows = [
            Part(feature.label, value, 100 * value * unit)
            for feature, value in zip(self.features, moved, strict=True)
        ]
        return sorted(rows, key=lambda part: -abs(part.log_odds))


def as_data(learnt: Learnt) -> dict[str, Any]:
    facts = [
        {**feature.as_data(), "weight": weight, "mean": mean, "spread": spread}
        for feature, weight, mean, spread in zip(
            learnt.features,
            learnt.fit.weights,
            learnt.fit.means,
            learnt.fit.spreads,
            strict=True,
        )
    ]
    return {"start": learnt.fit.start, "facts": facts, "figures": learnt.figures}


def from_data(data: Mapping[str, Any]) -> Model:
    facts = data["facts"]
    features = tuple(Feature(f["kind"], f["name"], f["label"], f["value"]) for f in facts)
    return Model(
        features,
        Fit(
            data["start"],
            tuple(f["weight"] for f in facts),
            tuple(f["mean"] for f in facts),
            tuple(f["spread"] for f in facts),
        ),
    )
