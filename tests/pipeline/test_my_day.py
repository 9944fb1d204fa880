"""My day: who comes first, why, and what can be done without leaving it."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.models import Notification, Role, User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.actions import record_activity
from leads.events import MailNotSent
from leads.models import Activity, Lead, LeadScore, TransactionalMail
from pipeline import actions
from pipeline.models import Assignment, Letter, Task
from pipeline.queries import my_day
from tests.conftest import Mailbox
from tests.factories import UserFactory
from tests.pipeline.factories import asked_by_the_page, make_inquiry, open_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def asking(owner: User, *, minutes_ago: int, **fields: object) -> Lead:
    """A lead of `owner` that waits for an answer; the target is one hour."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    lead = open_lead(at=at, **fields)
    actions.assign(lead.pk, owner=owner, at=at, actor=owner)
    lead.refresh_from_db()
    return lead


def warm(lead: Lead, *, score: int = 70, at: datetime | None = None) -> Lead:
    LeadScore.objects.filter(lead=lead).update(
        score=score, temperature="hot", last_activity_at=at or timezone.now()
    )
    return lead


def answered(lead: Lead, owner: User) -> Lead:
    at = timezone.now() - timedelta(days=2)
    actions.log_call(lead.pk, user=owner, outcome="connected", at=at)
    Lead.objects.filter(pk=lead.pk).update(responded_at=at, response_started_at=at)
    return lead


class TestOrder:
    def test_whoever_is_closest_to_the_target_comes_first(
        self, browser: Client, alice: User
    ) -> None:
        asking(alice, minutes_ago=10, first_name="Later")
        asking(alice, minutes_ago=90, first_name="Overdue")
        asking(alice, minutes_ago=50, first_name="Soon")

        page = browser.get("/").content.decode()

        assert page.index("Overdue") < page.index("Soon") < page.index("Later")
        assert "1 overdue, 2 due within the hour" in page

    def test_who_is_late_for_days_follows_unless_hot(self, alice: User) -> None:
        old = asking(alice, minutes_ago=5000)
        hot = warm(asking(alice, minutes_ago=6000))
        new = asking(alice, minutes_ago=5)

        day = my_day.day_of(alice, at=timezone.now())

        assert [item.lead for item in day.reply] == [hot, new, old]

    def test_each_lead_stands_in_one_group_only(self, alice: User) -> None:
        lead = asking(alice, minutes_ago=5)
        Assignment.objects.filter(lead=lead).update(accepted_at=None)

        day = my_day.day_of(alice, at=timezone.now())

        assert (len(day.reply), len(day.new), len(day.hot)) == (1, 0, 0)

    def test_a_hot_lead_that_moves_is_worth_a_look_until_it_had_one(self, alice: User) -> None:
        lead = warm(answered(asking(alice, minutes_ago=5000), alice))

        before = my_day.day_of(alice, at=timezone.now())
        actions.log_call(lead.pk, user=alice, outcome="no_answer", at=timezone.now())
        after = my_day.day_of(alice, at=timezone.now())

        assert [item.lead for item in before.hot] == [lead]
        assert after.hot == []
        assert len(after.done) == 1

    def test_says_why_now_from_facts(self, alice: User) -> None:
        lead = warm(asking(alice, minutes_ago=48))
        for hours in (1, 20, 40):
            at = timezone.now() - timedelta(hours=hours)
            record_activity(lead.pk, "pricing_view", at=at)

        item = my_day.day_of(alice, at=timezone.now()).reply[0]

        assert item.why_now.startswith("Asked 48 min ago through Website and looked at pricing 3")
        assert item.why_now.endswith("Score 70.")

    def test_quotes_what_was_asked(self, browser: Client, alice: User) -> None:
        lead = asking(alice, minutes_ago=5)
        make_inquiry(lead, at=timezone.now(), message="Can we phase the rollout?")

        page = browser.get("/").content.decode()

        assert "“Can we phase the rollout?”" in page

    def test_is_calm_when_nothing_waits(self, browser: Client) -> None:
        page = browser.get("/").content.decode()

        assert "Nothing waits for you" in page

    def test_shows_nothing_of_others(self, browser: Client) -> None:
        bob = UserFactory(name="Bob")
        other = asking(bob, minutes_ago=5, first_name="Secretive")

        page = browser.get(f"/?lead={other.public_id}").content.decode()

        assert "Secretive" not in page

    def test_managers_answer_for_what_nobody_owns(self, client: Client) -> None:
        charlie = UserFactory(role=Role.ADMIN, name="Charlie")
        open_lead(at=timezone.now(), first_name="Orphan")
        client.force_login(charlie)

        page = client.get("/").content.decode()

        assert "Orphan" in page

    def test_costs_the_same_however_long_the_list(self, browser: Client, alice: User) -> None:
        for minutes in range(8):
            asking(alice, minutes_ago=minutes)

        with CaptureQueriesContext(connection) as queries:
            browser.get("/")

        assert len(asked_by_the_page(queries)) <= 26

    def test_counts_replies_over_target_beside_the_navigation(
        self, browser: Client, alice: User
    ) -> None:
        asking(alice, minutes_ago=90)
        asking(alice, minutes_ago=5)

        page = browser.get("/tasks/").content.decode()

        assert my_day.late_replies(alice) == 1
        assert "replies over target" in page


