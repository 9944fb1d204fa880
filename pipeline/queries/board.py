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
from django.db.models import Count, Q, QuerySet, Sum

from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import COUNT_CAP, CappedCount
from leads.activity_types import type_of
from leads.clocks import Clock, reply_clock
from leads.models import Lead, Pipeline, Stage
from leads.models.lead import LeadQuerySet
from pipeline.models import Deal, SalesCycle
from pipeline.queries.funnel import stage_list
from pipeline.queries.selling import Worth

LANE_SIZE = 25
LANE_DEPTH = COUNT_CAP
CLOSED_DAYS = 90
HOTTEST = ("-score_row__score", "-pk")


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
    """These stages with their first cards, counts and sums: four queries, however many lanes."""
    if not stages:
        return []
    counts, sums = _totals(leads, stages)
    found = _cards([_hottest(_lane(leads, stage)) for stage in stages], stages, at=at)
    return [
        _lane_of(stage, found[stage.pk], counts.get(stage.pk, 0), sums.get(stage.pk, []))
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
    colder = Q(score_row__score__lt=place[0]) | Q(score_row__score=place[0], pk__lt=place[1])
    found = _cards([_hottest(_lane(leads, stage).filter(colder))], [stage], at=at)
    return _lane_of(stage, found[stage.pk], 0, [])


def _lane(leads: LeadQuerySet, stage: Stage) -> QuerySet[Lead]:
    latest = leads.filter(stage=stage).order_by("-stage_entered_at", "-pk")
    return Lead.objects.filter(pk__in=latest.values("pk")[:LANE_DEPTH])


def _hottest(lane: QuerySet[Lead]) -> QuerySet[Lead, Any]:
    return lane.order_by(*HOTTEST).values("pk")[: LANE_SIZE + 1]


def _cards(
    parts: list[QuerySet[Lead, Any]], stages: Sequence[Stage], *, at: datetime
) -> dict[int, list[Card]]:
    ids = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    leads = list(
        Lead.objects.filter(pk__in=ids).select_related("score_row", "owner").order_by(*HOTTEST)
    )
    worth = _worth_of([lead.pk for lead in leads])
    by_pk: dict[int | None, Stage] = {stage.pk: stage for stage in stages}
    cards: dict[int, list[Card]] = {stage.pk: [] for stage in stages}
    for lead in leads:
        lead.stage = by_pk[lead.stage_id]
        cards[lead.stage.pk].append(Card(lead, at, worth.get(lead.pk, [])))
    return cards


def _worth_of(lead_ids: Sequence[int]) -> dict[int, list[Worth]]:
    """The open deals of each lead, by currency."""
    rows = (
        Deal.objects.filter(lead__in=lead_ids, state=Deal.State.OPEN)
        .order_by()
        .values_list("lead", "currency")
        .annotate(total=Sum("amount"))
    )
    return _grouped(rows)


def _grouped(rows: Iterable[tuple[Any, str, Decimal]]) -> dict[Any, list[Worth]]:
    """Sums by currency under each key, the largest first."""
    found: dict[Any, list[Worth]] = {}
    for key, currency, total in sorted(rows, key=lambda row: -row[2]):
        found.setdefault(key, []).append(Worth(currency, total))
    return found


def _lane_of(stage: Stage, cards: list[Card], count: int, worth: list[Worth]) -> Lane:
    shown, last = cards[:LANE_SIZE], cards[LANE_SIZE - 1 : LANE_SIZE]
    more = len(cards) > LANE_SIZE
    after = f"{last[0].lead.score_row.score}_{last[0].lead.pk}" if more else ""
    return Lane(stage, shown, CappedCount(count, count >= LANE_DEPTH), worth, after)


def _totals(
    leads: LeadQuerySet, stages: Sequence[Stage]
) -> tuple[dict[int, int], dict[int, list[Worth]]]:
    """How many cards a lane holds and what their open deals are worth."""
    parts = [_lane(leads, stage).order_by().values("pk") for stage in stages]
    ids = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    counts = Lead.objects.filter(pk__in=ids).order_by().values_list("stage").annotate(Count("pk"))
    sums = (
        Deal.objects.filter(state=Deal.State.OPEN, lead__in=ids)
        .order_by()
        .values_list("lead__stage", "currency")
        .annotate(Sum("amount"))
    )
    return dict(counts), _grouped(sums)


def _closed(visible: LeadQuerySet, stages: Sequence[Stage], *, at: datetime) -> list[Closed]:
    if not stages:
        return []
    since = at - timedelta(days=CLOSED_DAYS)
    latest = SalesCycle.objects.filter(
        closed_at__gte=since, pipeline=stages[0].pipeline_id, lead__in=visible.values("pk")
    ).order_by("-closed_at")
    ids = list(latest.values_list("pk", "outcome")[:LANE_DEPTH])
    counts = Counter(outcome for _, outcome in ids)
    won = (
        Deal.objects.filter(cycle__in=[pk for pk, _ in ids], state=Deal.State.WON)
        .order_by()
        .values_list("state", "currency")
        .annotate(Sum("amount"))
    )
    sums, capped = _grouped(won), len(ids) >= LANE_DEPTH
    return [
        Closed(
            stage, CappedCount(counts[stage.category], capped), sums.get(str(stage.category), [])
        )
        for stage in stages
        if not stage.is_open
    ]


def card_of(lead_id: int, *, at: datetime) -> Card:
    """One card as it stands now."""
    lead = Lead.objects.select_related("score_row", "owner", "stage").get(pk=lead_id)
    return Card(lead, at, _worth_of([lead_id]).get(lead_id, []))
