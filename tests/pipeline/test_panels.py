"""The lead's page where the pipeline fills it, and many leads at once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leads.models import Lead
from pipeline import actions
from pipeline.models import Assignment, Deal, Task
from tests.factories import UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def lead_of(user: User, **fields: object) -> Lead:
    return open_lead(at=timezone.now() - timedelta(minutes=20), owner=user, **fields)


def page_of(browser: Client, lead: Lead) -> str:
    return browser.get(f"/leads/{lead.public_id}/?open=all").content.decode()


class TestSummary:
    def test_offers_each_open_stage_as_a_step_and_the_next_as_the_main_button(
        self, browser: Client, alice: User
    ) -> None:
        page = page_of(browser, lead_of(alice))

        assert "Move to Contacted" in page
        assert 'name="stage" value="proposal"' in page
        assert "since today" in page

    def test_shows_how_long_the_lead_has_waited(self, browser: Client, alice: User) -> None:
        page = page_of(browser, lead_of(alice))

        assert "Reply due" in page
        assert "39 min left" in page or "40 min left" in page
        assert "target 1 h" in page

    def test_says_which_rule_chose_the_owner(self, browser: Client, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice), name="Benelux and Nordics"))
        lead = open_lead(at=timezone.now())
        actions.route(lead.pk, at=timezone.now())

        page = page_of(browser, lead)

        assert "Routed: Benelux and Nordics" in page
        assert f"/leads/{lead.public_id}/routing/" in page

    def test_a_lost_lead_can_be_reopened(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)
        actions.move_to_stage(lead.pk, to="lost", at=timezone.now(), reason="timing")

        page = page_of(browser, lead)
        browser.post(f"/leads/{lead.public_id}/reopen/")

        lead.refresh_from_db()
        assert "Reopen" in page
        assert lead.stage.key == "new"

    def test_the_owner_is_changed_with_a_note_and_back_again(
        self, client: Client, alice: User
    ) -> None:
        admin, bob = UserFactory(role=Role.ADMIN), UserFactory(name="Bob Baker")
        lead = lead_of(alice)
        client.force_login(admin)

        page = client.post(
            f"/leads/{lead.public_id}/owner/",
            {"owner": bob.public_id, "note": "Speaks Dutch"},
            follow=True,
        ).content.decode()
        given = Assignment.objects.get(lead=lead, to_at=None)
        path = page.partition('action="/pipeline/undo/')[2].partition('"')[0]
        client.post(f"/pipeline/undo/{path}")

        lead.refresh_from_db()
        assert (given.owner, given.note) == (bob, "Speaks Dutch")
        assert lead.owner == alice

    def test_who_gives_a_lead_away_is_not_sent_to_a_page_they_cannot_see(
        self, browser: Client, alice: User
    ) -> None:
        lead = lead_of(alice)
        bob = UserFactory(name="Bob")

        answer = browser.post(f"/leads/{lead.public_id}/owner/", {"owner": bob.public_id})

        assert answer.headers["Location"] == "/leads/"


class TestNext:
    def test_tasks_are_planned_and_ticked_off(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        browser.post(
            f"/leads/{lead.public_id}/tasks/",
            {"title": "Send the case study", "due_at": "2036-11-20T12:00"},
        )
        task = Task.objects.get()
        page = page_of(browser, lead)
        browser.post(f"/tasks/{task.pk}/done/")

        task.refresh_from_db()
        lead.refresh_from_db()
        assert "Send the case study" in page
        assert task.is_done
        assert lead.next_step_at is None

    def test_a_deal_is_added(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        browser.post(f"/leads/{lead.public_id}/deals/", {"amount": "18400", "name": "Three depots"})

        assert Deal.objects.get(lead=lead).name == "Three depots"
        assert "€18,400" in page_of(browser, lead)

    def test_nothing_can_be_done_with_a_strangers_lead(self, browser: Client) -> None:
        lead = lead_of(UserFactory(name="Bob"))
        doors = ["call", "email", "tasks", "deals", "owner", "accept", "decline", "snooze", "done",
                 "reopen"]  # fmt: skip

        answers = {browser.post(f"/leads/{lead.public_id}/{door}/").status_code for door in doors}

        assert answers == {404}


class TestBulk:
    def test_assigns_only_the_leads_one_sees(self, browser: Client, alice: User) -> None:
        bob = UserFactory(name="Bob Baker")
        mine, theirs = lead_of(alice), lead_of(UserFactory())

        page = browser.post(
            "/pipeline/bulk/assign/",
            {"ids": [mine.public_id, theirs.public_id], "owner": bob.public_id, "next": "/leads/"},
            follow=True,
        )

        mine.refresh_from_db()
        theirs.refresh_from_db()
        assert mine.owner == bob
        assert theirs.owner != bob
        assert "Assigned 1 lead to Bob Baker" in page.content.decode()

    def test_assigning_is_taken_back(self, browser: Client, alice: User) -> None:
        bob, leads = UserFactory(name="Bob"), [lead_of(alice), lead_of(alice)]
        page = browser.post(
            "/pipeline/bulk/assign/",
            {"ids": [lead.public_id for lead in leads], "owner": bob.public_id},
            follow=True,
        ).content.decode()
        path = page.partition('action="/pipeline/undo/')[2].partition('"')[0]

        browser.post(f"/pipeline/undo/{path}")

        assert set(Lead.objects.values_list("owner", flat=True)) == {alice.pk}

    def test_moves_many_and_takes_it_back(self, browser: Client, alice: User) -> None:
        leads = [lead_of(alice), lead_of(alice)]
        ids = [lead.public_id for lead in leads]

        page = browser.post(
            "/pipeline/bulk/stage/", {"ids": ids, "stage": "mql"}, follow=True
        ).content.decode()
        moved = set(Lead.objects.values_list("stage__key", flat=True))
        path = page.partition('action="/pipeline/undo/')[2].partition('"')[0]
        browser.post(f"/pipeline/undo/{path}")

        assert moved == {"mql"}
        assert set(Lead.objects.values_list("stage__key", flat=True)) == {"new"}

    def test_says_why_leads_stayed(self, browser: Client, alice: User) -> None:
        lead = lead_of(alice)

        page = browser.post(
            "/pipeline/bulk/stage/", {"ids": lead.public_id, "stage": "lost"}, follow=True
        )

        lead.refresh_from_db()
        assert "1 lead stayed: Say why it was lost" in page.content.decode()
        assert lead.stage.key == "new"

    def test_nothing_chosen_is_refused(self, browser: Client) -> None:
        answer = browser.post("/pipeline/bulk/assign/", {"owner": ""})

        assert answer.status_code == 422
