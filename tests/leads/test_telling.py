"""Telling colleagues of an answer, in the app and by e-mail; and mails that wait for a decision."""

import smtplib
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Notification, User
from leadcrm.lib import pump
from leads import mailing
from leads.actions import mails as actions
from leads.models import Form, Inquiry, Source, TransactionalMail
from tests.conftest import Mailbox
from tests.factories import LeadFactory, UserFactory, make_form, make_funnel
from tests.leads.sources import Sender, connect
from tests.leads.test_form_features import EMAIL, Visitor

pytestmark = pytest.mark.django_db
NAME = {"key": "name", "label": "Your name", "type": "text", "maps_to": "name"}
State = TransactionalMail.State


def send(**answers: str) -> None:
    visitor = Visitor()
    visitor.open()
    visitor.send(**answers)


class TestTelling:
    @pytest.fixture(autouse=True)
    def form(self) -> Form:
        make_funnel()
        return make_form(fields=[NAME, EMAIL])

    def test_by_e_mail_gives_the_answers_in_the_forms_words(self, mailbox: Mailbox) -> None:
        bob = UserFactory(role="marketer", email="bob@marlow.example")
        Form.objects.update(wishes={"mail": [bob.pk]})

        send(name="Alice <b>Archer", email="alice@x.example")

        (mail,) = mailbox
        text = mail.get_body(("plain",)).get_content()
        assert mail["X-Envelope-To"] == "bob@marlow.example"
        assert "Alice <b>Archer sent" in mail["Subject"]
        assert "Your name: Alice <b>Archer" in text
        assert f"/leads/{Inquiry.objects.get().lead.public_id}/" in text
        assert "&lt;b&gt;Archer" in mail.get_body(("html",)).get_content()
        assert not Notification.objects.filter(user=bob, kind="capture").exists()

    def test_is_of_leads_that_the_colleague_may_see(self, mailbox: Mailbox) -> None:
        stranger = UserFactory(role="rep")
        gone = UserFactory(role="marketer", is_active=False)
        Form.objects.update(wishes={"mail": [stranger.pk, gone.pk], "notify": [stranger.pk]})

        send(email="alice@x.example")

        assert len(mailbox) == 0
        assert not Notification.objects.filter(kind="capture").exists()

    def test_is_no_mail_to_the_lead_and_stands_on_nobodys_timeline(self) -> None:
        bob = UserFactory(role="marketer")
        Form.objects.update(wishes={"mail": [bob.pk], "notify": [bob.pk]})

        send(email="alice@x.example")

        lead = Inquiry.objects.get().lead
        assert not lead.activities.filter(type="email_sent").exists()
        assert TransactionalMail.objects.get().lead == lead
        assert Notification.objects.get(kind="capture").user == bob

    def test_of_a_source_without_a_form_is_as_the_source_says(self, mailbox: Mailbox) -> None:
        bob = UserFactory(role="marketer")
        sender = Sender(connect("webhook", name="Partner"))
        Source.objects.filter(pk=sender.connection.pk).update(
            wishes={"mail": [bob.pk], "tags": ["Partner lead"], "stage": "contacted"}
        )

        sender.post({"email": "alice@x.example", "name": "Alice Archer"}, settle=False)
        pump.run_all()

        lead = Inquiry.objects.get().lead
        assert "Alice Archer sent “Partner”" in mailbox[0]["Subject"]
        assert [tag.name for tag in lead.tags.all()] == ["Partner lead"]
        assert lead.stage is not None
        assert lead.stage.key == "contacted"

    def test_is_set_in_the_forms_settings(self, client: Client) -> None:
        bob = UserFactory(role="marketer")
        client.force_login(bob)
        given = {"name": "Demo", "kind": "form_submit", "proof": "off"}
        source = Form.objects.get().source_id

        answer = client.post(
            "/forms/book-a-demo/settings/",
            {**given, "source": source, "notify": [bob.pk], "mail": [bob.pk], "tags": "A, B"},
        )

        assert answer.status_code == 302
        assert Form.objects.get().wishes == {
            "tags": ["A", "B"],
            "notify": [bob.pk],
            "mail": [bob.pk],
        }


