"""The board: each open stage as a lane of cards, the hottest first, at a cost that does not grow.

A lane looks at the `LANE_DEPTH` leads that entered it last and at no others, by index; nobody works
through more than that in one lane. Filters come before the limit: a narrower board reaches deeper.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import COUNT_CAP, CappedCount
from leads.clocks import Clock, reply_clock
from leads.models import Lead, Stage
from leads.models.lead import LeadQuerySet
from pipeline.models import Deal, SalesCycle

LANE_SIZE = 25
LANE_DEPTH = COUNT_CAP
CLOSED_DAYS = 90
HOTTEST = ("-score_row__score", "-pk")


@dataclass(frozen=True, slots=True)
class Card:
    """One lead on the board."""

    lead: Lead
    at: datetime

    @property
    def worth(self) -> Decimal | None:
        return getattr(self.lead, "worth", None)

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
        stage = self.lead.stage
        return stage is not None and self.idle_days > stage.rot_days

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
    worth: Decimal
    after: str = ""  # where the next page of cards starts; empty at the end


@dataclass(frozen=True, slots=True)
class Closed:
    """Cycles that ended one way in the last `CLOSED_DAYS` days."""

    stage: Stage
    count: CappedCount
    worth: Decimal


@dataclass(frozen=True, slots=True)
class Board:
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


def board(leads: LeadQuerySet, *, at: datetime, visible: LeadQuerySet) -> Board:
    """The default pipeline with these leads; what closed counts all that are `visible`."""
    stages = list(Stage.objects.filter(pipeline__is_default=True).order_by("position"))
    open_stages = [stage for stage in stages if stage.is_open]
    return Board(lanes_of(leads, open_stages, at=at), _closed(visible, stages, at=at))


def lanes_of(leads: LeadQuerySet, stages: Sequence[Stage], *, at: datetime) -> list[Lane]:
    """These stages with their first cards, counts and sums: two queries, however many lanes."""
    if not stages:
        return []
    totals = _totals(leads, stages)
    found = _cards([_hottest(_lane(leads, stage)) for stage in stages], stages, at=at)
    return [_lane_of(stage, found[stage.pk], totals) for stage in stages]


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
    return _lane_of(stage, found[stage.pk], {})


def _lane(leads: LeadQuerySet, stage: Stage) -> QuerySet[Lead]:
    latest = leads.filter(stage=stage).order_by("-stage_entered_at", "-pk")
    return Lead.objects.filter(pk__in=latest.values("pk")[:LANE_DEPTH])


def _hottest(lane: QuerySet[Lead]) -> QuerySet[Lead, Any]:
    return lane.order_by(*HOTTEST).values("pk")[: LANE_SIZE + 1]


def _cards(
    parts: list[QuerySet[Lead, Any]], stages: Sequence[Stage], *, at: datetime
) -> dict[int, list[Card]]:
    ids = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    leads = (
        Lead.objects.filter(pk__in=ids)
        .select_related("score_row", "owner")
        .annotate(worth=_open_deals())
        .order_by(*HOTTEST)
    )
    by_pk: dict[int | None, Stage] = {stage.pk: stage for stage in stages}
    cards: dict[int, list[Card]] = {stage.pk: [] for stage in stages}
    for lead in leads:
        lead.stage = by_pk[lead.stage_id]
        cards[lead.stage.pk].append(Card(lead, at))
    return cards


def _open_deals() -> Subquery:
    deals = Deal.objects.filter(lead=OuterRef("pk"), state=Deal.State.OPEN).order_by()
    return Subquery(deals.values("lead").annotate(total=Sum("amount")).values("total"))


def _lane_of(stage: Stage, cards: list[Card], totals: dict[int, tuple[int, Decimal]]) -> Lane:
    count, worth = totals.get(stage.pk, (0, Decimal(0)))
    shown, last = cards[:LANE_SIZE], cards[LANE_SIZE - 1 : LANE_SIZE]
    more = len(cards) > LANE_SIZE
    after = f"{last[0].lead.score_row.score}_{last[0].lead.pk}" if more else ""
    return Lane(stage, shown, CappedCount(count, count >= LANE_DEPTH), worth, after)


def _totals(leads: LeadQuerySet, stages: Sequence[Stage]) -> dict[int, tuple[int, Decimal]]:
    """How many cards a lane holds and what their open deals are worth, in one query."""
    parts = [_lane(leads, stage).order_by().values("pk") for stage in stages]
    ids = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    rows = (
        Lead.objects.filter(pk__in=ids)
        .annotate(worth=_open_deals())
        .order_by()
        .values("stage_id")
        .annotate(n=Count("pk"), total=Coalesce(Sum("worth"), Decimal(0)))
    )
    return {row["stage_id"]: (row["n"], row["total"]) for row in rows}


def _closed(visible: LeadQuerySet, stages: Sequence[Stage], *, at: datetime) -> list[Closed]:
    since = at - timedelta(days=CLOSED_DAYS)
    latest = (
        SalesCycle.objects.filter(closed_at__gte=since, lead__in=visible.values("pk"))
        .order_by("-closed_at")
        .values("pk")[:LANE_DEPTH]
    )
    won = Deal.objects.filter(cycle=OuterRef("pk"), state=Deal.State.WON).order_by()
    rows = (
        SalesCycle.objects.filter(pk__in=latest)
        .annotate(worth=Subquery(won.values("cycle").annotate(t=Sum("amount")).values("t")))
        .order_by()
        .values("outcome")
        .annotate(n=Count("pk"), total=Coalesce(Sum("worth"), Decimal(0)))
    )
    totals = {row["outcome"]: (row["n"], row["total"]) for row in rows}
    capped = sum(count for count, _ in totals.values()) >= LANE_DEPTH
    nothing = (0, Decimal(0))
    ends = [(stage, *totals.get(stage.category, nothing)) for stage in stages if not stage.is_open]
    return [Closed(stage, CappedCount(count, capped), worth) for stage, count, worth in ends]


def card_of(lead_id: int, *, at: datetime) -> Card:
    """One card as it stands now."""
    lead = (
        Lead.objects.filter(pk=lead_id)
        .select_related("score_row", "owner", "stage")
        .annotate(worth=_open_deals())
        .get()
    )
    return Card(lead, at)
