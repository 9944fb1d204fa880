"""The list of leads as people use it."""

import pytest
from django.test import Client

from leadcrm.accounts.models import User
from tests.factories import LeadFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


class TestLeadList:
    def test_shows_the_leads_of_the_reader(self, browser: Client, alice: User) -> None:
        LeadFactory(first_name="Ingrid", owner=alice, stage=make_funnel()["sql"])
        LeadFactory(first_name="Somebody", last_name="Else")

        page = browser.get("/leads/")

        assert b"Ingrid" in page.content
        assert b"Somebody" not in page.content
