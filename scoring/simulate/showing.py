"""What the page and the API tell of a simulation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadcrm.lib.charts import Series
from leads.models import Lead, Segment
from scoring import sketches
from scoring.engine import Explanation, explain
from scoring.models import ModelVersion, Qualification, Rule, Simulation
from scoring.simulate.tally import BIN, TEMPERATURES, Estimate, estimate

EXAMPLES = 10
SHOWN = 12
MOST_REASONS = 3
KINDS = dict(Qualification.Kind.choices)
TEMPERATURE_WORDS = {"cold": "Cold", "warm": "Warm", "hot": "Hot"}


@dataclass(frozen=True, slots=True)
class Mover:
    lead: Lead
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Movement:
    """`key` as in the tally: `warm>hot`, `+sql`. Leads that this person may see, the furthest."""

    key: str
    words: str
    count: Estimate
    movers: tuple[Mover, ...]

    @property
    def is_temperature(self) -> bool:
        return ">" in self.key

    @property
    def ends(self) -> list[str]:
        return self.key.split(">")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many leads are something now, and would be."""

    key: str
    words: str
    now: Estimate
    then: Estimate

    @property
    def change(self) -> int:
        return self.then.count - self.now.count


@dataclass(frozen=True, slots=True)
class Followed:
    kind: str
    name: str
    href: str
    starts: Estimate
    stops: Estimate


@dataclass(frozen=True, slots=True)
class Worked:
    """One person's or queue's load. `room` is None without a limit."""

    name: str
    href: str
    now: int
    more: Estimate
    ready: Estimate
    room: int | None

    @property
    def over(self) -> int:
        return max(0, self.now + self.more.count - self.room) if self.room is not None else 0

    @property
    def minutes(self) -> int:
        """At `MINUTES` for each lead to be called."""
        return max(0, self.more.count + self.ready.count) * MINUTES


MINUTES = 12  # an attempt, notes, and the mail after it


