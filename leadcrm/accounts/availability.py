"""Writes about when people work: hours, absences with cover, holidays, and what they can do."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Q, QuerySet

from leadcrm.accounts.events import AvailabilityChanged
from leadcrm.accounts.models import Absence, Holiday, HolidayCalendar, User, WorkingHours
from leadcrm.eventlog.actions import publish
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.normalise import clean_text

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_BLOCKS = 4
LONGEST_ABSENCE = timedelta(days=366)
MOST_HOLIDAYS = 500
MOST_SKILLS = 30
CODE = re.compile("[A-Za-z]{2}")


class CalendarInUse(Conflict):
    """The holidays of the workspace."""

    code = "calendar_in_use"


@dataclass(frozen=True, slots=True)
class Hours:
    """One block of work; Monday is 0."""

    weekday: int
    starts: time
    ends: time


@transaction.atomic
def set_hours(
    user: User | None, blocks: Sequence[Hours], *, at: datetime, actor: User | None = None
) -> None:
    """When somebody works, or the office hours of the workspace; none: no hours of their own.

    :raises Invalid: a block that ends before it starts, or two that overlap, by its weekday.
    """
    if errors := list(_mistaken_hours(blocks)):
        raise Invalid(errors[0].message, errors=errors)
    WorkingHours.objects.filter(user=user).delete()
    WorkingHours.objects.bulk_create(
        WorkingHours(user=user, weekday=b.weekday, starts=b.starts, ends=b.ends) for b in blocks
    )
    announce([user] if user else [], at=at, actor=actor)


def _mistaken_hours(blocks: Sequence[Hours]) -> Iterator[FieldError]:
    for weekday, name in enumerate(WEEKDAYS):
        of_day = sorted((b for b in blocks if b.weekday == weekday), key=lambda b: b.starts)
        field = f"day_{weekday}"
        if len(of_day) > MOST_BLOCKS:
            yield FieldError(field, f"{name} has more than {MOST_BLOCKS} blocks. Join some.")
        for block in of_day:
            if block.ends <= block.starts:
                yield FieldError(
                    field,
                    f"{name} ends at {block.ends:%H:%M}, before it starts at {block.starts:%H:%M}. "
                    "Work over midnight is two blocks: one on each day.",
                )
        for before, after in pairwise(of_day):
            if after.starts < before.ends:
                yield FieldError(
                    field,
                    f"Two blocks of {name} overlap: one until {before.ends:%H:%M}, the next from "
                    f"{after.starts:%H:%M}. Join them, or let the second start later.",
                )


# Absences -----------------------------------------------------------------------------------------


@transaction.atomic
def add_absence(
    user: User,
    *,
    first_day: date,
    last_day: date,
    at: datetime,
    note: str = "",
    cover: User | None = None,
    moves_leads: bool = False,
    actor: User | None = None,
) -> Absence:
    """Somebody is away, the first and the last day included; `cover` answers meanwhile.

    :param moves_leads: open leads go to the cover on the first day, and back after the last.
    :raises Invalid: an absence that overlaps another, or a cover that cannot answer.
    """
    # Two forms sent at once must not make two absences that overlap.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    span = (first_day, last_day)
    if errors := list(_mistaken_absence(user, span, cover, moves_leads=moves_leads)):
        raise Invalid(errors[0].message, errors=errors)
    absence = Absence.objects.create(
        user=user,
        first_day=first_day,
        last_day=last_day,
        note=clean_text(note, limit=100),
        cover=cover,
        moves_leads=moves_leads,
    )
    announce([user], at=at, actor=actor)
    return absence


def _mistaken_absence(
    user: User, span: tuple[date, date], cover: User | None, *, moves_leads: bool
) -> Iterator[FieldError]:
    first_day, last_day = span
    if last_day < first_day:
        yield FieldError("last_day", "The last day is before the first. Swap them.")
        return
    if last_day - first_day > LONGEST_ABSENCE:
        yield FieldError(
            "last_day",
            "An absence lasts at most a year. For somebody who leaves, deactivate the account.",
        )
        return
    other = _overlapping(user, span).first()
    if other is not None:
        yield FieldError(
            "first_day",
            f"{user.name} is away from {other.first_day:%-d %b} to {other.last_day:%-d %b} "
            "already. End that absence first, or choose days outside it.",
        )
    yield from _mistaken_cover(user, span, cover, moves_leads=moves_leads)


def _mistaken_cover(
    user: User, span: tuple[date, date], cover: User | None, *, moves_leads: bool
) -> Iterator[FieldError]:
    if cover is None:
        if moves_leads:
            yield FieldError("cover", "Say who takes the leads meanwhile.", "required")
        return
    if cover == user:
        yield FieldError("cover", f"{user.name} cannot cover for themselves. Choose a colleague.")
    elif not cover.is_active:
        yield FieldError("cover", f"{cover.name}’s account is switched off. Choose a colleague.")
    elif circle := _circle(user, cover, span):
        yield FieldError(
            "cover",
            f"{circle} in those days, so nobody would answer. Choose somebody who is there.",
            "circle",
        )


def _overlapping(user: User, span: tuple[date, date]) -> QuerySet[Absence]:
    first_day, last_day = span
    return Absence.objects.filter(
        user=user, first_day__lte=last_day, last_day__gte=first_day
    ).select_related("cover")


def _circle(user: User, cover: User, span: tuple[date, date]) -> str:
    """“Bob is away himself and Alice covers for him”, should covers lead back to the person."""
    asked, current = {user.pk}, cover
    while current.pk not in asked:
        asked.add(current.pk)
        away = _overlapping(current, span).exclude(cover=None).first()
        if away is None or away.cover is None:
            return ""
        if away.cover.pk in asked:
            return f"{current.name} is away, too, and {away.cover.name} covers for them"
        current = away.cover
    return ""


@transaction.atomic
def end_absence(absence: Absence, *, at: datetime, actor: User | None = None) -> None:
    """Back already, or not going at all: it ends yesterday, or never was."""
    today = at.astimezone(absence.user.zone).date()
    if absence.first_day >= today:
        absence.delete()
    else:
        absence.last_day = min(absence.last_day, today - timedelta(days=1))
        absence.save(update_fields=["last_day"])
    announce([absence.user], at=at, actor=actor)


# Holidays -----------------------------------------------------------------------------------------


@transaction.atomic
def save_calendar(
    calendar: HolidayCalendar | None,
    *,
    name: str,
    days: Sequence[tuple[date, str]],
    is_default: bool,
    at: datetime,
    actor: User | None = None,
) -> HolidayCalendar:
    """Make a calendar of holidays, or change it. The first one is the workspace’s.

    :raises Invalid: no name, one that another has, or too many days.
    """
    saved = calendar or HolidayCalendar()
    text = clean_text(name, limit=60)
    if not text:
        raise Invalid.field("name", "Give the calendar a name, such as Netherlands.", "required")
    if HolidayCalendar.objects.filter(name=text).exclude(pk=saved.pk).exists():
        raise Invalid.field("name", f"There is a calendar “{text}” already. Choose another name.")
    if len(days) > MOST_HOLIDAYS:
        raise Invalid.field("days", f"Keep to {MOST_HOLIDAYS} days. Leave out years long past.")
    others = HolidayCalendar.objects.exclude(pk=saved.pk)
    saved.name = text
    saved.is_default = is_default or not others.filter(is_default=True).exists()
    if saved.is_default:
        others.update(is_default=False)
    saved.save()
    saved.days.all().delete()
    named = {day: clean_text(what, limit=60) for day, what in days}
    Holiday.objects.bulk_create(
        Holiday(calendar=saved, day=day, name=what) for day, what in sorted(named.items())
    )
    announce([], at=at, actor=actor)
    return saved


@transaction.atomic
def delete_calendar(calendar: HolidayCalendar, *, at: datetime, actor: User | None = None) -> None:
    """:raises CalendarInUse: it is the workspace’s, and there are others."""
    if calendar.is_default and HolidayCalendar.objects.exclude(pk=calendar.pk).exists():
        raise CalendarInUse(
            f"“{calendar}” holds the holidays of the workspace. Make another one that first."
        )
    calendar.delete()
    announce([], at=at, actor=actor)


# Abilities ----------------------------------------------------------------------------------------


@transaction.atomic
def set_abilities(
    user: User,
    *,
    languages: Iterable[str],
    territory: Iterable[str],
    skills: Iterable[str],
    holidays: HolidayCalendar | None,
    at: datetime,
    actor: User | None = None,
) -> None:
    """What routing looks at when a pool or a rule asks for it.

    :raises Invalid: a code that is none, or too many skills.
    """
    spoken = _codes("languages", languages, lambda code: code.lower(), "en, nl")
    countries = _codes("territory", territory, lambda code: code.upper(), "NL, BE")
    known = {text.casefold(): text for each in skills if (text := clean_text(each, limit=40))}
    if len(known) > MOST_SKILLS:
        raise Invalid.field("skills", f"Keep to {MOST_SKILLS} skills; rules ask for a few.")
    user.languages, user.territory, user.skills = spoken, countries, list(known.values())
    user.holidays = holidays
    user.save(update_fields=["languages", "territory", "skills", "holidays"])
    announce([user], at=at, actor=actor)


def _codes(field: str, given: Iterable[str], form: Callable[[str], str], like: str) -> list[str]:
    codes = [form(text) for each in given if (text := each.strip())]
    if odd := next((code for code in codes if not CODE.fullmatch(code)), ""):
        raise Invalid.field(field, f"“{odd}” is no code of two letters. Write them as {like}.")
    return list(dict.fromkeys(codes))[:100]


def announce(users: Sequence[User], *, at: datetime, actor: User | None = None) -> None:
    """Let the apps above count again: for these people, or for everybody."""
    publish(AvailabilityChanged(user_ids=[user.pk for user in users]), at=at, actor=actor)


def coming_absences(user: User, today: date) -> QuerySet[Absence]:
    """Those not over yet, the next first."""
    found = Absence.objects.filter(Q(last_day__gte=today), user=user)
    return found.select_related("cover").order_by("first_day", "pk")
