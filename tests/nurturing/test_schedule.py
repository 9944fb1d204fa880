from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from nurturing.schedule import Window, next_opening, zone_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OFFICE = Window(time(8), time(18), frozenset(range(5)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-19T12:00+01:00", "2026-11-19T12:00+01:00"),  # open
        ("2026-11-19T07:59+01:00", "2026-11-19T08:00+01:00"),
        ("2026-11-19T18:00+01:00", "2026-11-20T08:00+01:00"),
        ("2026-11-20T18:30+01:00", "2026-11-23T08:00+01:00"),  # over the weekend
        ("2026-03-28T12:00+01:00", "2026-03-30T08:00+02:00"),  # over the clock change
    ],
)
def test_the_next_opening_is_in_local_time(moment: str, opening: str) -> None:
    assert next_opening(at(moment), OFFICE, AMSTERDAM) == at(opening)


def test_an_hour_that_the_clock_change_skips_opens_when_it_would_have() -> None:
    window = Window(time(2, 30), time(4))

    assert next_opening(at("2026-03-29T01:00+01:00"), window, AMSTERDAM) == at(
        "2026-03-29T03:30+02:00"
    )


def test_without_hours_or_days_it_is_always_or_never_open() -> None:
    noon = at("2026-11-19T12:00+00:00")

    assert next_opening(noon, Window(), AMSTERDAM) == noon
    assert next_opening(noon, Window(weekdays=frozenset()), AMSTERDAM) is None


def test_an_unknown_zone_is_skipped() -> None:
    assert zone_of("", "Nowhere/Land", "Europe/Amsterdam") == AMSTERDAM
    assert zone_of("../etc/passwd") == ZoneInfo("UTC")
