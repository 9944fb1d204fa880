"""Paging by keyset: every row once, whatever the order, with empty values at the end."""

from datetime import timedelta

import pytest

from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import capped_count, keyset_page
from leads.models import Lead
from tests.factories import NOON, LeadFactory

pytestmark = pytest.mark.django_db


def walk(ordering: list[str], size: int = 2) -> tuple[list[int], list[int]]:
    """All ids from first to last page, and back again."""
    forth: list[int] = []
    cursor: str | None = None
    while True:
        page = keyset_page(Lead.objects.all(), ordering=ordering, size=size, cursor=cursor)
        forth += [row.pk for row in page]
        if page.next is None:
            break
        cursor = page.next
    back = [row.pk for row in page]
    while page.previous is not None:
        page = keyset_page(Lead.objects.all(), ordering=ordering, size=size, cursor=page.previous)
        back = [row.pk for row in page] + back
    return forth, back


@pytest.mark.parametrize(
    "ordering", [["-created_at", "-pk"], ["last_name", "pk"], ["-next_step_at", "-pk"]]
)
def test_shows_every_row_once_forth_and_back(ordering: list[str]) -> None:
    for n in range(7):
        LeadFactory(
            created_at=NOON + timedelta(hours=n // 2),
            last_name="Same" if n % 3 else "Other",
            next_step_at=None if n % 2 else NOON + timedelta(days=n),
        )

    forth, back = walk(ordering)

    assert sorted(forth) == sorted(Lead.objects.values_list("pk", flat=True))
    assert back == forth


def test_empty_values_come_last() -> None:
    without = LeadFactory(next_step_at=None)
    with_step = LeadFactory(next_step_at=NOON)

    page = keyset_page(Lead.objects.all(), ordering=["next_step_at", "pk"], size=5)

    assert [row.pk for row in page] == [with_step.pk, without.pk]


@pytest.mark.parametrize("cursor", ["x", "W10", "é", "eyJhIjoxfQ", "A" * 5000])
def test_a_cursor_that_was_tampered_with_is_refused_in_words(cursor: str) -> None:
    with pytest.raises(Invalid, match="Start again from the first page"):
        keyset_page(Lead.objects.all(), ordering=["-created_at", "-pk"], size=5, cursor=cursor)


def test_counting_stops_at_the_cap() -> None:
    LeadFactory.create_batch(3)

    assert str(capped_count(Lead.objects.all(), cap=2)) == "2+"
    assert str(capped_count(Lead.objects.all(), cap=3)) == "3"
