"""The arithmetic of a backtest: what scores said of sales whose end is known. Pure Python."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z = 1.959964  # 95 %
DECILES = 10
BAND = 10  # points in one band of the calibration


@dataclass(frozen=True, slots=True)
class Judged:
    """A closed sale: its score on the day it qualified, and whether it was won."""

    score: float
    won: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` with the 95 % interval by Wilson; nothing of nothing may be anything."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.whole:
            return 0.0, 1.0
        n, p = self.whole, self.value
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        reach = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        # At none and at all the border is exact; rounding must not push it past.
        low = 0.0 if self.part == 0 else max(0.0, middle - reach)
        high = 1.0 if self.part == n else min(1.0, middle + reach)
        return low, high


@dataclass(frozen=True, slots=True)
class Threshold:
    """If only scores from `at` on had been worked: how many of them were won, how many wins kept.

    `precision`: wins among those worked. `recall`: those worked among all wins.
    """

    at: int
    precision: Share
    recall: Share

    @property
    def f1(self) -> float:
        p, r = self.precision.value, self.recall.value
        return 2 * p * r / (p + r) if p + r else 0.0


def thresholds(cases: Sequence[Judged], borders: Iterable[int]) -> list[Threshold]:
    wins = sum(case.won for case in cases)
    rows = []
    for border in sorted(set(borders)):
        above = [case for case in cases if case.score >= border]
        won = sum(case.won for case in above)
        rows.append(Threshold(border, Share(won, len(above)), Share(won, wins)))
    return rows


@dataclass(frozen=True, slots=True)
class Tenth:
    """`number` 1 has the highest scores. `lift`: wins here for each win in a tenth by chance."""

    number: int
    won: Share
    highest: float
    lowest: float
    lift: float


def tenths(cases: Sequence[Judged]) -> list[Tenth]:
    """The cases in ten equal parts by score. Equal scores on a border share their wins evenly.

    Else the order of equals, which means nothing, would move wins from one tenth to another.
    """
    base = sum(case.won for case in cases) / len(cases) if cases else 0.0
    ordered = sorted(cases, key=lambda case: -case.score)
    chances = _even_chances(ordered)
    rows = []
    for number in range(DECILES):
        first, end = (len(ordered) * n // DECILES for n in (number, number + 1))
        part = ordered[first:end]
        if part:
            expected = sum(chances[first:end])
            rows.append(
                Tenth(
                    number + 1,
                    Share(round(expected), len(part)),
                    part[0].score,
                    part[-1].score,
                    expected / len(part) / base if base else 0.0,
                )
            )
    return rows


def _even_chances(ordered: Sequence[Judged]) -> list[float]:
    """For each case the share of wins among all cases of the same score."""
    wins: dict[float, int] = {}
    sizes: dict[float, int] = {}
    for case in ordered:
        wins[case.score] = wins.get(case.score, 0) + case.won
        sizes[case.score] = sizes.get(case.score, 0) + 1
    return [wins[case.score] / sizes[case.score] for case in ordered]


def discrimination(cases: Sequence[Judged]) -> float:
    """The chance that of a won and a lost sale the won one had the higher score; 0.5 is a coin.

    Equal scores count half (the area under the ROC curve).
    """
    won = [case.score for case in cases if case.won]
    lost = sorted(case.score for case in cases if not case.won)
    if not won or not lost:
        return 0.5
    beaten = sum(bisect_left(lost, s) + bisect_right(lost, s) for s in won) / 2
    return beaten / (len(won) * len(lost))


def surely(auc: float, won: int, lost: int) -> float:
    """The careful end of the 95 % interval of `discrimination`, by Hanley and McNeil."""
    if not won or not lost:
        return 0.0
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (won - 1) * (q1 - auc * auc) + (lost - 1) * (q2 - auc * auc)
    return auc - Z * math.sqrt(max(0.0, spread) / (won * lost))


@dataclass(frozen=True, slots=True)
class Band:
    """What scores of a band meant. `expected`: what a curve through all scores says."""

    label: str
    score: float  # the mean of the band
    won: Share
    expected: float

    @property
    def is_off(self) -> bool:
        """Whether what happened lies where the curve does not."""
        low, high = self.won.interval
        return not low <= self.expected <= high


@dataclass(frozen=True, slots=True)
class Curve:
    """The chance to win as a logistic function of the score."""

    start: float
    slope: float

    def chance(self, score: float) -> float:
        return squash(self.start + self.slope * score)


def squash(x: float) -> float:
    """The logistic function, safe at both ends."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1 + grown)


def curve_through(cases: Sequence[Judged], *, ridge: float = 1e-6) -> Curve:
    """The likeliest curve, by Newton's method on the standardised score."""
    if not cases:
        return Curve(0.0, 0.0)
    mean = sum(case.score for case in cases) / len(cases)
    spread = math.sqrt(sum((case.score - mean) ** 2 for case in cases) / len(cases))
    if not spread:
        share = (sum(case.won for case in cases) + 0.5) / (len(cases) + 1)
        return Curve(math.log(share / (1 - share)), 0.0)
    points = [((case.score - mean) / spread, float(case.won)) for case in cases]
    start, slope = _newton(points, max(ridge, 0.01))
    return Curve(start - slope * mean / spread, slope / spread)


def _newton(points: Sequence[tuple[float, float]], ridge: float) -> tuple[float, float]:
    a = b = 0.0
    for _ in range(50):
        ga = gb = haa = hab = hbb = 0.0
        for x, y in points:
            p = squash(a + b * x)
            w = max(p * (1 - p), 1e-9)
            ga, gb = ga + (y - p), gb + (y - p) * x
            haa, hab, hbb = haa + w, hab + w * x, hbb + w * x * x
        ga, gb, haa, hbb = ga - ridge * a, gb - ridge * b, haa + ridge, hbb + ridge
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        a, b = a + max(-4.0, min(4.0, da)), b + max(-4.0, min(4.0, db))
        if abs(da) + abs(db) < 1e-9:
            break
    return a, b


def calibration(cases: Sequence[Judged], *, top: int = 100) -> list[Band]:
    """Bands of ten points: how many were won, beside what the curve through all of them says."""
    curve = curve_through(cases)
    bands: dict[int, list[Judged]] = {}
    last = max(0, (top - 1) // BAND)
    for case in cases:
        bands.setdefault(max(0, min(int(case.score // BAND), last)), []).append(case)
    rows = []
    for number, part in sorted(bands.items()):
        mean = sum(case.score for case in part) / len(part)
        won = Share(sum(case.won for case in part), len(part))
        expected = sum(curve.chance(case.score) for case in part) / len(part)
        high = top if number == last else (number + 1) * BAND - 1
        rows.append(Band(f"{number * BAND} to {high}", mean, won, expected))
    return rows


def brier(chances: Sequence[tuple[float, bool]]) -> float:
    """The mean squared distance of foretold chances from what happened: 0 is perfect."""
    return sum((p - won) ** 2 for p, won in chances) / len(chances) if chances else 0.0
