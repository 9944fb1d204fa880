"""Random but repeatable histories of leads, written as rows: what reports are checked against."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from leadcrm.accounts.models import User
from leads.models import Source, Stage, Touch
from pipeline.actions import recount_reached
from pipeline.models import Deal, ResponseClock, SalesCycle, Transition
from tests.factories import NOON, LeadFactory, SourceFactory, make_funnel

REASONS = ("price", "timing", "no_need")


@dataclass
class Told:
    """One cycle as it was made up, to be counted again in plain Python."""

    cycle: SalesCycle
    owner: User | None
    source: Source | None
    is_test: bool
    moves: list[tuple[Stage, datetime]] = field(default_factory=list)
    amount: Decimal = Decimal(0)

    def first_at(self, position: int) -> datetime | None:
        times = [at for s, at in self.moves if s.position >= position and s.category != "lost"]
        return min(times, default=None)

    @property
    def furthest(self) -> int:
        return max(s.position for s, _ in self.moves if s.category != "lost")


def make_histories(*, seed: int, count: int, owners: list[User]) -> list[Told]:
    chance = random.Random(seed)
    stages = make_funnel()
    sources = [SourceFactory(key=k, name=k, channel=c) for k, c in SOURCES]
    told = [_one(chance, stages, sources, owners) for _ in range(count)]
    recount_reached()
    return told


SOURCES = (("ads", "paid_search"), ("fair", "event"))


def _one(
    chance: random.Random, stages: dict[str, Stage], sources: list[Source], owners: list[User]
) -> Told:
    opened = NOON - timedelta(minutes=chance.randint(60, 200 * 1440))
    owner, source = chance.choice([*owners, None]), chance.choice([*sources, None])
    lead = LeadFactory(
        owner=owner,
        source=source,
        created_at=opened,
        is_test=chance.random() < 0.1,
        country=chance.choice(["NL", "DE", ""]),
    )
    cycle = SalesCycle.objects.create(
        lead=lead,
        pipeline=stages["new"].pipeline,
        source=source,
        opened_at=opened,
        received_at=opened,
    )
    told = Told(cycle, owner, source, lead.is_test)
    _walk(chance, stages, told)
    _answer(chance, told)
    _touch(chance, told)
    return told


def _walk(chance: random.Random, stages: dict[str, Stage], told: Told) -> None:
    at, here = told.cycle.opened_at, stages["new"]
    _move(told, None, here, at, None)
    while here.is_open and chance.random() < 0.8:
        later = [s for s in stages.values() if s.position > here.position]
        earlier = [s for s in stages.values() if s.position < here.position]
        to = chance.choice(earlier if earlier and chance.random() < 0.15 else later)
        took = timedelta(minutes=chance.randint(1, 30 * 1440))
        if at + took >= NOON:
            break
        at += took
        _move(told, here, to, at, took)
        here = to
    told.cycle.lead.stage, told.cycle.lead.stage_entered_at = here, at
    told.cycle.lead.save()
    if not here.is_open:
        _close(chance, told, here, at)


def _move(told: Told, here: Stage | None, to: Stage, at: datetime, took: timedelta | None) -> None:
    told.moves.append((to, at))
    Transition.objects.create(
        lead=told.cycle.lead,
        cycle=told.cycle,
        from_stage=here,
        to_stage=to,
        at=at,
        seconds_in_from=int(took.total_seconds()) if took else None,
    )


def _close(chance: random.Random, told: Told, stage: Stage, at: datetime) -> None:
    cycle = told.cycle
    cycle.closed_at, cycle.outcome = at, stage.category
    cycle.lost_reason = chance.choice(REASONS) if stage.category == "lost" else ""
    cycle.save(update_fields=["closed_at", "outcome", "lost_reason"])
    if stage.category == "won":
        told.amount = Decimal(chance.randint(100, 9000))
        Deal.objects.create(
            lead=cycle.lead,
            cycle=cycle,
            name="Deal",
            amount=told.amount,
            currency="EUR",
            state="won",
            closed_at=at,
        )


def _answer(chance: random.Random, told: Told) -> None:
    cycle = told.cycle
    wait = timedelta(seconds=chance.choice([60, 1200, 3000, 9000, 90_000]) + chance.randint(0, 99))
    answered = cycle.received_at + wait
    if chance.random() < 0.75 and answered < NOON:
        cycle.first_response_at = answered
        cycle.save()
    ResponseClock.objects.create(
        cycle=cycle,
        lead=cycle.lead,
        target_minutes=60,
        started_at=cycle.received_at,
        respond_by=cycle.received_at + timedelta(hours=1),
        first_response_at=cycle.first_response_at,
        cancelled_at=None if cycle.first_response_at else cycle.closed_at,
    )


def _touch(chance: random.Random, told: Told) -> None:
    for _ in range(chance.randint(0, 3)):
        before = timedelta(minutes=chance.randint(-5000, 50_000))
        Touch.objects.create(
            lead=told.cycle.lead,
            channel=chance.choice(["paid_search", "event", "email"]),
            occurred_at=told.cycle.opened_at - before,
        )
