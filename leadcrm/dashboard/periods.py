"""Stretches of whole days in a time zone, with the one before to compare with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PRESETS = {
    "today": "Today",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "month": "This month",
    "last_month": "Last month",
    "quarter": "This quarter",
    "year": "This year",
    "12m": "Last 12 months",
    "custom": "Custom dates",
}
DEFAULT = "90d"
LONGEST_DAYS = 3_660
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of `first` to the end of `last`, both days included."""

    first: date
    last: date
    zone: ZoneInfo
    preset: str = "custom"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def label(self) -> str:
        return PRESETS[self.preset] if self.preset != "custom" else self.words

    @property
    def words(self) -> str:
        """“3 Aug – 5 Nov 2026”."""
        first = f"{self.first.day} {self.first:%b}"
        if self.first.year != self.last.year:
            first += f" {self.first.year}"
        last = f"{self.last.day} {self.last:%b} {self.last.year}"
        return last if self.first == self.last else f"{first} – {last}"

    @property
    def before(self) -> "Period":
        """As many days just before; for a whole month, the month before."""
        last = self.first - timedelta(days=1)
        first = last.replace(day=1) if self.preset == "last_month" else last
        if self.preset != "last_month":
            first = self.first - timedelta(days=self.days)
        return Period(first, last, self.zone)

    @property
    def step(self) -> str:
        """How finely a line over this period is drawn."""
        if self.days <= 31:
            return "day"
        return "week" if self.days <= 200 else "month"

    def steps(self, kind: str) -> Iterator[date]:
        """The first days of its days, weeks or months; the first may begin before the period."""
        day = floor(self.first, kind)
        while day <= self.last:
            yield day
            day = following(day, kind)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    # Combined with the zone, then converted: a day of 23 or 25 hours keeps its true ends.
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def floor(day: date, kind: str) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "month" else day


def following(day: date, kind: str) -> date:
    if kind == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if kind == "week" else 1)


def _last(days: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today - timedelta(days=days - 1), today)


def _last_month(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _quarter(today: date) -> tuple[date, date]:
    return today.replace(month=today.month - (today.month - 1) % 3, day=1), today


def _twelve_months(today: date) -> tuple[date, date]:
    tomorrow = today + timedelta(days=1)
    if (tomorrow.month, tomorrow.day) == (2, 29):
        return tomorrow.replace(year=tomorrow.year - 1, day=28), today
    return tomorrow.replace(year=tomorrow.year - 1), today


DAYS_OF: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": _last(1),
    "7d": _last(7),
    "30d": _last(30),
    "90d": _last(90),
    "month": lambda today: (today.replace(day=1), today),
    "last_month": _last_month,
    "quarter": _quarter,
    "year": lambda today: (today.replace(month=1, day=1), today),
    "12m": _twelve_months,
}


def preset(name: str, *, now: datetime, zone: ZoneInfo) -> Period:
    first, last = DAYS_OF[name](now.astimezone(zone).date())
    return Period(first, last, zone, name)
