"""Leads that came by the hundred: into the funnel in a handful of statements."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leads.models import Lead, Stage, Status
from leads.queries.imports import Newcomer, Wishes
from pipeline.actions.defaults import ensure_default_funnel, fallback_queue
from pipeline.actions.ledger import lock_leads
from pipeline.actions.response import start_clock
from pipeline.actions.routing import route
from pipeline.models import Assignment, SalesCycle, Transition

IMPORTED = "imported"


@transaction.atomic
def take_up(newcomers: Sequence[Newcomer], wishes: Wishes, *, at: datetime) -> int:
    """Open a cycle for each that has none, in its first stage or the one its row names.

    Each gets the owner its row names, the one chosen for all, or the team that answers for new
    leads. Nobody is told of each lead. Routing and clocks, lead by lead, only where asked for.
    Return how many there were; run twice it changes nothing the second time.
    """
    there = SalesCycle.objects.filter(lead__in=[n.lead_id for n in newcomers])
    known = set(there.values_list("lead_id", flat=True))
    fresh = [newcomer for newcomer in newcomers if newcomer.lead_id not in known]
    if not fresh:
        return 0
    by_id = {newcomer.lead_id: newcomer for newcomer in fresh}
    leads = lock_leads(list(by_id))
    stages = _stages_of(leads, by_id)
    cycles = _open_cycles(leads, stages, at=at)
    _give_owners(leads, cycles, by_id, wishes, at=at)
    _place(leads, stages, at=at)
    if wishes.clocks:
        for lead, cycle in zip(leads, cycles, strict=True):
            lead.refresh_from_db()
            start_clock(lead, cycle, since=at, at=at)
    if wishes.owner == "route":
        for lead in leads:
            if by_id[lead.pk].owner_id is None:
                route(lead.pk, at=at, cause=IMPORTED)
    return len(leads)


def _stages_of(leads: Sequence[Lead], by_id: dict[int, Newcomer]) -> dict[int, Stage]:
    pipeline = ensure_default_funnel()
    open_stages = pipeline.stages.filter(category=Stage.Category.OPEN).order_by("position")
    stages = {stage.pk: stage for stage in open_stages}
    first = next(iter(stages.values()))
    return {lead.pk: stages.get(by_id[lead.pk].stage_id or 0, first) for lead in leads}


def _open_cycles(
    leads: Sequence[Lead], stages: dict[int, Stage], *, at: datetime
) -> list[SalesCycle]:
    marks = {
        kind: Stage.objects.filter(pipeline__is_default=True, key=kind).aggregate(
            at=Max("position")
        )["at"]
        for kind in ("mql", "sql")
    }
    reached = {
        kind: {pk for pk, stage in stages.items() if mark is not None and stage.position >= mark}
        for kind, mark in marks.items()
    }
    cycles = SalesCycle.objects.bulk_create(
        SalesCycle(
            lead=lead,
            number=1,
            pipeline_id=stages[lead.pk].pipeline_id,
            source_id=lead.source_id,
            opened_at=at,
            received_at=at,
            furthest=stages[lead.pk],
            mql_at=at if lead.pk in reached["mql"] else None,
            sql_at=at if lead.pk in reached["sql"] else None,
        )
        for lead in leads
    )
    Transition.objects.bulk_create(
        Transition(
            lead=lead,
            cycle=cycle,
            to_stage=stages[lead.pk],
            at=at,
            cause=Transition.Cause.OPENED,
        )
        for lead, cycle in zip(leads, cycles, strict=True)
    )
    return cycles


def _give_owners(
    leads: Sequence[Lead],
    cycles: Sequence[SalesCycle],
    by_id: dict[int, Newcomer],
    wishes: Wishes,
    *,
    at: datetime,
) -> None:
    chosen = wishes.owner_id if wishes.owner == "person" else None
    wanted = {lead.pk: by_id[lead.pk].owner_id or chosen for lead in leads}
    people = (
        User.objects.filter(is_active=True)
        .prefetch_related("teams")
        .in_bulk({pk for pk in wanted.values() if pk})
    )
    team = fallback_queue()
    held = set(
        Assignment.objects.filter(Assignment.CURRENT, lead__in=leads).values_list("lead", flat=True)
    )
    made = []
    for lead, cycle in zip(leads, cycles, strict=True):
        if lead.pk in held:
            continue
        lead.owner = people.get(wanted[lead.pk] or 0)
        teams = sorted(lead.owner.teams.all(), key=lambda each: each.pk) if lead.owner else [team]
        lead.team = lead.team or (teams[0] if teams else None)
        made.append(
            Assignment(
                lead=lead,
                cycle=cycle,
                owner=lead.owner,
                team=lead.team,
                from_at=at,
                cause=Assignment.Cause.CREATED if lead.owner else Assignment.Cause.OPENED,
                actor_id=wishes.by_id,
                accepted_at=at if lead.owner else None,
            )
        )
    Assignment.objects.bulk_create(made)
    for person in people.values():
        _tell(person, sum(a.owner_id == person.pk for a in made), wishes, at=at)


def _tell(person: User, number: int, wishes: Wishes, *, at: datetime) -> None:
    """Once a day and importer: files come in parts."""
    if not number or person.pk == wishes.by_id:
        return
    notify(
        person,
        kind="assigned",
        title="You got imported leads",
        body="Somebody imported a file and made you the owner of its new leads.",
        dedupe_key=f"imported:{wishes.by_id}:{at:%Y-%m-%d}",
        url="/leads/?owner=me&sort=-created",
    )


def _place(leads: Sequence[Lead], stages: dict[int, Stage], *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_lead AS l SET stage_id = v.stage, stage_entered_at = %s, status = %s,
              owner_id = v.owner, team_id = v.team
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
              AS v (id, stage, owner, team) WHERE l.id = v.id
            """,
            [
                at,
                Status.NEW,
                [lead.pk for lead in leads],
                [stages[lead.pk].pk for lead in leads],
                [lead.owner_id for lead in leads],
                [lead.team_id for lead in leads],
            ],
        )
