"""Who waits for an answer, how long, and who must hear of it."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from leadcrm.accounts.models import Role, Team, User
from leads.activity_types import RESPONDING
from leads.models import Activity, Lead
from pipeline.models import ClockHop, ResponseClock, ResponseTarget
from pipeline.queries.conditions import leads_matching


def clock_of(lead_id: int) -> ResponseClock | None:
    """The clock of the open cycle, else of the last one."""
    return (
        ResponseClock.objects.filter(lead_id=lead_id)
        .select_related("cycle", "target", "stopped_by")
        .order_by("-cycle__number")
        .first()
    )


def hops_of(lead_id: int) -> QuerySet[ClockHop]:
    """Warnings and escalations about a lead, the newest first."""
    return ClockHop.objects.filter(lead_id=lead_id).order_by("-at", "-pk")


def waiting_for(principal: Any) -> QuerySet[ResponseClock]:
    """Running clocks of leads somebody may see, the closest to its end first."""
    return (
        ResponseClock.objects.filter(ResponseClock.RUNNING)
        .filter(lead__in=Lead.objects.visible_to(principal).values("pk"))
        .select_related("lead", "lead__stage", "lead__owner", "lead__score_row")
        .order_by("respond_by", "pk")
    )


def target_for(lead_id: int) -> ResponseTarget | None:
    """The first target whose condition holds."""
    for target in ResponseTarget.objects.filter(enabled=True).order_by("order", "pk"):
        if leads_matching(target.condition, [lead_id]):
            return target
    return None


def first_response(lead_id: int, *, since: datetime) -> Activity | None:
    """The first human attempt to reach the lead, or live talk with it. Automatic mail never is."""
    return (
        Activity.objects.filter(
            lead_id=lead_id,
            type__in=RESPONDING,
            klass=Activity.Class.HUMAN,
            occurred_at__gte=since,
        )
        .select_related("user")
        .order_by("occurred_at", "pk")
        .first()
    )


def manager_of(lead: Lead) -> User | None:
    """The manager to tell about a lead: of its team, else of one above."""
    return next(iter(managers_of(lead)), None)


def managers_of(lead: Lead) -> list[User]:
    """The managers of its team and of the teams above, the closest first, each once."""
    found: dict[int, User] = {}
    team: Team | None = lead.team
    for _ in range(10):
        if team is None:
            break
        if team.manager is not None and team.manager.is_active:
            found[team.manager.pk] = team.manager
        team = team.parent
    return list(found.values())


def responsible_for(lead: Lead) -> list[User]:
    """Who must act: the owner; for a queue its manager, else the administrators."""
    if lead.owner is not None and lead.owner.is_active:
        return [lead.owner]
    manager = manager_of(lead)
    return [manager] if manager else administrators()


def administrators() -> list[User]:
    return list(User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk"))


def lead_url(lead: Lead) -> str:
    return f"/leads/{lead.public_id}/"
