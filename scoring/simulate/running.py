"""A draft beside the present scores, by the statement that scores. Reads only."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from leads import conditions
from leads.foresight import Moves, consequences, loads
from leads.models import Segment
from scoring.engine import Scope, compile_version
from scoring.engine.fragments import Fragment, joined
from scoring.engine.hindsight import fields_in
from scoring.explain.worlds import SCORED
from scoring.models import ModelVersion, Rule
from scoring.simulate.tally import KINDS, TEMPERATURES, Seen, Tally

SCORES = ("score", "fit", "engagement", "bant")
MOST_SEGMENTS = 40


@dataclass(slots=True)
class _Movers:
    """The leads that come to be something, and those that cease to be it."""

    come: dict[str, set[int]] = field(default_factory=dict)
    cease: dict[str, set[int]] = field(default_factory=dict)

    def add(self, seen: Seen, kinds: Sequence[str]) -> None:
        if seen.old_temperature != seen.temperature:
            self.come.setdefault(seen.temperature, set()).update(seen.ids)
            self.cease.setdefault(seen.old_temperature, set()).update(seen.ids)
        for kind, was, will in zip(kinds, seen.was, seen.will, strict=True):
            if was != will:
                (self.come if will else self.cease).setdefault(kind, set()).update(seen.ids)

    def moves(self) -> Moves:
        return Moves(
            {key: frozenset(ids) for key, ids in self.come.items()},
            {key: frozenset(ids) for key, ids in self.cease.items()},
        )


def simulate(
    version: ModelVersion, rules: Sequence[Rule], *, scope: Scope, at: datetime, tally: Tally
) -> Tally:
    """Add what would happen to the leads of a scope to the tally."""
    segments = asking_for_scores()
    movers = _Movers()
    keys = [segment.public_id for segment in segments]
    for seen in _seen(version, rules, segments, scope=scope, at=at):
        tally.add(seen, kinds=KINDS, segments=keys)
        movers.add(seen, KINDS)
    _follow(tally, movers.moves())
    return tally


def asking_for_scores() -> list[Segment]:
    """Live segments whose conditions ask for what scoring makes."""
    computed = {key for key, row in conditions.FIELDS.items() if row.computed}
    live = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE).order_by("name", "pk")
    return [row for row in live if fields_in(row.conditions) & computed][:MOST_SEGMENTS]


def _seen(
    version: ModelVersion,
    rules: Sequence[Rule],
    segments: Sequence[Segment],
    *,
    scope: Scope,
    at: datetime,
) -> Iterator[Seen]:
    enabled = [rule for rule in rules if rule.enabled]
    statement = compile_version(version, enabled, scope=scope, at=at, forecast=False)
    kinds = [_kind(version, kind, at) for kind in KINDS]
    inside = [_segment(segment, at) for segment in segments]
    columns = [
        _bits([was for was, _ in kinds]).named("was"),
        _bits([will for _, will in kinds]).named("will"),
        _bits([was for was, _ in inside]).named("inside"),
        _bits([will for _, will in inside]).named("then_inside"),
    ]
    selected = joined(", ", columns)
    query = statement.select(
        "SELECT old_score, score, old_temperature, temperature, was, will, inside, then_inside, "
        "count(*), array_agg(id) FILTER (WHERE temperature <> old_temperature OR was <> will) "
        "FROM (SELECT scored.id, scored.old_score, scored.score, scored.old_temperature, "
        f"scored.temperature, {selected.sql} FROM scored "
        "JOIN leads_lead lead ON lead.id = scored.id "
        "JOIN leads_leadscore score ON score.lead_id = lead.id WHERE NOT lead.is_test) AS seen "
        "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
        selected.params,
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
        cursor.execute(query.sql, query.params)
        for old_score, score, before, after, was, will, now, then, leads, ids in cursor:
            yield Seen(
                old_score,
                score,
                before,
                after,
                _answers(was, len(kinds)),
                _answers(will, len(kinds)),
                _answers(now, len(inside)),
                _answers(then, len(inside)),
                leads,
                tuple(ids or ()),
            )


def _bits(parts: Sequence[Fragment]) -> Fragment:
    """All answers as one number, so that leads that are alike can be counted together."""
    bits = [
        Fragment(f"(CASE WHEN {part.sql} THEN {1 << n}::bigint ELSE 0 END)", part.params)
        for n, part in enumerate(parts)
    ]
    return joined(" + ", [Fragment("0::bigint"), *bits])


def _answers(bits: int, count: int) -> tuple[bool, ...]:
    return tuple(bool(bits >> n & 1) for n in range(count))


def _kind(version: ModelVersion, kind: str, at: datetime) -> tuple[Fragment, Fragment]:
    """Whether it is qualified so now, and whether it would be; as `engine.qualify` decides."""
    was = (
        "EXISTS (SELECT 1 FROM scoring_qualification q WHERE q.lead_id = lead.id "
        f"AND q.kind = '{kind}' AND q.left_at IS NULL)"
    )
    condition = version.qualifications.get(kind)
    if condition is None:
        return Fragment(was), Fragment(was)
    enters = conditions.compile(condition, at=at, columns=SCORED)
    stays = _stays(version, kind, condition, at)
    return Fragment(was), Fragment(
        f"CASE WHEN {was} THEN {stays.sql} ELSE {enters.sql} END", (*stays.params, *enters.params)
    )


def _stays(version: ModelVersion, kind: str, condition: Any, at: datetime) -> Fragment:
    ends = version.leavings.get(kind)
    if ends is not None:
        holds = conditions.compile(ends, at=at, columns=SCORED)
        return Fragment(f"NOT {holds.sql}", holds.params)
    slack: Mapping[str, str] = {
        **SCORED,
        **{name: f"(scored.{name} + {version.hysteresis:d})" for name in SCORES},
    }
    holds = conditions.compile(condition, at=at, columns=slack)
    return Fragment(holds.sql, holds.params)


def _segment(segment: Segment, at: datetime) -> tuple[Fragment, Fragment]:
    was = Fragment(
        "EXISTS (SELECT 1 FROM leads_segmentmembership m WHERE m.lead_id = lead.id "
        f"AND m.segment_id = {segment.pk:d} AND m.left_at IS NULL)"
    )
    holds = conditions.compile(segment.conditions, at=at, columns=SCORED)
    return was, Fragment(holds.sql, holds.params)


def _follow(tally: Tally, moves: Moves) -> None:
    """What the apps above say would follow, added up."""
    for row in consequences(moves):
        sums = tally.consequences.setdefault(
            row.href,
            {"kind": row.kind, "name": row.name, "starts": 0, "stops": 0, "note": row.note},
        )
        sums["starts"] += row.starts
        sums["stops"] += row.stops
    for load in loads(moves):
        sums = tally.loads.setdefault(
            f"{load.href} {load.name}",
            {"name": load.name, "href": load.href, "more": 0, "ready": 0},
        )
        sums["more"] += load.more
        sums["ready"] += load.ready
        sums["now"], sums["room"] = load.now, load.room


__all__ = ["TEMPERATURES", "asking_for_scores", "simulate"]
