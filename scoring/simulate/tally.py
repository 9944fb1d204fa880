"""What a simulation counts, range by range, as plain data that adds up. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BIN = 5  # points in one column of the spread
NAMED = 50  # leads named for each kind of move
KINDS = ("mql", "sql", "pql")
TEMPERATURES = ("cold", "warm", "hot")
Z = 1.959964  # 95 %


@dataclass(frozen=True, slots=True)
class Seen:
    """Leads that are alike under both models. `was` and `will` follow the kinds of qualification.

    `ids` names those that move; of the others only their number is known.
    """

    old_score: int
    score: int
    old_temperature: str
    temperature: str
    was: tuple[bool, ...]
    will: tuple[bool, ...]
    inside: tuple[bool, ...] = ()
    then_inside: tuple[bool, ...] = ()
    leads: int = 1
    ids: tuple[int, ...] = ()


Named = tuple[int, int, int]  # lead, score now, score then


@dataclass(slots=True)
class Tally:
    """Counts by name; `named` has the leads that move furthest of each kind of move."""

    leads: int = 0
    changed: int = 0
    now: Counter[str] = field(default_factory=Counter)
    then: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    spread_now: Counter[int] = field(default_factory=Counter)
    spread_then: Counter[int] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[Named]] = field(default_factory=dict)
    consequences: dict[str, dict[str, Any]] = field(default_factory=dict)
    loads: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, seen: Seen, *, kinds: Sequence[str], segments: Sequence[str]) -> None:
        n = seen.leads
        self.leads += n
        self.changed += n * (seen.score != seen.old_score)
        self.now[seen.old_temperature] += n
        self.then[seen.temperature] += n
        self.spread_now[seen.old_score // BIN] += n
        self.spread_then[seen.score // BIN] += n
        for key in moves_of(seen, kinds):
            self.moves[key] += n
            self.name(key, seen)
        for kind, was, will in zip(kinds, seen.was, seen.will, strict=True):
            self.now[kind] += n * was
            self.then[kind] += n * will
        for key, was, will in zip(segments, seen.inside, seen.then_inside, strict=True):
            if was != will:
                self.segments[f"{key}{'+' if will else '-'}"] += n

    def name(self, key: str, seen: Seen) -> None:
        """Keep the leads that move furthest."""
        moved = [(lead, seen.old_score, seen.score) for lead in sorted(seen.ids)[:NAMED]]
        self.named[key] = furthest([*self.named.get(key, []), *moved])

    def as_data(self) -> dict[str, Any]:
        counters = {
            name: {str(key): n for key, n in getattr(self, name).items() if n}
            for name in ("now", "then", "moves", "spread_now", "spread_then", "segments")
        }
        named = {key: [list(lead) for lead in kept] for key, kept in self.named.items()}
        return {
            "leads": self.leads,
            "changed": self.changed,
            **counters,
            "named": named,
            "consequences": self.consequences,
            "loads": self.loads,
        }


def furthest(leads: Iterable[Sequence[int]]) -> list[Named]:
    return sorted(
        ((lead, now, then) for lead, now, then in leads),
        key=lambda row: (-abs(row[2] - row[1]), row[0]),
    )[:NAMED]


def moves_of(seen: Seen, kinds: Sequence[str]) -> list[str]:
    """Names such as `warm>hot`, `+sql`, `-sql`."""
    made = []
    if seen.old_temperature != seen.temperature:
        made.append(f"{seen.old_temperature}>{seen.temperature}")
    for kind, was, will in zip(kinds, seen.was, seen.will, strict=True):
        if was != will:
            made.append(f"{'+' if will else '-'}{kind}")
    return made


def from_data(data: Mapping[str, Any]) -> Tally:
    return Tally(
        leads=data["leads"],
        changed=data["changed"],
        now=Counter(data["now"]),
        then=Counter(data["then"]),
        moves=Counter(data["moves"]),
        spread_now=_numbered(data["spread_now"]),
        spread_then=_numbered(data["spread_then"]),
        segments=Counter(data["segments"]),
        named={key: [(a, b, c) for a, b, c in rows] for key, rows in data["named"].items()},
        consequences=dict(data["consequences"]),
        loads=dict(data["loads"]),
    )


def _numbered(data: Mapping[str, int]) -> Counter[int]:
    return Counter({int(key): n for key, n in data.items()})


# Samples ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """`count` of all; the truth lies within `reach` of it 19 times of 20; 0: it is exact."""

    count: int
    reach: int = 0


def estimate(found: int, sample: int, whole: int) -> Estimate:
    """How many of all there are, when `found` of a random sample are.

    The interval is Wilson's with the correction for a finite whole: also when none was found.
    """
    if sample >= whole or not sample:
        return Estimate(found)
    share = found / sample
    left = (whole - sample) / max(whole - 1, 1)
    z2 = Z * Z * left
    middle = (share + z2 / (2 * sample)) / (1 + z2 / sample)
    reach = math.sqrt(z2 * (share * (1 - share) / sample + z2 / (4 * sample**2)))
    reach /= 1 + z2 / sample
    count = round(share * whole)
    low, high = (middle - reach) * whole, (middle + reach) * whole
    return Estimate(count, math.ceil(max(count - low, high - count)))
