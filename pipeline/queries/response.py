"""Who waits for an answer, how long, and who must hear of it."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import QuerySet

from leadcrm.accounts.models import Absence, Role, Team, User, Workspace
from leads.activity_types import RESPONDING
from leads.models import Activity, Lead
from pipeline.models import ResponseClock, ResponseTarget
from pipeline.queries.conditions import leads_matching
from pipeline.queries.owners import calendars_of
from pipeline.worktime import Block, Calendar

OFFICE_HOURS = tuple(Block(day, time(9), time(17)) for day in range(5))


def clock_of(lead_id: int) -> ResponseClock | None:
    """The clock of the open cycle, else of the last one."""
    return (
        ResponseClock.objects.filter(lead_id=lead_id)
        .select_related("cycle", "target", "stopped_by")
        .order_by("-cycle__number")
        .first()
    )


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


def calendar_for(owner: User | None) -> Calendar:
    """The working time that counts for a lead: its owner's, else office hours of the workspace."""
    if owner is None:
        return office_calendar()
    calendar = calendars_of([owner])[owner.pk]
    days_off = {day for absence in Absence.objects.filter(user=owner) for day in _days(absence)}
    return Calendar(owner.zone, calendar.blocks or OFFICE_HOURS, frozenset(days_off))


def office_calendar() -> Calendar:
    try:
        zone = ZoneInfo(Workspace.load().time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return Calendar(zone, OFFICE_HOURS)


def _days(absence: Absence) -> list[date]:
    span = (absence.last_day - absence.first_day).days
    return [absence.first_day + timedelta(days=n) for n in range(min(span, 400) + 1)]


def manager_of(lead: Lead) -> User | None:
    """The manager to tell about a lead: of its team, else of one above."""
    team: Team | None = lead.team
    for _ in range(10):
        if team is None:
            return None
        if team.manager is not None and team.manager.is_active:
            return team.manager
        team = team.parent
    return None


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
