"""The page of one lead."""

import pytest
from django.test import Client

from leadcrm.accounts.models import User
from leads import actions
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


class TestLeadPage:
    def test_shows_the_person_and_what_happened(self, browser: Client, alice: User) -> None:
        lead = LeadFactory(first_name="Ingrid", last_name="Øvergård", owner=alice)
        actions.add_note(lead.pk, "Works council signs off.", author=alice, at=NOON)

        page = browser.get(f"/leads/{lead.public_id}/").content.decode()

        assert "Ingrid Øvergård" in page
        assert "Alice Archer noted" in page
        assert "Works council signs off." in page
