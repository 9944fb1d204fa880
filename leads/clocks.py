"""Clocks in words: how long a first reply is owed, and what time it is where the lead is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global
from django.utils import timezone

from leadcrm.lib.ui import duration
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Clock:
    """`kind` is due, late, met or none; `due` is set while the clock runs."""

    kind: str
    words: str
    due: datetime | None = None


def reply_clock(lead: Lead, *, at: datetime | None = None) -> Clock:
    if lead.responded_at:
        started = lead.response_started_at or lead.created_at
        return Clock("met", duration(max(lead.responded_at - started, timedelta())))
    if lead.response_due_at is None:
        return Clock("none", "None due")
    left = lead.response_due_at - (at or timezone.now())
    words = f"{duration(left)} {'over' if left.days < 0 else 'left'}"
    return Clock("late" if left.days < 0 else "due", words, lead.response_due_at)


def local_time(lead: Lead, at: datetime) -> datetime | None:
    """The moment where the lead is, when its zone or a country with one time is known."""
    names = [lead.time_zone] if lead.time_zone else get_global("territory_zones").get(lead.country)
    try:
        times = {at.astimezone(ZoneInfo(name)).replace(tzinfo=None) for name in names or []}
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return times.pop() if len(times) == 1 else None
