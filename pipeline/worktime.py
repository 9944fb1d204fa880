"""Working time: how much of it lies between two moments, and when so much of it will have passed.

Moments are compared in UTC; only the edges of blocks are local. So a day of 23 or 25 hours counts
what was really worked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

LONGEST_SEARCH_DAYS = 3 * 366


@dataclass(frozen=True, slots=True)
class Block:
    """Work from `starts` to `ends` on a weekday; Monday is 0."""

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weekly blocks in a zone, without some days. No blocks: always at work but for those days."""

    zone: tzinfo
    blocks: tuple[Block, ...] = ()
    days_off: frozenset[date] = frozenset()


Span = tuple[datetime, datetime]


def is_working(calendar: Calendar, at: datetime) -> bool:
    return any(start <= at < end for start, end in _spans(calendar, at, at + timedelta(seconds=1)))


def working_seconds(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Seconds of work from `start` to `end`; 0 when `end` is not later."""
    seconds = sum(
        (
            min(span_end, end) - max(span_start, start)
            for span_start, span_end in _spans(calendar, start, end)
        ),
        timedelta(),
    )
    return int(seconds.total_seconds())


def after_working_minutes(calendar: Calendar, start: datetime, minutes: int) -> datetime:
    """The moment when `minutes` of work have passed since `start`.

    In a calendar that never works (for years) wall time counts, so that nobody waits for ever.
    """
    left = timedelta(minutes=minutes)
    horizon = start + timedelta(days=LONGEST_SEARCH_DAYS)
    for span_start, span_end in _spans(calendar, start, horizon):
        begin = max(span_start, start)
        if begin + left <= span_end:
            return begin + left
        left -= span_end - begin
    return start + timedelta(minutes=minutes)


def next_working_moment(calendar: Calendar, at: datetime) -> datetime:
    """`at` itself when it is at work, else the start of the next block."""
    horizon = at + timedelta(days=LONGEST_SEARCH_DAYS)
    first = next(_spans(calendar, at, horizon), None)
    return at if first is None else max(first[0], at)


def _spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """Spans of work in UTC that touch `start`..`end`, in order and without overlap."""
    reached = datetime.min.replace(tzinfo=UTC)
    for day in _days(calendar.zone, start, end):
        for span_start, span_end in _spans_of_day(calendar, day):
            begin = max(span_start, reached)
            if begin < span_end and span_end > start and begin < end:
                yield begin, span_end
            reached = max(reached, span_end)


def _days(zone: tzinfo, start: datetime, end: datetime) -> Iterator[date]:
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _spans_of_day(calendar: Calendar, day: date) -> list[Span]:
    if day in calendar.days_off:
        return []
    if not calendar.blocks:
        return [_utc(calendar.zone, day, time.min, day + timedelta(days=1), time.min)]
    return sorted(
        _utc(calendar.zone, day, block.starts, day, block.ends)
        for block in calendar.blocks
        if block.weekday == day.weekday()
    )


def _utc(zone: tzinfo, day: date, starts: time, last_day: date, ends: time) -> Span:
    # Subtract and compare only in UTC: Python ignores offsets between moments of one zone.
    return (
        datetime.combine(day, starts, tzinfo=zone).astimezone(UTC),
        datetime.combine(last_day, ends, tzinfo=zone).astimezone(UTC),
    )