@dataclass(frozen=True, slots=True)
class Shown:
    """A simulation as it is told."""

    row: Simulation
    leads: int
    whole: int
    changed: Estimate
    movements: tuple[Movement, ...]
    standings: tuple[Standing, ...]
    follows: tuple[Followed, ...]
    loads: tuple[Worked, ...]
    spread: tuple[tuple[str, int, int], ...]

    @property
    def is_sample(self) -> bool:
        return self.leads < self.whole

    @property
    def spread_series(self) -> list[Series]:
        now, then = [row[1] for row in self.spread], [row[2] for row in self.spread]
        return [Series("s0", now), Series("s1", then)]

    @property
    def spread_below(self) -> list[str]:
        """The lowest score, one in the middle, and the highest."""
        labels = [label.partition(" ")[0] for label, _, _ in self.spread]
        return [labels[0], labels[len(labels) // 2], self.spread[-1][0].rpartition(" ")[2]]


def shown(row: Simulation, visible: Mapping[int, Lead]) -> Shown:
    """:param visible: the leads that the reader may see, by key; others are counted, not named."""
    data: Mapping[str, Any] = row.result or {}
    leads, whole = data["leads"], data["whole"]

    def of_all(found: int) -> Estimate:
        return estimate(found, leads, whole) if found >= 0 else Estimate(found)

    return Shown(
        row=row,
        leads=leads,
        whole=whole,
        changed=of_all(data["changed"]),
        movements=tuple(_movements(data, visible, of_all)),
        standings=tuple(_standings(data, of_all)),
        follows=(*_follows(data, of_all), *_segments(data, of_all)),
        loads=tuple(_loads(data, of_all)),
        spread=tuple(_spread(data)),
    )


def ids_in(row: Simulation) -> list[int]:
    """The leads a simulation names."""
    named: Mapping[str, Sequence[Sequence[int]]] = (row.result or {}).get("named", {})
    return [lead for rows in named.values() for lead, _, _ in rows]


def _movements(data: Mapping[str, Any], visible: Mapping[int, Lead], of_all: Any) -> Any:
    order = ["warm>hot", "cold>hot", "cold>warm", "hot>warm", "hot>cold", "warm>cold"]
    order += [f"{sign}{kind}" for kind in ("sql", "mql", "pql") for sign in "+-"]
    for key in order:
        if count := data["moves"].get(key):
            rows = data["named"].get(key, [])
            movers = tuple(Mover(visible[n], a, b) for n, a, b in rows if n in visible)
            yield Movement(key, words_of_move(key), of_all(count), movers)


def words_of_move(key: str) -> str:
    if ">" in key:
        before, after = key.split(">")
        return f"{TEMPERATURE_WORDS[before]} to {TEMPERATURE_WORDS[after].lower()}"
    kind = KINDS[key[1:]].lower()
    return f"Becoming {kind}" if key.startswith("+") else f"No longer {kind}"


def _standings(data: Mapping[str, Any], of_all: Any) -> Any:
    names = {
        **{key: TEMPERATURE_WORDS[key] for key in reversed(TEMPERATURES)},
        **{key: KINDS[key] for key in ("sql", "mql", "pql")},
    }
    for key, words in names.items():
        now, then = data["now"].get(key, 0), data["then"].get(key, 0)
        if now or then:
            yield Standing(key, words, of_all(now), of_all(then))


def _follows(data: Mapping[str, Any], of_all: Any) -> Any:
    for href, row in data["consequences"].items():
        yield Followed(row["kind"], row["name"], href, of_all(row["starts"]), of_all(row["stops"]))


def _segments(data: Mapping[str, Any], of_all: Any) -> Any:
    moved = data["segments"]
    keys = sorted({key[:-1] for key in moved})
    names = dict(Segment.objects.filter(public_id__in=keys).values_list("public_id", "name"))
    for key in keys:
        if key in names:
            yield Followed(
                "Segment",
                names[key],
                f"/segments/{key}/",
                of_all(moved.get(f"{key}+", 0)),
                of_all(moved.get(f"{key}-", 0)),
            )


def _loads(data: Mapping[str, Any], of_all: Any) -> Any:
    for row in data["loads"].values():
        if row["more"] or row["ready"] or row["room"] is not None:
            yield Worked(
                row["name"],
                row["href"],
                row["now"],
                of_all(row["more"]),
                of_all(row["ready"]),
                row["room"],
            )


def _spread(data: Mapping[str, Any]) -> Any:
    now, then = data["spread_now"], data["spread_then"]
    bins = {int(key) for key in (*now, *then)} | {0}
    for number in range(min(bins), max(bins) + 1):
        label = f"{number * BIN} to {number * BIN + BIN - 1}"
        yield label, now.get(str(number), 0), then.get(str(number), 0)


# Examples -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """One lead by the published rules and by the draft; `reasons`: the rules that differ most."""

    lead: Lead
    before: Explanation
    after: Explanation
    reasons: tuple[tuple[str, float], ...]


def examples(
    row: Simulation, visible: Mapping[int, Lead], *, at: datetime, most: int = EXAMPLES
) -> list[Example]:
    """Those who move furthest of each kind in turn, explained by the same statement."""
    published = row.model.versions.filter(state=ModelVersion.State.PUBLISHED).first()
    if published is None:
        return []
    old = list(published.rules.order_by("position", "pk"))
    version, rules = sketches.built(row.model, row.draft)
    return [
        _example(lead, (published, old), (version, rules), at)
        for lead in _chosen(row, visible, most)
    ]


def _chosen(row: Simulation, visible: Mapping[int, Lead], most: int) -> list[Lead]:
    named: Mapping[str, Sequence[Sequence[int]]] = (row.result or {}).get("named", {})
    lists = [[n for n, _, _ in rows if n in visible] for _, rows in sorted(named.items())]
    chosen: dict[int, Lead] = {}
    for place in range(most):
        for ids in lists:
            if place < len(ids) and len(chosen) < most:
                chosen.setdefault(ids[place], visible[ids[place]])
    return list(chosen.values())


Side = tuple[ModelVersion, Sequence[Rule]]


def _example(lead: Lead, old: Side, new: Side, at: datetime) -> Example:
    before = explain(*old, lead_id=lead.pk, at=at)
    after = explain(*new, lead_id=lead.pk, at=at)
    return Example(lead, before, after, tuple(differing(before, after)[:MOST_REASONS]))


def differing(before: Explanation, after: Explanation) -> list[tuple[str, float]]:
    """What gives more or less than before, the most first; limits too."""
    labels: dict[str, str] = {}
    points: dict[str, float] = {}
    for sign, explanation in ((-1, before), (1, after)):
        for row in explanation.contributions:
            key = str(row.rule.uid) if row.rule else row.label
            labels[key] = row.label
            points[key] = points.get(key, 0.0) + sign * float(row.points)
    changed = [(labels[key], round(by, 2)) for key, by in points.items() if abs(by) >= 0.005]
    return sorted(changed, key=lambda row: -abs(row[1]))
