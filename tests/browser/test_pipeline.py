"""The board, my day and routing in a browser: dragging, keys, refusals, and what axe finds."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from leadcrm.accounts.models import Role, User
from leads.models import Lead
from pipeline import actions
from pipeline.models import SalesCycle
from tests.browser.conftest import SignIn
from tests.factories import UserFactory
from tests.pipeline.factories import make_inquiry, make_pool, open_lead, pool_rule, publish_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice(transactional_db: None) -> User:
    actions.ensure_defaults()
    return UserFactory(name="Alice Archer", role=Role.ADMIN)


@pytest.fixture
def priya(alice: User) -> Lead:
    return waiting(alice, "Priya", minutes=30)


def waiting(owner: User, first_name: str, *, minutes: int) -> Lead:
    at = timezone.now() - timedelta(minutes=minutes)
    lead = open_lead(at=at, first_name=first_name, last_name="Raman", owner=owner)
    make_inquiry(lead, at=at, message="Can we phase the rollout?")
    return lead


def lane(page: Page, stage: str) -> Locator:
    return page.locator(f'.lane[data-stage="{stage}"]')


def drag(page: Page, card: Locator, target: Locator) -> None:
    start, end = card.bounding_box(), target.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 50, steps=3)
    page.mouse.move(end["x"] + 20, end["y"] + 120, steps=6)
    page.mouse.up()


def stage_of(lead: Lead) -> str:
    lead.refresh_from_db()
    return str(lead.stage.key)


class TestTheBoard:
    def test_moves_a_card_with_the_mouse_and_back_with_z(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/")

        drag(page, lane(page, "new").locator(".kcard"), lane(page, "sql"))

        expect(page.locator(".toast")).to_contain_text("Priya Raman moved to Sales qualified")
        expect(page.locator("#lane-sql .count")).to_have_text("1")
        expect(page.locator("#lane-new .count")).to_have_text("0")
        assert stage_of(priya) == "sql"
        page.keyboard.press("z")
        expect(lane(page, "new").locator(".kcard")).to_have_count(1)
        assert stage_of(priya) == "new"

    def test_moves_a_card_by_keys_and_says_so(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/")
        said = page.locator("[data-board-says]")

        page.locator(".kcard a.t").focus()
        page.keyboard.press("m")
        page.keyboard.press("ArrowRight")
        expect(said).to_have_text("Priya Raman to Contacted.")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")

        expect(said).to_have_text("Priya Raman moved to Marketing qualified.")
        assert stage_of(priya) == "mql"
        expect(page.locator(".kcard a.t")).to_be_focused()

    def test_escape_puts_the_card_back(self, alice: User, priya: Lead, sign_in: SignIn) -> None:
        page = sign_in(alice, "/pipeline/")

        page.locator(".kcard a.t").focus()
        for key in ("m", "ArrowRight", "Escape"):
            page.keyboard.press(key)

        expect(lane(page, "new").locator(".kcard")).to_have_count(1)
        assert stage_of(priya) == "new"

    def test_a_card_that_a_colleague_moved_goes_back_with_the_reason(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/")
        bob = UserFactory(name="Bob Baker")
        actions.move_to_stage(priya.pk, to="proposal", at=timezone.now(), actor=bob)

        drag(page, lane(page, "new").locator(".kcard"), lane(page, "sql"))

        expect(page.locator('.toast[data-tone="bad"]')).to_contain_text("Bob Baker moved this lead")
        expect(lane(page, "proposal").locator(".kcard")).to_have_count(1)
        assert stage_of(priya) == "proposal"

    def test_a_lost_card_asks_for_the_reason(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/", viewport={"width": 1440, "height": 900})

        drag(page, lane(page, "new").locator(".kcard"), lane(page, "lost"))
        page.locator("#dialog select[name=reason]").select_option("no_budget")
        page.get_by_role("button", name="Move to Lost").click()

        expect(page.locator(".toast")).to_contain_text("Priya Raman moved to Lost")
        assert SalesCycle.objects.get(lead=priya).lost_reason == "no_budget"

    def test_is_worked_by_a_form_without_scripts(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/pipeline/", java_script_enabled=False)

        page.get_by_label("Move Priya Raman to…").click()
        page.get_by_label("Stage").select_option("sql")
        page.get_by_role("button", name="Move").click()

        expect(page.locator(".toast")).to_contain_text("moved to Sales qualified")
        assert stage_of(priya) == "sql"


class TestMyDay:
    def test_goes_from_lead_to_lead_and_logs_a_call_by_keys(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        waiting(alice, "Quinn", minutes=10)
        page = sign_in(alice, "/")
        reader = page.locator("#reader h2")

        expect(reader).to_have_text("Priya Raman")
        page.keyboard.press("j")
        expect(reader).to_have_text("Quinn Raman")
        page.keyboard.press("k")
        expect(reader).to_have_text("Priya Raman")
        page.keyboard.press("c")
        expect(page.locator("#call-note")).to_be_focused()
        page.keyboard.type("Wants two depots first")
        page.get_by_label("Spoke").check()
        page.get_by_role("button", name="Log call").click()

        expect(page.locator(".toast")).to_contain_text("Call with Priya Raman logged")
        expect(reader).to_have_text("Quinn Raman")
        priya.refresh_from_db()
        assert priya.responded_at is not None

    def test_a_refused_form_keeps_what_was_written(
        self, alice: User, priya: Lead, sign_in: SignIn
    ) -> None:
        page = sign_in(alice, "/")
        Lead.objects.filter(pk=priya.pk).update(email="")

        page.get_by_label("Subject").fill("Your question")
        page.get_by_role("button", name="Send and go on").click()

        expect(page.locator('.toast[data-tone="bad"]')).to_contain_text("no e-mail address")
        expect(page.get_by_label("Subject")).to_have_value("Your question")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
class TestEveryPage:
    def test_passes_axe(
        self, alice: User, priya: Lead, sign_in: SignIn, scheme: str, width: int
    ) -> None:
        publish_rules(pool_rule(make_pool(alice), name="Benelux"))
        actions.create_task(priya.pk, title="Call back", at=timezone.now(), assignee=alice)
        actions.route(priya.pk, at=timezone.now(), again=True)
        page = sign_in(alice, "/", color_scheme=scheme, viewport={"width": width, "height": 900})
        lead = f"/leads/{priya.public_id}/"

        for path in ("/", "/pipeline/", "/tasks/", "/routing/?q=Priya", "/routing/rules/new/",
                     "/routing/log/", lead, f"{lead}routing/", f"/pipeline/{priya.public_id}/move/",
                     "/pipeline/?temperature=hot"):  # fmt: skip
            page.goto(path)
            found = Axe().run(page).response["violations"]
            assert [(path, r["id"], r["nodes"][0]["html"][:150]) for r in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
