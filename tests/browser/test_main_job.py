"""The main job in a browser: sign in, catch an enquiry, work the board, read the numbers."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from leadcrm.accounts.models import Role, User
from leadcrm.lib import pump
from leads.models import Lead
from pipeline import actions
from tests.browser.conftest import SignIn
from tests.factories import PASSWORD, UserFactory, make_form
from tests.pipeline.factories import make_inquiry, open_lead

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def alice(transactional_db: None) -> User:
    actions.ensure_defaults()
    return UserFactory(name="Alice Archer", email="alice@example.com", role=Role.ADMIN)


@pytest.fixture
def priya(alice: User) -> Lead:
    at = timezone.now() - timedelta(minutes=30)
    lead = open_lead(at=at, first_name="Priya", last_name="Raman", owner=alice, created_at=at)
    make_inquiry(lead, at=at, message="Can we phase the rollout?")
    return lead


def card(page: Page, stage: str) -> Locator:
    return page.locator(f'.lane[data-stage="{stage}"] .kcard')


def drag(page: Page, what: Locator, to: Locator) -> None:
    start, end = what.bounding_box(), to.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 50, steps=3)
    page.mouse.move(end["x"] + 20, end["y"] + 120, steps=6)
    page.mouse.up()


def stage_of(lead: Lead) -> str:
    return Lead.objects.get(pk=lead.pk).stage.key


class TestSigningIn:
    def test_leads_to_the_page_that_was_asked_for(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(None, "/leads/")

        page.get_by_label("E-mail").fill("alice@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")

        page.wait_for_url("**/leads/")
        expect(page.locator("tbody")).to_contain_text("Priya Raman")

    def test_says_nothing_about_who_has_an_account(self, alice: User, sign_in: SignIn) -> None:
        page = sign_in(None, "/accounts/login/")

        page.get_by_label("E-mail").fill("alice@example.com")
        page.get_by_label("Password", exact=True).fill("a wrong one")
        page.keyboard.press("Enter")

        expect(page.get_by_role("alert").first).to_contain_text("not correct")


class TestAStranger:
    def test_sends_a_form_and_stands_in_the_list(self, alice: User, sign_in: SignIn) -> None:
        make_form()
        stranger = sign_in(None, "/f/book-a-demo/?utm_source=news")

        # Typed at a person's pace: what is sent within two seconds waits in quarantine.
        for label, words in {
            "First name": "Bob",
            "Work e-mail": "bob@harbour.example",
            "What do you need?": "Please call me on Monday.",
        }.items():
            stranger.get_by_label(label).press_sequentially(words, delay=60)
        stranger.get_by_role("button").last.click()
        expect(stranger.locator("body")).to_contain_text("Thank you")
        pump.run_all()

        page = sign_in(alice, "/leads/")
        page.get_by_role("link", name="Bob").click()
        expect(page.locator("#timeline")).to_contain_text("Please call me on Monday.")
        assert Lead.objects.get(email="bob@harbour.example").stage.key == "new"


class TestTheBoard:
    def test_moves_a_lead_by_mouse_then_by_keys(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/", viewport=DESK)

        drag(page, card(page, "new"), page.locator('.lane[data-stage="mql"]'))
        expect(page.locator(".toast")).to_contain_text("moved to Marketing qualified")
        assert stage_of(priya) == "mql"

        page.locator(".kcard a.t").focus()
        for key in ("m", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        expect(page.locator("[data-board-says]")).to_have_text(
            "Priya Raman moved to Sales qualified."
        )
        assert stage_of(priya) == "sql"


class TestTheNumbers:
    def test_open_the_rows_behind_them(self, alice: User, priya: Lead, sign_in: SignIn) -> None:
        page = sign_in(alice, "/dashboard/", viewport=DESK)

        page.get_by_role("link", name=re.compile("New leads: show rows")).click()

        page.wait_for_url("**/dashboard/rows/**")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="Priya Raman").click()
        page.wait_for_url(f"**/leads/{priya.public_id}/")

    def test_fit_a_phone_on_every_report(self, alice: User, priya: Lead, sign_in: SignIn) -> None:
        page = sign_in(alice, "/dashboard/", viewport={"width": 390, "height": 844})

        for name in ("", "funnel/", "response-time/", "sources/", "reps/"):
            page.goto(f"/dashboard/{name}")
            expect(page.locator("h1")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