def mail(state: str, **more: Any) -> TransactionalMail:
    made: TransactionalMail = TransactionalMail.objects.create(
        kind="confirm",
        to_address="alice@x.example",
        subject="Confirm your address",
        text="https://x.example/secret-link",
        dedupe_key=f"test:{state}",
        state=state,
        due_at=None,
        **more,
    )
    return made


class TestAutomaticMail:
    @pytest.fixture(autouse=True)
    def marketer(self, client: Client) -> User:
        user = UserFactory.create(role="marketer", name="Bob Baker")
        client.force_login(user)
        return user

    def test_shows_what_wants_a_decision_with_the_reason_and_no_secrets(
        self, client: Client
    ) -> None:
        failed = mail(State.FAILED, reason="The mail server refused the address: 550 No such user.")
        mail(State.SENT)

        page = client.get("/settings/automatic-mail/").content.decode()
        one = client.get(f"/settings/automatic-mail/{failed.pk}/").content.decode()

        assert "550 No such user" in page
        assert "1 was not sent" in page
        assert page.count("alice@x.example") == 1
        assert "secret-link" not in one

    def test_sends_what_failed_again(self, client: Client, mailbox: Mailbox) -> None:
        failed = mail(State.FAILED, reason="No.")

        client.post(f"/settings/automatic-mail/{failed.pk}/", {"do": "send"})
        pump.run_all()

        failed.refresh_from_db()
        assert (failed.state, failed.decision) == (State.SENT, "send")
        assert len(mailbox) == 1

    def test_never_repeats_what_is_in_doubt_without_being_told(
        self, client: Client, mailbox: Mailbox
    ) -> None:
        doubtful = mail(State.UNKNOWN)
        path = f"/settings/automatic-mail/{doubtful.pk}/"

        refused = client.post(path, {"do": "send"}, follow=True).content.decode()
        pump.run_all()
        before = len(mailbox)
        client.post(path, {"do": "send", "twice": "on"})
        client.post(path, {"do": "send", "twice": "on"})
        pump.run_all()

        assert "may arrive twice" in refused
        assert before == 0
        assert [each["Message-ID"] for each in mailbox] == [f"<asked-{doubtful.pk}@example.com>"]

    def test_believes_who_says_that_it_arrived(self, client: Client, mailbox: Mailbox) -> None:
        doubtful = mail(State.UNKNOWN)
        path = f"/settings/automatic-mail/{doubtful.pk}/"

        client.post(path, {"do": "arrived"})
        again = client.post(path, {"do": "send", "twice": "on"}, follow=True).content.decode()
        pump.run_all()

        doubtful.refresh_from_db()
        assert doubtful.state == State.SENT
        assert "Bob Baker said it arrived" in again
        assert "Nothing was changed" in again
        assert len(mailbox) == 0

    def test_is_decided_by_one_of_two_who_press_at_once(self, marketer: User) -> None:
        doubtful = mail(State.UNKNOWN)
        actions.call_arrived(doubtful.pk, by=marketer, at=timezone.now())

        with pytest.raises(actions.NothingToDecide):
            actions.send_again(doubtful.pk, by=marketer, at=timezone.now(), twice_is_fine=True)

    def test_about_a_lead_is_for_who_may_see_it(self, client: Client) -> None:
        make_funnel()
        owned = mail(State.FAILED, lead=LeadFactory())
        client.force_login(UserFactory(role="rep"))

        assert client.get("/settings/automatic-mail/").status_code in {403, 404}
        assert client.get(f"/settings/automatic-mail/{owned.pk}/").status_code in {403, 404}


class TestWhatTheServerSays:
    def test_of_the_address_is_final(self) -> None:
        error = smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"5.1.1 No such\r\n user.")})

        assert mailing.is_final(error)
        assert mailing.words_of(error) == (
            "The mail server refused the address: 550 5.1.1 No such user."
        )

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"a@x.example": (450, b"Try later")}),
            smtplib.SMTPRecipientsRefused({"a@x.example": (552, b"Mailbox full")}),
            smtplib.SMTPAuthenticationError(535, b"No"),
            smtplib.SMTPServerDisconnected("gone"),
            OSError("refused"),
        ],
    )
    def test_of_the_moment_is_not(self, error: Exception) -> None:
        assert not mailing.is_final(error)
        assert mailing.words_of(error)
