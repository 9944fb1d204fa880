from datetime import timedelta

import pytest

from leadcrm.accounts.models import Notification, User
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads.actions import record_activity
from leads.models import Activity, Lead
from pipeline import actions, queries
from pipeline.models import Assignment, StaffEmail
from tests.conftest import Mailbox
from tests.factories import NOON, TeamFactory, UserFactory
from tests.pipeline.factories import open_lead

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams", team=TeamFactory(name="North"))


@pytest.fixture
def bob() -> User:
    return UserFactory(name="Bob Brown", team=TeamFactory(name="South"))


class TestAssign:
    def test_ends_one_assignment_and_begins_the_next(self, alice: User, bob: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        actions.assign(lead.pk, owner=bob, at=LATER, actor=alice, note="On holiday from today")

        lead.refresh_from_db()
        assert (lead.owner, str(lead.team)) == (bob, "South")
        former, current = Assignment.objects.filter(owner__isnull=False).order_by("pk")
        assert (former.owner, former.to_at) == (alice, LATER)
        assert (current.owner, current.to_at, current.actor) == (bob, None, alice)
        entry = Activity.objects.filter(type="owner_changed").latest("pk")
        assert entry.properties["from"] == "Alice Adams"
        assert entry.properties["note"] == "On holiday from today"
        event = DomainEvent.objects.filter(name="lead.assigned").latest("pk")
        assert event.payload["previous_owner_id"] == alice.pk

    def test_to_whom_has_it_already_changes_nothing(self, alice: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        assert actions.assign(lead.pk, owner=alice, at=LATER) is None

    def test_an_account_that_is_off_is_refused(self, alice: User) -> None:
        alice.is_active = False

        with pytest.raises(actions.OwnerNotPossible, match="is switched off"):
            actions.assign(open_lead().pk, owner=alice, at=LATER)

    def test_nobody_means_a_queue_never_nothing(self, alice: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        made = actions.assign(lead.pk, owner=None, at=LATER)

        assert made is not None
        assert str(made.team) == "North"

    def test_many_at_once_with_a_row_for_each(self, alice: User) -> None:
        leads = [open_lead() for _ in range(3)]

        results = actions.bulk_assign([lead.pk for lead in leads] + [0], owner=alice, at=LATER)

        assert [result.ok for result in results] == [True, True, True, False]
        assert Lead.objects.filter(owner=alice).count() == 3
        assert Assignment.objects.filter(owner=alice, cause="bulk").count() == 3

    def test_the_cost_of_many_does_not_grow_with_look_ups(
        self, alice: User, bob: User, django_assert_max_num_queries: object
    ) -> None:
        leads = [open_lead().pk for _ in range(5)]

        with django_assert_max_num_queries(35):  # type: ignore[operator]
            actions.bulk_assign(leads, owner=alice, at=LATER)


class TestTelling:
    def test_the_new_owner_in_the_app_and_by_mail(self, alice: User, mailbox: Mailbox) -> None:
        lead = open_lead(first_name="Priya", last_name="Raman")

        actions.assign(lead.pk, owner=alice, at=LATER)
        pump.run_all()

        assert Notification.objects.get(kind="assigned").user == alice
        assert StaffEmail.objects.get().state == "sent"
        assert len(mailbox) == 1

    def test_of_many_given_at_once_in_one_message(
        self, alice: User, bob: User, mailbox: Mailbox
    ) -> None:
        leads = [open_lead().pk for _ in range(25)]

        actions.bulk_assign(leads, owner=alice, at=LATER, actor=bob, note="From Tom’s list")
        pump.run_all()

        note = Notification.objects.get(kind="assigned")
        assert (note.user, note.title) == (alice, "Bob Brown gave you 25 leads")
        [mail] = list(mailbox)
        text = mail.get_body(("plain",)).get_content()
        assert "and 5 more" in text
        assert "From Tom’s list" in text

    def test_that_a_lead_replied(self, alice: User) -> None:
        lead = open_lead(first_name="Priya", last_name="Raman")
        actions.assign(lead.pk, owner=alice, at=LATER, actor=alice)

        record_activity(lead.pk, "email_reply", at=LATER)
        pump.run_all()

        assert Notification.objects.get(kind="replied").title == "Priya Raman replied"

    def test_not_who_did_it(self, alice: User) -> None:
        lead = open_lead()

        actions.assign(lead.pk, owner=alice, at=LATER, actor=alice)
        pump.run_all()

        assert not Notification.objects.filter(kind="assigned").exists()

    def test_not_who_has_lost_it_again(self, alice: User, bob: User) -> None:
        lead = open_lead()

        actions.assign(lead.pk, owner=alice, at=LATER)
        actions.assign(lead.pk, owner=bob, at=LATER)
        pump.run_all()

        assert Notification.objects.get(kind="assigned").user == bob

    def test_mail_that_fails_is_kept_and_tried_again(
        self, alice: User, settings: object, mailbox: Mailbox
    ) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=LATER)
        port = settings.EMAIL_PORT  # type: ignore[attr-defined]
        settings.EMAIL_PORT = 1  # type: ignore[attr-defined]

        pump.run_all()
        mail = StaffEmail.objects.get()
        assert (mail.state, mail.attempts) == ("pending", 1)
        assert "refused" in mail.last_error
        settings.EMAIL_PORT = port  # type: ignore[attr-defined]
        pump.requeue_now(StaffEmail, StaffEmail.DUE)
        pump.run_all()

        mail.refresh_from_db()
        assert mail.state == "sent"
        assert len(mailbox) == 1


class TestYesOrNo:
    def test_the_owner_accepts(self, alice: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)
        assert list(queries.to_accept(alice)) == list(Assignment.objects.filter(owner=alice))

        actions.accept(lead.pk, user=alice, at=LATER)

        assert not queries.to_accept(alice)

    def test_the_owner_declines_with_a_reason(self, alice: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        actions.decline(lead.pk, user=alice, reason="I know them privately", at=LATER)

        lead.refresh_from_db()
        assert lead.owner is None
        assert Assignment.objects.get(to_at=None).note == "I know them privately"

    def test_nobody_else_answers_for_them(self, alice: User, bob: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)

        with pytest.raises(actions.NotYours, match="Alice Adams owns this lead"):
            actions.accept(lead.pk, user=bob, at=LATER)
