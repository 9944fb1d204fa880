"""Who is responsible for a lead: every change goes through here and into the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from leadcrm.accounts.models import Team, User
from leadcrm.eventlog.actions import publish
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions import NewActivity, mark_dirty, record_activities
from leads.events import LeadAssigned
from leads.models import Lead
from pipeline.actions.defaults import fallback_queue
from pipeline.actions.ledger import lock_leads
from pipeline.models import Assignment, RoutingDecision, SalesCycle, Task, WaitingLead

NOTE_LIMIT = 500
# Nobody needs to accept what they took or were found to own already.
ACCEPTED_BY_NATURE = frozenset({Assignment.Cause.CLAIMED, Assignment.Cause.CREATED})


class OwnerNotPossible(Invalid):
    """The person cannot own leads."""

    code = "owner_not_possible"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one of many: `message` says why it was refused."""

    lead_id: int
    ok: bool
    message: str = ""


def assign(
    lead_id: int,
    *,
    owner: User | None,
    at: datetime,
    team: Team | None = None,
    cause: str = Assignment.Cause.MANUAL,
    actor: User | None = None,
    decision: RoutingDecision | None = None,
    note: str = "",
    locked: Lead | None = None,
) -> Assignment | None:
    """Make somebody, or the queue of a team, responsible; None when that is so already.

    Without an owner and a team the lead goes to its own team's queue, else the fallback queue.

    :param locked: the lead, where this transaction has its lock already.
    :raises OwnerNotPossible: the person's account is switched off.
    :raises NotFound: the lead is gone.
    """
    made = assign_many(
        [lead_id],
        owner=owner,
        at=at,
        team=team,
        cause=cause,
        actor=actor,
        decision=decision,
        note=note,
        locked=[locked] if locked is not None else None,
    )
    return made[0] if made else None


@transaction.atomic
def assign_many(
    lead_ids: Sequence[int],
    *,
    owner: User | None,
    at: datetime,
    team: Team | None = None,
    cause: str = Assignment.Cause.BULK,
    actor: User | None = None,
    decision: RoutingDecision | None = None,
    note: str = "",
    locked: Sequence[Lead] | None = None,
) -> list[Assignment]:
    """`assign` for many leads in a handful of statements; returns the changes made."""
    _check_owner(owner)
    leads = locked or lock_leads(lead_ids)
    leads = _to_change(leads, owner=owner, team=team, decision=decision)
    if not leads:
        return []
    previous = {lead.pk: lead.owner for lead in leads}
    teams = _teams_for(leads, owner, team)
    _end_current([lead.pk for lead in leads], at=at)
    made = _begin(
        leads, owner, teams, at=at, cause=cause, actor=actor, decision=decision, note=note
    )
    for lead in leads:
        lead.owner, lead.team, lead.updated_at = owner, teams[lead.pk], at
    Lead.objects.bulk_update(leads, ["owner", "team", "updated_at"], batch_size=500)
    if owner is not None:
        WaitingLead.objects.filter(lead__in=leads).delete()
        # What nobody was to do comes with the lead.
        unclaimed = Task.objects.filter(lead__in=leads, assignee=None, done_at=None)
        unclaimed.update(assignee=owner)
    _announce(made, previous, at=at, actor=actor)
    return made


def _check_owner(owner: User | None) -> None:
    if owner is not None and not owner.is_active:
        raise OwnerNotPossible.field(
            "owner",
            f"{owner.name}’s account is switched off. Choose somebody else, or the queue.",
            "inactive",
        )


def _to_change(
    leads: Sequence[Lead],
    *,
    owner: User | None,
    team: Team | None,
    decision: RoutingDecision | None,
) -> list[Lead]:
    """Those for whom this is news. A decision for a queue always is: somebody must be told."""
    current = Assignment.objects.filter(Assignment.CURRENT, lead__in=leads)
    known = set(current.values_list("lead_id", flat=True))
    return [
        lead
        for lead in leads
        if lead.pk not in known
        or lead.owner != owner
        or (owner is None and (decision is not None or (team and lead.team != team)))
    ]


