"""When people work: their hours, holidays and absences, and who covers for whom."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q

from leadcrm.accounts.models import Absence, Holiday, User, WorkingHours, Workspace
from pipeline.worktime import Block, Calendar, is_working

OFFICE_HOURS = tuple(Block(day, time(9), time(17)) for day in range(5))
LONGEST_CHAIN = 10
LONGEST_ABSENCE_DAYS = 400


def calendars_of(users: Iterable[User]) -> dict[int, Calendar]:
    """When each person works, holidays left out. No hours written down anywhere means always."""
    people = list(users)
    blocks, office = _blocks([user.pk for user in people])
    own, common = _holidays([user.holidays_id for user in people if user.holidays_id])
    return {
        user.pk: Calendar(
            user.zone,
            tuple(blocks[user.pk] or office),
            frozenset(own[user.holidays_id] if user.holidays_id else common),
        )
        for user in people
    }


def _blocks(user_ids: Sequence[int]) -> tuple[dict[int, list[Block]], list[Block]]:
    blocks: dict[int, list[Block]] = defaultdict(list)
    office: list[Block] = []
    for row in WorkingHours.objects.filter(Q(user__in=user_ids) | Q(user=None)):
        block = Block(row.weekday, row.starts, row.ends)
        (office if row.user_id is None else blocks[row.user_id]).append(block)
    return blocks, office


def _holidays(calendar_ids: Sequence[int]) -> tuple[dict[int, set[date]], set[date]]:
    own: dict[int, set[date]] = defaultdict(set)
    common: set[date] = set()
    rows = Holiday.objects.filter(Q(calendar__in=calendar_ids) | Q(calendar__is_default=True))
    for calendar_id, is_default, day in rows.values_list(
        "calendar_id", "calendar__is_default", "day"
    ):
        own[calendar_id].add(day)
        if is_default:
            common.add(day)
    return own, common


def on_shift(users: Sequence[User], at: datetime) -> set[int]:
    return {user_id for user_id, c in calendars_of(users).items() if is_working(c, at)}


def calendar_for(owner: User | None) -> Calendar:
    """The working time that counts for a lead: its owner's, else office hours of the workspace."""
    if owner is None:
        return office_calendar()
    calendar = calendars_of([owner])[owner.pk]
    away = {day for absence in Absence.objects.filter(user=owner) for day in _days(absence)}
    return Calendar(owner.zone, calendar.blocks or OFFICE_HOURS, calendar.days_off | away)


def office_calendar() -> Calendar:
    try:
        zone = ZoneInfo(Workspace.load().time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    _, office = _blocks([])
    _, common = _holidays([])
    return Calendar(zone, tuple(office) or OFFICE_HOURS, frozenset(common))


def _days(absence: Absence) -> list[date]:
    span = (absence.last_day - absence.first_day).days
    return [
        absence.first_day + timedelta(days=n) for n in range(min(span, LONGEST_ABSENCE_DAYS) + 1)
    ]


# Absences -----------------------------------------------------------------------------------------


def absent_users(users: Sequence[User], at: datetime) -> set[int]:
    """Who is away on what is today where they are."""
    return set(absences_now(users, at))


def absences_now(users: Sequence[User], at: datetime) -> dict[int, Absence]:
    day = at.date()
    near = Absence.objects.filter(
        user__in=[user.pk for user in users],
        first_day__lte=day + timedelta(days=1),
        last_day__gte=day - timedelta(days=1),
    ).select_related("cover")
    today = {user.pk: at.astimezone(user.zone).date() for user in users}
    return {a.user_id: a for a in near if a.first_day <= today[a.user_id] <= a.last_day}


def stand_in(user: User, at: datetime) -> User | None:
    """Who answers for somebody away: the cover, or the cover's cover; None when all are away."""
    asked = {user.pk}
    for _ in range(LONGEST_CHAIN):
        absence = absences_now([user], at).get(user.pk)
        if absence is None:
            return user if user.is_active and len(asked) > 1 else None
        if absence.cover is None or absence.cover.pk in asked:
            return None
        user = absence.cover
        asked.add(user.pk)
    return None