class TestActing:
    def test_a_logged_call_stops_the_clock_and_goes_on_to_the_next(
        self, browser: Client, alice: User
    ) -> None:
        first, second = asking(alice, minutes_ago=50), asking(alice, minutes_ago=5)
        page = browser.get("/").content.decode()

        answer = browser.post(
            f"/leads/{first.public_id}/call/",
            {
                "outcome": "no_answer",
                "note": "Voicemail is full",
                "follow_up_days": "1",
                "next": f"/?lead={second.public_id}",
            },
        )

        first.refresh_from_db()
        task = Task.objects.get(lead=first)
        assert f'name="next" value="/?lead={second.public_id}"' in page
        assert answer.headers["Location"] == f"/?lead={second.public_id}"
        assert first.responded_at is not None
        assert (task.kind, task.assignee) == ("call", alice)
        assert [item.lead for item in my_day.day_of(alice, at=timezone.now()).reply] == [second]

    def test_a_call_without_an_outcome_is_refused(self, browser: Client, alice: User) -> None:
        lead = asking(alice, minutes_ago=5)

        page = browser.post(f"/leads/{lead.public_id}/call/", {"note": "Hm"})
        script = browser.post(f"/leads/{lead.public_id}/call/", {}, headers={"HX-Request": "true"})

        assert page.status_code == 422
        assert "Outcome" in script.headers["HX-Trigger"]

    def test_an_email_is_really_sent_and_answers_come_to_the_writer(
        self, browser: Client, alice: User, mailbox: Mailbox
    ) -> None:
        lead = asking(alice, minutes_ago=5)

        browser.post(
            f"/leads/{lead.public_id}/email/", {"subject": "Your question", "body": "Hi Priya"}
        )
        pump.run_all()

        lead.refresh_from_db()
        assert mailbox[0]["To"] == lead.email
        assert "alice@example.com" in mailbox[0]["Reply-To"]
        assert lead.responded_at is not None
        assert (
            Activity.objects.get(lead=lead, type="email_outbound").properties["note"] == "Hi Priya"
        )

    def test_the_author_hears_of_an_email_that_the_server_refuses(
        self, browser: Client, alice: User, mailbox: Mailbox
    ) -> None:
        lead = asking(alice, minutes_ago=5)
        browser.post(f"/leads/{lead.public_id}/email/", {"subject": "Hi", "body": "Hi"})
        mail = Letter.objects.get(lead=lead).mail
        TransactionalMail.objects.filter(pk=mail.pk).update(state="failed", due_at=None)

        publish(MailNotSent(lead_id=lead.pk, mail_id=mail.pk), at=timezone.now())
        pump.run_all()

        told = Notification.objects.get(user=alice, kind="mail")
        assert told.title == f"Your e-mail to {lead.name} was not sent"

    def test_nobody_is_done_while_an_answer_is_owed(self, browser: Client, alice: User) -> None:
        lead = asking(alice, minutes_ago=5)

        page = browser.post(f"/leads/{lead.public_id}/done/")

        assert page.status_code == 409
        assert b"Log the call or e-mail first" in page.content

    def test_done_takes_a_moving_lead_off_the_list(self, browser: Client, alice: User) -> None:
        lead = warm(answered(asking(alice, minutes_ago=5000), alice))

        browser.post(f"/leads/{lead.public_id}/done/")

        day = my_day.day_of(alice, at=timezone.now())
        assert day.hot == []
        assert len(day.done) == 1

    def test_a_snoozed_lead_comes_back_later(self, browser: Client, alice: User) -> None:
        lead = warm(answered(asking(alice, minutes_ago=5000), alice))

        browser.post(f"/leads/{lead.public_id}/snooze/", {"until": "tomorrow"})

        now = timezone.now()
        assert my_day.day_of(alice, at=now).hot == []
        assert my_day.day_of(alice, at=now).snoozed == 1
        assert len(my_day.day_of(alice, at=now + timedelta(days=1, hours=12)).tasks) == 1

    def test_a_snoozed_question_comes_back_when_it_is_late(
        self, browser: Client, alice: User
    ) -> None:
        lead = asking(alice, minutes_ago=5)

        browser.post(f"/leads/{lead.public_id}/snooze/", {"until": "tomorrow"})

        now = timezone.now()
        assert my_day.day_of(alice, at=now).reply == []
        assert len(my_day.day_of(alice, at=now + timedelta(hours=2)).reply) == 1

    def test_a_new_lead_is_accepted_or_declined_with_a_reason(
        self, browser: Client, alice: User
    ) -> None:
        lead = answered(asking(alice, minutes_ago=5000), alice)
        Assignment.objects.filter(lead=lead).update(accepted_at=None)
        listed = my_day.day_of(alice, at=timezone.now()).new

        refused = browser.post(f"/leads/{lead.public_id}/decline/", {"reason": ""})
        browser.post(f"/leads/{lead.public_id}/accept/")

        assert [item.lead for item in listed] == [lead]
        assert refused.status_code == 422
        assert Assignment.objects.get(lead=lead, to_at=None).accepted_at is not None


