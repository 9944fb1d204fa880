from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.worktime import (
    Block,
    Calendar,
    after_working_minutes,
    is_working,
    next_working_moment,
    working_seconds,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NINE_TO_FIVE = tuple(Block(day, time(9), time(17)) for day in range(5))
OFFICE = Calendar(AMSTERDAM, NINE_TO_FIVE)
ALWAYS = Calendar(UTC)

moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(
    ["UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
block = st.tuples(st.integers(0, 6), st.integers(0, 22), st.integers(1, 23)).map(
    lambda b: Block(b[0], time(b[1]), time(max(b[1] + 1, b[2])))
)
calendars = st.builds(
    lambda zone, blocks, days: Calendar(ZoneInfo(zone), tuple(blocks), frozenset(days)),
    zones,
    st.lists(block, min_size=1, max_size=8),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5),
)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=AMSTERDAM).astimezone(UTC)  # type: ignore[misc]


class TestWorkingSeconds:
    def test_a_night_and_a_week_end_do_not_count(self) -> None:
        friday, monday = local(2026, 11, 20, 16, 30), local(2026, 11, 23, 9, 15)

        assert working_seconds(OFFICE, friday, monday) == 45 * 60

    def test_a_holiday_does_not_count(self) -> None:
        closed = Calendar(AMSTERDAM, NINE_TO_FIVE, frozenset({date(2026, 12, 25)}))

        worked = working_seconds(closed, local(2026, 12, 24, 16), local(2026, 12, 28, 10))

        assert worked == 2 * 3600

    def test_the_day_clocks_go_forward_has_an_hour_less(self) -> None:
        nights = Calendar(AMSTERDAM, (Block(6, time(0), time(6)),))

        assert working_seconds(nights, local(2026, 3, 29), local(2026, 3, 30)) == 5 * 3600

    def test_the_day_clocks_go_back_has_an_hour_more(self) -> None:
        nights = Calendar(AMSTERDAM, (Block(6, time(0), time(6)),))

        assert working_seconds(nights, local(2026, 10, 25), local(2026, 10, 26)) == 7 * 3600

    def test_without_blocks_every_second_counts(self) -> None:
        start = datetime(2026, 3, 28, 12, tzinfo=UTC)

        assert working_seconds(ALWAYS, start, start + timedelta(days=3)) == 3 * 86400

    def test_overlapping_blocks_count_once(self) -> None:
        twice = Calendar(UTC, (Block(0, time(9), time(12)), Block(0, time(10), time(13))))
        monday = datetime(2026, 11, 23, tzinfo=UTC)

        assert working_seconds(twice, monday, monday + timedelta(days=1)) == 4 * 3600

    @settings(max_examples=60)
    @given(calendars, moments, st.integers(0, 20_000), st.integers(0, 20_000))
    def test_parts_add_up_and_never_exceed_wall_time(
        self, calendar: Calendar, start: datetime, first: int, second: int
    ) -> None:
        middle = start + timedelta(minutes=first)
        end = middle + timedelta(minutes=second)

        whole = working_seconds(calendar, start, end)

        parts = working_seconds(calendar, start, middle) + working_seconds(calendar, middle, end)
        assert whole in (parts, parts + 1)  # each part is rounded down
        assert 0 <= whole <= (end - start).total_seconds()


class TestAfterWorkingMinutes:
    def test_an_hour_that_starts_on_friday_evening_ends_on_monday_morning(self) -> None:
        due = after_working_minutes(OFFICE, local(2026, 11, 20, 19), 60)

        assert due == local(2026, 11, 23, 10)

    def test_it_runs_over_lunch_and_night(self) -> None:
        due = after_working_minutes(OFFICE, local(2026, 11, 19, 16, 50), 30)

        assert due == local(2026, 11, 20, 9, 20)

    def test_a_calendar_that_never_works_counts_wall_time(self) -> None:
        start = datetime(2026, 1, 5, tzinfo=UTC)
        never = Calendar(
            UTC,
            (Block(0, time(9), time(10)),),
            frozenset(start.date() + timedelta(days=n) for n in range(1500)),
        )

        assert after_working_minutes(never, start, 30) == start + timedelta(minutes=30)

    @settings(max_examples=60)
    @given(calendars, moments, st.integers(1, 5_000))
    def test_exactly_so_many_minutes_lie_before_it(
        self, calendar: Calendar, start: datetime, minutes: int
    ) -> None:
        start = start.replace(microsecond=0)

        due = after_working_minutes(calendar, start, minutes)

        assert working_seconds(calendar, start, due) == minutes * 60


class TestIsWorking:
    def test_the_end_of_a_block_is_outside(self) -> None:
        assert is_working(OFFICE, local(2026, 11, 19, 16, 59))
        assert not is_working(OFFICE, local(2026, 11, 19, 17))

    @settings(max_examples=60)
    @given(calendars, moments)
    def test_the_next_moment_of_work_is_at_work(self, calendar: Calendar, at: datetime) -> None:
        assert is_working(calendar, next_working_moment(calendar, at))
