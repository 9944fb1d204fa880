"""Taking back what somebody just did: found again by the moment and the person in the ledgers."""

from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import User
from pipeline.actions.cycles import reopen_cycle
from pipeline.actions.owners import assign
from pipeline.actions.stages import move_to_stage
from pipeline.models import Assignment, Transition

UNDONE = "Taken back"


@transaction.atomic
def undo_moves(*, moved_at: datetime, actor: User, at: datetime) -> int:
    """Move back what `actor` moved at that moment and nobody has moved since; how many."""
    moves = Transition.objects.filter(at=moved_at, actor=actor).select_related(
        "from_stage__pipeline", "to_stage"
    )
    return sum(_move_back(move, actor=actor, at=at) for move in moves.order_by("lead_id", "pk"))


def _move_back(move: Transition, *, actor: User, at: datetime) -> bool:
    newest = Transition.objects.filter(lead=move.lead_id).order_by("-at", "-pk").first()
    if move.from_stage is None or newest is None or newest.pk != move.pk:
        return False
    if move.to_stage.is_open:
        move_to_stage(
            move.lead_id,
            to=move.from_stage.key,
            at=at,
            actor=actor,
            note=UNDONE,
            pipeline=move.from_stage.pipeline.key,
            enforce=False,
        )
    else:
        reopen_cycle(move.lead_id, at=at, actor=actor, to=move.from_stage)
    return True


@transaction.atomic
def undo_assignments(*, assigned_at: datetime, actor: User, at: datetime) -> int:
    """Give back what `actor` assigned at that moment and nobody has reassigned since; how many."""
    made = Assignment.objects.filter(Assignment.CURRENT, from_at=assigned_at, actor=actor)
    return sum(
        _give_back(assignment, actor=actor, at=at) for assignment in made.order_by("lead_id")
    )


def _give_back(assignment: Assignment, *, actor: User, at: datetime) -> bool:
    before = (
        Assignment.objects.filter(lead=assignment.lead_id, pk__lt=assignment.pk)
        .select_related("owner", "team")
        .order_by("-pk")
        .first()
    )
    if before is None or (before.owner is not None and not before.owner.is_active):
        return False
    assign(
        assignment.lead_id, owner=before.owner, team=before.team, at=at, actor=actor, note=UNDONE
    )
    return True
