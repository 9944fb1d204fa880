"""Days have the ends that the clocks of the workspace give them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadcrm.dashboard import periods
from leadcrm.dashboard.periods import Period
from tests.factories import NOON

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class TestPeriods:
    @pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
    def test_a_day_when_clocks_change_keeps_its_true_length(
        self, day: tuple[int, int, int], hours: int
    ) -> None:
        period = Period(date(*day), date(*day), AMSTERDAM)

        assert period.end - period.start == timedelta(hours=hours)

    @pytest.mark.parametrize("name", [name for name in periods.PRESETS if name != "custom"])
    def test_the_period_before_ends_where_this_one_begins(self, name: str) -> None:
        period = periods.preset(name, now=NOON, zone=AMSTERDAM)

        assert period.before.end == period.start
        assert period.before.start < period.before.end

    def test_today_is_the_day_of_the_workspace(self) -> None:
        late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)

        assert periods.preset("today", now=late, zone=AMSTERDAM).first == date(2026, 11, 20)

    def test_last_month_is_compared_with_the_month_before(self) -> None:
        before = periods.preset("last_month", now=NOON, zone=AMSTERDAM).before

        assert (before.first, before.last) == (date(2026, 9, 1), date(2026, 9, 30))

    def test_twelve_months_before_a_leap_day(self) -> None:
        now = datetime(2028, 2, 28, 12, tzinfo=UTC)

        assert periods.preset("12m", now=now, zone=AMSTERDAM).first == date(2027, 2, 28)
