"""The board as people use it: lanes, moves by hand, refusals, undo."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leads.models import Lead
from pipeline import actions
from pipeline.models import Deal, SalesCycle, Transition
from pipeline.queries import board as boards
from tests.factories import LeadFactory, UserFactory, make_funnel
from tests.pipeline.factories import asked_by_the_page, open_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def lead_of(user: User, **fields: object) -> Lead:
    return open_lead(at=timezone.now(), owner=user, **fields)


def move(browser: Client, lead: Lead, stage: str, **fields: object) -> object:
    return browser.post(f"/pipeline/{lead.public_id}/move/", {"stage": stage, **fields})


class TestBoard:
    def test_shows_my_leads_in_their_lanes_and_nobody_elses(
        self, browser: Client, alice: User
    ) -> None:
        lead_of(alice, first_name="Ingrid")
        lead_of(UserFactory(name="Bob"), first_name="Somebody", last_name="Else")

        page = browser.get("/pipeline/").content.decode()

        assert "Ingrid" in page
        assert "Somebody" not in page
        assert "Press M on a card" in page

    def test_shows_the_hottest_first_and_more_on_demand(self, browser: Client, alice: User) -> None:
        stage = make_funnel()["new"]
        for score in range(boards.LANE_SIZE + 5):
            LeadFactory(
                first_name=f"Number{score}!", owner=alice, stage=stage, score=score,
                stage_entered_at=timezone.now(),
            )  # fmt: skip

        page = browser.get("/pipeline/").content.decode()
        after = page.partition("/pipeline/lanes/new/?after=")[2].partition('"')[0]
        more = browser.get(f"/pipeline/lanes/new/?after={after}").content.decode()

        assert page.index("Number29!") < page.index("Number28!")
        assert "Number4!" not in page
        assert "Number4!" in more
        assert "Number5!" not in more

    def test_counts_and_sums_each_lane(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)
        actions.create_deal(lead.pk, amount=Decimal(18400), at=timezone.now())

        page = browser.get("/pipeline/").content.decode()

        assert page.count("€18,400") == 2  # the card and the head of its lane

    def test_narrows_by_the_address(self, browser: Client, alice: User) -> None:
        hot = lead_of(alice, first_name="Ingrid")
        hot.score_row.temperature = "hot"
        hot.score_row.save()
        lead_of(alice, first_name="Bertram")

        page = browser.get("/pipeline/?temperature=hot&owner=me").content.decode()

        assert "Ingrid" in page
        assert "Bertram" not in page

    def test_costs_the_same_with_many_cards(self, browser: Client, alice: User) -> None:
        for _ in range(8):
            lead_of(alice)

        with CaptureQueriesContext(connection) as queries:
            browser.get("/pipeline/")

        assert len(asked_by_the_page(queries)) <= 19

    def test_the_poll_stays_silent_while_nothing_changes(
        self, browser: Client, alice: User
    ) -> None:
        lead = lead_of(alice)
        page = browser.get("/pipeline/").content.decode()
        mark = page.partition("mark=")[2].partition('"')[0]

        quiet = browser.get(f"/pipeline/?mark={mark}", headers={"HX-Request": "true"})
        actions.move_to_stage(lead.pk, to="mql", at=timezone.now())
        news = browser.get(f"/pipeline/?mark={mark}", headers={"HX-Request": "true"})

        assert quiet.status_code == 204
        assert news.status_code == 200
        assert news.content.lstrip().startswith(b'<div class="board"')

    def test_a_link_out_of_date_is_refused_with_a_sentence(self, browser: Client) -> None:
        make_funnel()

        page = browser.get("/pipeline/lanes/new/?after=yesterday")

        assert page.status_code == 422
        assert b"Reload the board" in page.content


class TestMoving:
    def test_works_by_a_form_without_scripts(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        form = browser.get(f"/pipeline/{lead.public_id}/move/")
        answer = browser.post(
            f"/pipeline/{lead.public_id}/move/", {"stage": "mql", "expected": "new"}, follow=True
        )

        lead.refresh_from_db()
        assert b"Contacted" in form.content
        assert lead.stage.key == "mql"
        assert f"moved to {lead.stage.name}" in answer.content.decode()

    def test_answers_a_script_with_the_card_and_both_lanes(
        self, browser: Client, alice: User
    ) -> None:
        lead = lead_of(alice)

        answer = browser.post(
            f"/pipeline/{lead.public_id}/move/",
            {"stage": "mql", "expected": "new"},
            headers={"HX-Request": "true"},
        )

        assert f'id="card-{lead.public_id}"' in answer.content.decode()
        assert b'id="lane-new"' in answer.content
        assert b'id="lane-mql"' in answer.content
        assert "/pipeline/undo/move/" in answer.headers["HX-Trigger"]

    def test_a_card_that_a_colleague_moved_meanwhile_is_a_conflict(
        self, browser: Client, alice: User
    ) -> None:
        lead = lead_of(alice)
        bob = UserFactory(name="Bob Baker")
        actions.move_to_stage(lead.pk, to="sql", at=timezone.now(), actor=bob)

        answer = browser.post(
            f"/pipeline/{lead.public_id}/move/",
            {"stage": "mql", "expected": "new"},
            headers={"HX-Request": "true"},
        )

        lead.refresh_from_db()
        assert answer.status_code == 409
        assert "Bob Baker moved this lead" in answer.headers["HX-Trigger"]
        assert lead.stage.key == "sql"

    def test_lost_needs_a_reason(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        refused = move(browser, lead, "lost")
        accepted = move(browser, lead, "lost", reason="no_budget")

        assert refused.status_code == 422  # type: ignore[attr-defined]
        assert b"Say why it was lost" in refused.content  # type: ignore[attr-defined]
        assert accepted.status_code == 302  # type: ignore[attr-defined]
        assert SalesCycle.objects.get(lead=lead).lost_reason == "no_budget"

    def test_won_offers_what_the_open_deal_is_worth_and_corrects_it(
        self, browser: Client, alice: User
    ) -> None:
        lead = lead_of(alice)
        actions.create_deal(lead.pk, amount=Decimal(18400), at=timezone.now())

        form = browser.get(f"/pipeline/{lead.public_id}/move/?stage=won").content.decode()
        move(browser, lead, "won", amount="17000")

        assert 'value="18400.00"' in form
        deal = Deal.objects.get(lead=lead)
        assert (deal.state, deal.amount) == (Deal.State.WON, Decimal(17000))

    def test_won_needs_an_amount_unless_there_is_a_deal(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        refused = move(browser, lead, "won")
        accepted = move(browser, lead, "won", amount="18400")

        assert refused.status_code == 422  # type: ignore[attr-defined]
        assert b"Say what it is worth" in refused.content  # type: ignore[attr-defined]
        assert accepted.status_code == 302  # type: ignore[attr-defined]
        assert Deal.objects.get(lead=lead).amount == Decimal(18400)

    def test_nobody_moves_what_they_cannot_see(self, browser: Client) -> None:
        lead = lead_of(UserFactory(name="Bob"))

        answer = move(browser, lead, "mql")

        lead.refresh_from_db()
        assert answer.status_code == 404  # type: ignore[attr-defined]
        assert lead.stage.key == "new"

    def test_a_stage_nobody_knows_is_refused(self, browser: Client, alice: User) -> None:
        answer = move(browser, lead_of(alice), "moon")

        assert answer.status_code == 422  # type: ignore[attr-defined]


class TestUndo:
    def moved(self, browser: Client, lead: Lead, stage: str, **fields: object) -> str:
        page = browser.post(
            f"/pipeline/{lead.public_id}/move/", {"stage": stage, **fields}, follow=True
        )
        return page.content.decode().partition('action="/pipeline/undo/')[2].partition('"')[0]

    def test_puts_the_card_back(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)
        path = self.moved(browser, lead, "sql")

        browser.post(f"/pipeline/undo/{path}")

        lead.refresh_from_db()
        assert lead.stage.key == "new"
        assert Transition.objects.filter(lead=lead).count() == 3

    def test_reopens_what_was_lost_by_mistake(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)
        path = self.moved(browser, lead, "lost", reason="timing")

        browser.post(f"/pipeline/undo/{path}")

        lead.refresh_from_db()
        assert lead.stage.key == "new"
        assert SalesCycle.objects.get(lead=lead).is_open

    def test_leaves_alone_what_somebody_moved_since(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)
        path = self.moved(browser, lead, "sql")
        actions.move_to_stage(lead.pk, to="proposal", at=timezone.now())

        page = browser.post(f"/pipeline/undo/{path}", follow=True)

        lead.refresh_from_db()
        assert lead.stage.key == "proposal"
        assert "stays as it is" in page.content.decode()

    def test_is_not_for_others(self, browser: Client, alice: User, client: Client) -> None:
        lead = lead_of(alice)
        path = self.moved(browser, lead, "sql")
        client.force_login(UserFactory(role=Role.MANAGER))

        answer = client.post(f"/pipeline/undo/{path}")

        lead.refresh_from_db()
        assert answer.status_code == 409
        assert lead.stage.key == "sql"