def _teams_for(
    leads: Sequence[Lead], owner: User | None, team: Team | None
) -> dict[int, Team | None]:
    """The team that goes with the owner; for a queue there is always one."""
    if team is not None:
        return dict.fromkeys([lead.pk for lead in leads], team)
    if owner is None:
        fallback = fallback_queue()
        return {lead.pk: lead.team or fallback for lead in leads}
    teams = list(owner.teams.order_by("pk"))
    return {lead.pk: lead.team if lead.team in teams or not teams else teams[0] for lead in leads}


def _end_current(lead_ids: Sequence[int], *, at: datetime) -> None:
    # Moments come from callers; an assignment never ends before it began.
    Assignment.objects.filter(Assignment.CURRENT, lead__in=lead_ids).update(
        to_at=Greatest("from_at", Value(at))
    )


def _begin(
    leads: Sequence[Lead],
    owner: User | None,
    teams: dict[int, Team | None],
    *,
    at: datetime,
    cause: str,
    actor: User | None,
    decision: RoutingDecision | None,
    note: str,
) -> list[Assignment]:
    cycles = SalesCycle.objects.filter(SalesCycle.OPEN, lead__in=leads)
    cycle_of = {cycle.lead_id: cycle for cycle in cycles}
    accepted = owner is not None and (owner == actor or cause in ACCEPTED_BY_NATURE)
    return Assignment.objects.bulk_create(
        Assignment(
            lead=lead,
            cycle=cycle_of.get(lead.pk),
            owner=owner,
            team=teams[lead.pk],
            from_at=at,
            cause=cause,
            actor=actor,
            decision=decision,
            note=clean_text(note, limit=NOTE_LIMIT),
            accepted_at=at if accepted else None,
        )
        for lead in leads
    )


def _announce(
    made: Sequence[Assignment],
    previous: dict[int, User | None],
    *,
    at: datetime,
    actor: User | None,
) -> None:
    """Write it on the timelines and publish it; a new lead’s first queue is no news."""
    news = [a for a in made if a.cause != Assignment.Cause.OPENED]
    record_activities([_timeline_entry(a, previous[a.lead_id], at, actor) for a in news])
    mark_dirty([a.lead_id for a in news])
    for assignment in news:
        former = previous[assignment.lead_id]
        publish(
            LeadAssigned(
                lead_id=assignment.lead_id,
                assignment_id=assignment.pk,
                owner_id=assignment.owner_id,
                previous_owner_id=former.pk if former else None,
            ),
            at=at,
            actor=actor,
        )


def _timeline_entry(
    assignment: Assignment, former: User | None, at: datetime, actor: User | None
) -> NewActivity:
    return NewActivity(
        lead_id=assignment.lead_id,
        type="owner_changed",
        occurred_at=at,
        user_id=actor.pk if actor else None,
        properties={
            "from": former.name if former else "",
            "to": assignment.owner.name if assignment.owner else "",
            "queue": assignment.team.name if assignment.team and not assignment.owner else "",
            "cause": assignment.get_cause_display(),
            "note": assignment.note,
        },
    )


def bulk_assign(
    lead_ids: Sequence[int],
    *,
    owner: User | None,
    at: datetime,
    team: Team | None = None,
    actor: User | None = None,
    note: str = "",
) -> list[RowResult]:
    """Assign many at once; a row for each lead asked for, in that order."""
    _check_owner(owner)
    if not lead_ids:
        return []
    there = set(Lead.objects.live().filter(pk__in=lead_ids).values_list("pk", flat=True))
    if there:
        assign_many(sorted(there), owner=owner, at=at, team=team, actor=actor, note=note)
    gone = "This lead is no longer there."
    return [RowResult(pk, pk in there, "" if pk in there else gone) for pk in lead_ids]
