"""The five attribution models in plain Python, from their definitions: what the SQL must say."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from leads.attribution.credit import UNITS, Sharing


@dataclass(frozen=True, slots=True)
class Seen:
    """A touch that was made up."""

    at: datetime
    channel: str
    campaign: int | None = None


def weights(model: str, times: Sequence[datetime], sharing: Sharing) -> list[Fraction]:
    """Each touch's part of one, in order."""
    count = len(times)
    if count == 1:
        return [Fraction(1)]
    if model == "first":
        return [Fraction(1)] + [Fraction(0)] * (count - 1)
    if model == "last":
        return [Fraction(0)] * (count - 1) + [Fraction(1)]
    if model == "linear":
        return [Fraction(1, count)] * count
    if model == "position":
        end = Fraction(sharing.ends_percent, 100)
        if count == 2:
            return [Fraction(1, 2)] * 2
        return [end, *[(1 - 2 * end) / (count - 2)] * (count - 2), end]
    half = timedelta(days=sharing.half_life_days)
    raw = [Fraction(2 ** max(-((times[-1] - at) / half), -1000)) for at in times]
    return [value / sum(raw) for value in raw]


def counting(path: Sequence[Seen], at: datetime, sharing: Sharing) -> list[Seen]:
    """The touches of the look-back window, in order."""
    start = at - timedelta(days=sharing.window_days)
    found = [seen for seen in sorted(path, key=lambda seen: seen.at) if start < seen.at <= at]
    told = [seen for seen in found if seen.channel != "direct"]
    return told if told and sharing.ignore_direct else found


def shares(
    model: str, path: Sequence[Seen], at: datetime, fallback: str, sharing: Sharing
) -> dict[tuple[str, int | None], Fraction]:
    """What each channel and campaign gets of one conversion."""
    found = counting(path, at, sharing)
    if not found:
        return {(fallback, None): Fraction(1)}
    parts: dict[tuple[str, int | None], Fraction] = defaultdict(Fraction)
    for seen, weight in zip(found, weights(model, [s.at for s in found], sharing), strict=True):
        parts[seen.channel, seen.campaign] += weight
    return dict(parts)


def in_units(value: Fraction) -> float:
    return float(value * UNITS)
