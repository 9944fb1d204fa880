"""When a mail may go out: the window of the day and week, in the zone of whoever gets it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ALL_WEEK = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Window:
    """`opens` to `closes` on `weekdays` (Monday is 0). Without `opens`: all day."""

    opens: time | None = None
    closes: time | None = None
    weekdays: frozenset[int] = ALL_WEEK


def next_opening(at: datetime, window: Window, zone: ZoneInfo) -> datetime | None:
    """`at` when the window is open then, else the next moment it opens; None when it never does.

    A clock change that skips the opening hour opens at the first moment that exists.
    """
    local = at.astimezone(zone)
    for days in range(8):
        day = local.date() + timedelta(days=days)
        if day.weekday() not in window.weekdays:
            continue
        opens = datetime.combine(day, window.opens or time.min, tzinfo=zone)
        closes = (
            datetime.combine(day, window.closes, tzinfo=zone)
            if window.closes
            else datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
        )
        # Compare instants, not wall clocks: within one zone Python ignores the offset.
        start, end = opens.timestamp(), closes.timestamp()
        if at.timestamp() < end:
            return at if at.timestamp() >= start else datetime.fromtimestamp(start, tz=at.tzinfo)
    return None


def zone_of(*names: str) -> ZoneInfo:
    """The first of `names` that is a time zone, else UTC."""
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return ZoneInfo("UTC")
