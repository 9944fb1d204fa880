"""The board: each open stage as a lane of cards, the hottest first, at a cost that does not grow.

A lane looks at the `LANE_DEPTH` leads that entered it last and at no others, by index; nobody works
through more than that in one lane. Filters come before the limit: a narrower board reaches deeper.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import COUNT_CAP, CappedCount
from leads.activity_types import type_of
from leads.clocks import Clock, reply_clock
from leads.models import Lead, Pipeline, Stage
from leads.models.lead import LeadQuerySet
from pipeline.models import Deal
from pipeline.queries.funnel import stage_list
from pipeline.queries.selling import Worth

LANE_SIZE = 25
LANE_DEPTH = COUNT_CAP
CLOSED_DAYS = 90


@dataclass(frozen=True, slots=True)
class Card:
    """One lead on the board."""

    lead: Lead
    at: datetime
    worth: list[Worth] = field(default_factory=list)  # its open deals, by currency

    @property
    def reply(self) -> Clock:
        return reply_clock(self.lead, at=self.at)

    @property
    def waits(self) -> bool:
        """Whether somebody owes this lead an answer."""
        return self.reply.kind in {"due", "late"}

    @property
    def last_at(self) -> datetime:
        """The last thing that happened: an activity, else the move into this stage."""
        moments = [self.lead.score_row.last_activity_at, self.lead.stage_entered_at]
        return max([moment for moment in moments if moment] or [self.lead.created_at])

    @property
    def idle_days(self) -> int:
        return (self.at - self.last_at).days

    @property
    def is_rotting(self) -> bool:
        """Idle for longer than its stage allows; what is planned keeps it fresh."""
        stage = self.lead.stage
        planned = self.next_step == "planned"
        return stage is not None and not planned and self.idle_days > stage.rot_days

    @property
    def last_words(self) -> str:
        """What ended the last rest: “Called and spoke”."""
        score = self.lead.score_row
        if score.last_activity_at is not None and score.last_activity_at == self.last_at:
            return type_of(score.last_activity_type).label
        return "came into this stage"

    @property
    def overstays(self) -> bool:
        """In its stage for longer than leads may stay."""
        stage, since = self.lead.stage, self.lead.stage_entered_at
        if stage is None or stage.sla_hours is None or since is None:
            return False
        return self.at - since > timedelta(hours=stage.sla_hours)

    @property
    def next_step(self) -> str:
        """none, late or planned."""
        if self.lead.next_step_at is None:
            return "none"
        return "late" if self.lead.next_step_at < self.at else "planned"


@dataclass(frozen=True, slots=True)
class Lane:
    stage: Stage
    cards: list[Card]
    count: CappedCount
    worth: list[Worth]
    after: str = ""  # where the next page of cards starts; empty at the end


@dataclass(frozen=True, slots=True)
class Closed:
    """Cycles that ended one way in the last `CLOSED_DAYS` days."""

    stage: Stage
    count: CappedCount
    worth: list[Worth]


@dataclass(frozen=True, slots=True)
class Board:
    pipeline: Pipeline | None
    lanes: list[Lane]
    closed: list[Closed]

    @property
    def is_empty(self) -> bool:
        return not any(lane.count.value for lane in self.lanes)

    @property
    def total(self) -> CappedCount:
        counts = [lane.count for lane in self.lanes]
        return CappedCount(sum(c.value for c in counts), any(c.capped for c in counts))

    @property
    def mark(self) -> str:
        """The same as long as nothing on the board changed."""
        shown = [
            (lane.stage.pk, str(lane.count), lane.worth, [_trace(card) for card in lane.cards])
            for lane in self.lanes
        ]
        return hashlib.blake2s(repr(shown).encode(), digest_size=8).hexdigest()


def _trace(card: Card) -> tuple[Any, ...]:
    score = card.lead.score_row
    return (card.lead.pk, card.lead.updated_at, card.lead.owner_id, score.score,
            score.last_activity_at, card.lead.next_step_at, card.worth)  # fmt: skip


def board(
    leads: LeadQuerySet, *, at: datetime, visible: LeadQuerySet, pipeline: Pipeline | None = None
) -> Board:
    """A pipeline (the default one) with these leads; what closed counts all that are `visible`."""
    stages = stage_list(pipeline.pk if pipeline else None)
    open_stages = [stage for stage in stages if stage.is_open]
    lanes = lanes_of(leads, open_stages, at=at)
    return Board(pipeline, lanes, _closed(visible, stages, at=at))


def pulse(at: datetime) -> str:
    """Changes when somebody moves, assigns, plans or sells anything, and once a minute.

    Four looks at the end of an index: what a page asks every few seconds, to know whether to look.
    """
    with connection.cursor() as cursor:
        cursor.execute(PULSE)
        ids = cursor.fetchone() or ()
    return "-".join(map(str, (*ids, int(at.timestamp() // 60))))


PULSE = """
SELECT (SELECT max(id) FROM pipeline_transition), (SELECT max(id) FROM pipeline_assignment),
       (SELECT max(id) FROM pipeline_task), (SELECT max(id) FROM pipeline_deal)
