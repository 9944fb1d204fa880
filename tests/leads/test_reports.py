"""Spend counts by the days that lie inside a period."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from leadcrm.accounts.models import Role
from leads.models import SpendEntry
from leads.reports import Scope, new_leads, spend
from tests.factories import NOON, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def november() -> Scope:
    """In Amsterdam, where it begins at 23:00 UTC."""
    return Scope(
        principal=UserFactory(role=Role.ADMIN),
        start=datetime(2026, 10, 31, 23, tzinfo=UTC),
        end=datetime(2026, 11, 30, 23, tzinfo=UTC),
        now=NOON,
        zone=AMSTERDAM,
    )


def spent(first: date, last: date, amount: str, currency: str = "EUR") -> None:
    SpendEntry.objects.create(
        channel="event", first_day=first, last_day=last, amount=amount, currency=currency
    )


class TestSpend:
    def test_an_entry_counts_by_its_days_inside(self) -> None:
        spent(date(2026, 11, 1), date(2026, 11, 30), "300")
        spent(date(2026, 10, 22), date(2026, 11, 10), "200")
        spent(date(2026, 10, 1), date(2026, 10, 31), "999")

        found = spend(november())

        assert found.by_channel == {"event": Decimal("400.00")}
        assert found.total == Decimal("400.00")

    def test_another_currency_is_named_and_not_added(self) -> None:
        spent(date(2026, 11, 1), date(2026, 11, 1), "10")
        spent(date(2026, 11, 1), date(2026, 11, 1), "10", "USD")

        found = spend(november())

        assert (found.total, found.other_currencies) == (Decimal(10), ("USD",))


class TestNewLeads:
    def test_days_begin_at_midnight_of_the_workspace(self) -> None:
        inside = LeadFactory(created_at=datetime(2026, 10, 31, 23, tzinfo=UTC))
        LeadFactory(created_at=datetime(2026, 10, 31, 22, 59, tzinfo=UTC))
        LeadFactory(created_at=NOON, is_test=True)
        LeadFactory(created_at=NOON, deleted_at=NOON)

        assert list(new_leads(november())) == [inside]
