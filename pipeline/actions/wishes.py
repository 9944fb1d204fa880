"""What a form or a source asks for its leads: the stage they begin at, and whose they are."""

from contextlib import suppress
from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import Team, User
from leadcrm.lib.errors import DomainError
from leads.models import Lead
from leads.wishes import Wishes, wishes_of
from pipeline.actions.ledger import open_cycle_of
from pipeline.actions.owners import assign
from pipeline.actions.routing import route
from pipeline.actions.stages import move_to_stage
from pipeline.models import Assignment, Transition

CAUSE = "form"


@transaction.atomic
def honour_wishes(lead_id: int, inquiry_id: int, *, at: datetime) -> None:
    """Only for a cycle that this inquiry opened, and only once: people's moves come after.

    Somebody who owns the lead keeps it. A wish that cannot be had any more is left out.
    """
    wishes = wishes_of(inquiry_id)
    lead = Lead.objects.select_related("owner").filter(pk=lead_id).first()
    cycle = open_cycle_of(lead) if wishes and lead else None
    if lead is None or cycle is None or cycle.opened_by_inquiry_id != inquiry_id:
        return
    moved = cycle.transitions.exclude(cause=Transition.Cause.OPENED).exists()
    if wishes.stage and not moved:
        with suppress(DomainError):
            move_to_stage(
                lead_id,
                to=wishes.stage,
                pipeline=wishes.pipeline,
                at=at,
                cause=Transition.Cause.OPENED,
            )
    if wishes.owner and (lead.owner is None or not lead.owner.is_active):
        _find_owner(lead_id, wishes, at=at)


def _find_owner(lead_id: int, wishes: Wishes, *, at: datetime) -> None:
    if wishes.wants_routing:
        route(lead_id, at=at, cause=CAUSE)
        return
    user = User.objects.filter(pk=wishes.user_id or 0, is_active=True).first()
    team = Team.objects.filter(pk=wishes.team_id or 0).first()
    if user is not None:
        assign(lead_id, owner=user, at=at, cause=Assignment.Cause.ROUTED, note="As its form says.")
    elif team is not None:
        assign(lead_id, owner=None, team=team, at=at, cause=Assignment.Cause.OPENED)
