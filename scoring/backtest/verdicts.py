"""What a rule is worth, judged by the sales it was true of. Pure Python."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scoring.backtest.figures import Share, Z

LEAST_HITS = 10  # on either side; below it nothing is said
# From how many wins for one by chance on, at the careful end of the interval, a weight is earned.
EARNED = (("most_important", 2.0), ("very_important", 1.4), ("valid", 1.05))
DOUBT = 0.05  # the share of rules that may look meaningful by chance alone


@dataclass(frozen=True, slots=True)
class Lift:
    """How much likelier a sale is when the rule holds than when not, with its 95 % interval."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word`: dead, few, works, none, against. `suggested`: a weight class, or nothing to say."""

    hits: Share
    misses: Share
    lift: Lift | None
    chance: float  # how likely such a difference is by chance alone
    word: str
    suggested: str = ""


def lift_of(hits: Share, misses: Share) -> Lift:
    """The ratio of both shares, by Katz's logarithm; half a case is added where one is empty."""
    extra = 0.5 if 0 in (hits.part, misses.part) else 0.0
    a, n = hits.part + extra, hits.whole + extra
    b, m = misses.part + extra, misses.whole + extra
    ratio = (a / n) / (b / m)
    reach = Z * math.sqrt(max(0.0, 1 / a - 1 / n + 1 / b - 1 / m))
    return Lift(ratio, ratio * math.exp(-reach), ratio * math.exp(reach))


def chance_of(hits: Share, misses: Share) -> float:
    """The p-value of the difference of both shares (two-sided, pooled)."""
    n, m = hits.whole, misses.whole
    pooled = (hits.part + misses.part) / (n + m)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if not error:
        return 1.0
    return math.erfc(abs(hits.value - misses.value) / error / math.sqrt(2))


def judge(rules: Sequence[tuple[int, Share, Share]]) -> list[Verdict]:
    """One verdict for each `(points, hits, misses)`.

    Of many rules some look meaningful by chance: the border is moved as Benjamini and Hochberg say.
    """
    chances = [
        chance_of(hits, misses) if _enough(hits, misses) else 1.0 for _, hits, misses in rules
    ]
    judged = [p for p, (_, h, m) in zip(chances, rules, strict=True) if _enough(h, m)]
    border = _border(judged)
    return [_judge(*rule, p, border) for rule, p in zip(rules, chances, strict=True)]


def _enough(hits: Share, misses: Share) -> bool:
    return min(hits.whole, misses.whole) >= LEAST_HITS


def _border(chances: Sequence[float]) -> float:
    """The largest p-value that still counts; −1: none does."""
    border = -1.0
    for rank, p in enumerate(sorted(chances), 1):
        if p <= DOUBT * rank / len(chances):
            border = p
    return border


def _judge(points: int, hits: Share, misses: Share, chance: float, border: float) -> Verdict:
    if not hits.whole:
        return Verdict(hits, misses, None, chance, "dead")
    if not _enough(hits, misses):
        return Verdict(hits, misses, None, chance, "few")
    lift = lift_of(hits, misses)
    if chance > border:
        return Verdict(hits, misses, lift, chance, "none")
    agrees = (lift.ratio > 1) == (points > 0)
    return Verdict(hits, misses, lift, chance, "works" if agrees else "against", _earned(lift))


def _earned(lift: Lift) -> str:
    """The weight class for the end of the interval nearest to no effect."""
    if lift.ratio < 1:
        return "negative" if lift.high < 1 else ""
    return next((name for name, least in EARNED if lift.low >= least), "")