"""


def lanes_of(leads: LeadQuerySet, stages: Sequence[Stage], *, at: datetime) -> list[Lane]:
    """These stages with their first cards, counts and sums: three queries, however many lanes."""
    if not stages:
        return []
    places = _scan(leads, stages)
    worth = _worth_of([pk for lane in places.values() for _, pk in lane])
    shown = {stage.pk: places[stage.pk][: LANE_SIZE + 1] for stage in stages}
    cards = _cards([pk for lane in shown.values() for _, pk in lane], stages, worth, at=at)
    return [
        _lane_of(stage, shown[stage.pk], cards, _sum_of(places[stage.pk], worth), places[stage.pk])
        for stage in stages
    ]


def lane_page(leads: LeadQuerySet, stage: Stage, *, after: str, at: datetime) -> Lane:
    """The cards of a lane that follow `after`.

    :raises Invalid: not a place that an earlier page named.
    """
    score, _, key = after.partition("_")
    try:
        place = int(score), int(key)
    except ValueError:
        raise Invalid.field("after", "This link is out of date. Reload the board.") from None
    left = [each for each in _scan(leads, [stage])[stage.pk] if each < place][: LANE_SIZE + 1]
    ids = [pk for _, pk in left]
    return _lane_of(stage, left, _cards(ids, [stage], _worth_of(ids), at=at), [], [])


Spot = tuple[int, int]  # score and key of a lead: its place in a lane, the highest first


def _scan(leads: LeadQuerySet, stages: Sequence[Stage]) -> dict[int, list[Spot]]:
    """The leads that entered each lane last, the hottest first: one look at an index a lane."""
    parts = [
        leads.filter(stage=stage)
        .order_by("-stage_entered_at", "-pk")
        .values_list("stage_id", "score_row__score", "pk")[:LANE_DEPTH]
        for stage in stages
    ]
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    found: dict[int, list[Spot]] = {stage.pk: [] for stage in stages}
    for stage_id, score, pk in rows:
        found[stage_id].append((score or 0, pk))
    return {stage_id: sorted(spots, reverse=True) for stage_id, spots in found.items()}


def _cards(
    ids: Sequence[int], stages: Sequence[Stage], worth: dict[int, list[Worth]], *, at: datetime
) -> dict[int, Card]:
    by_pk: dict[int | None, Stage] = {stage.pk: stage for stage in stages}
    cards = {}
    for lead in Lead.objects.filter(pk__in=ids).select_related("score_row", "owner"):
        if lead.stage_id in by_pk:  # else somebody moved it between two looks
            lead.stage = by_pk[lead.stage_id]
            cards[lead.pk] = Card(lead, at, worth.get(lead.pk, []))
    return cards


def _worth_of(
    lead_ids: Sequence[int], *, state: str = Deal.State.OPEN, since: datetime | None = None
) -> dict[int, list[Worth]]:
    """The open deals of each lead, by currency; or those of another state, closed `since`."""
    if not lead_ids:
        return {}
    closed = {"closed_at__gte": since} if since else {}
    rows = (
        Deal.objects.filter(lead__in=lead_ids, state=state, **closed)
        .order_by()
        .values_list("lead", "currency")
        .annotate(Sum("amount"))
    )
    return _grouped(rows)


def _grouped(rows: Iterable[tuple[Any, str, Decimal]]) -> dict[Any, list[Worth]]:
    """Sums by currency under each key, the largest first."""
    found: dict[Any, list[Worth]] = {}
    for key, currency, total in sorted(rows, key=lambda row: -row[2]):
        found.setdefault(key, []).append(Worth(currency, total))
    return found


def _sum_of(spots: Sequence[Spot], worth: dict[int, list[Worth]]) -> list[Worth]:
    sums: Counter[str] = Counter()
    for _, pk in spots:
        for each in worth.get(pk, []):
            sums[each.currency] += each.amount  # type: ignore[assignment]  # of decimals
    return [Worth(currency, Decimal(total)) for currency, total in sums.most_common()]


def _lane_of(
    stage: Stage,
    shown: Sequence[Spot],
    cards: dict[int, Card],
    worth: list[Worth],
    everybody: Sequence[Spot],
) -> Lane:
    more = len(shown) > LANE_SIZE
    score, pk = shown[LANE_SIZE - 1] if more else (0, 0)
    found = [cards[key] for _, key in shown[:LANE_SIZE] if key in cards]
    count = CappedCount(len(everybody), len(everybody) >= LANE_DEPTH)
    return Lane(stage, found, count, worth, f"{score}_{pk}" if more else "")


def _closed(visible: LeadQuerySet, stages: Sequence[Stage], *, at: datetime) -> list[Closed]:
    """Who came into a won or lost stage lately: by the same index as the lanes."""
    ends = [stage for stage in stages if not stage.is_open]
    if not ends:
        return []
    since = at - timedelta(days=CLOSED_DAYS)
    lately = visible.filter(stage_entered_at__gte=since)
    places = _scan(lately, ends)
    won = [pk for stage in ends if stage.category == Stage.Category.WON
           for _, pk in places[stage.pk]]  # fmt: skip
    worth = _worth_of(won, state=Deal.State.WON, since=since)
    return [
        Closed(
            stage,
            CappedCount(len(places[stage.pk]), len(places[stage.pk]) >= LANE_DEPTH),
            _sum_of(places[stage.pk], worth),
        )
        for stage in ends
    ]


def card_of(lead_id: int, *, at: datetime) -> Card:
    """One card as it stands now."""
    lead = Lead.objects.select_related("score_row", "owner", "stage").get(pk=lead_id)
    return Card(lead, at, _worth_of([lead_id]).get(lead_id, []))