class TestTasks:
    @pytest.fixture
    def task(self, alice: User) -> Task:
        lead = answered(asking(alice, minutes_ago=5000), alice)
        due = timezone.now() - timedelta(hours=1)
        return actions.create_task(
            lead.pk, title="Send the case study", at=due, due_at=due, assignee=alice
        )

    def test_is_ticked_off_and_taken_back(self, browser: Client, task: Task) -> None:
        page = browser.post(f"/tasks/{task.pk}/done/", {"next": "/tasks/"}, follow=True)
        task.refresh_from_db()
        done_at = task.done_at

        browser.post(f"/tasks/{task.pk}/reopen/")

        task.refresh_from_db()
        assert f"/tasks/{task.pk}/reopen/" in page.content.decode()
        assert done_at is not None
        assert task.done_at is None

    @pytest.mark.parametrize(
        ("view", "shown"), [("mine", True), ("overdue", True), ("done", False), ("snoozed", False)]
    )
    def test_stands_in_the_right_list(
        self, browser: Client, task: Task, view: str, *, shown: bool
    ) -> None:
        page = browser.get(f"/tasks/?view={view}").content.decode()

        assert ("Send the case study" in page) is shown

    def test_of_a_stranger_does_not_exist(self, client: Client, task: Task) -> None:
        client.force_login(UserFactory(name="Bob"))

        answer = client.post(f"/tasks/{task.pk}/done/")

        assert answer.status_code == 404
