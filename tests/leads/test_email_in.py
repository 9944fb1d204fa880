"""E-mail as a source: posted as raw MIME, or read from a mailbox."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from leads.actions import sources as actions
from leads.models import Activity, InboxItem, Inquiry, Lead, Poll
from tests.factories import LeadFactory, UserFactory
from tests.leads.imap_server import Mailbox
from tests.leads.sources import Sender, connect, multipart, settle_captures

pytestmark = pytest.mark.django_db


def mail(body: str = "We need rotas for 40 people.", **headers: str) -> bytes:
    """A message; header names with _ for -, an empty one leaves it out."""
    named = {
        "From": "Alice Archer <alice@kestrel.example>",
        "To": "sales@marlow.example",
        "Subject": "Rotas",
        "Message-ID": "<1@kestrel.example>",
        "Date": "Thu, 19 Nov 2026 12:00:00 +0000",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"{head}\r\n{body}".encode()


@pytest.fixture
def sender() -> Sender:
    return Sender(connect("email"), content_type="message/rfc822")


class TestAMessage:
    def test_makes_a_lead_of_who_wrote_it(self, sender: Sender) -> None:
        answer = sender.post(mail())

        lead, inquiry = Lead.objects.get(), Inquiry.objects.get()
        assert answer.status_code == 200
        assert (lead.first_name, lead.email) == ("Alice", "alice@kestrel.example")
        assert inquiry.message == "We need rotas for 40 people."
        assert inquiry.fields["mail.subject"] == "Rotas"

    def test_is_one_inquiry_however_often_it_comes(self, sender: Sender) -> None:
        sender.post(mail())
        sender.post(b"Received: from another.example\r\n" + mail())

        assert Inquiry.objects.count() == 1
        assert sender.item().reason_code == "repeated"

    def test_is_of_the_visitor_when_a_website_sends_it(self, sender: Sender) -> None:
        sender.post(
            mail(
                From="Website <noreply@marlow.example>",
                Reply_To="Bob Baker <bob@kestrel.example>",
                Auto_Submitted="auto-generated",
            )
        )

        assert Lead.objects.get().email == "bob@kestrel.example"

    def test_is_read_line_by_line_when_it_is_a_forms_notification(self, sender: Sender) -> None:
        body = (
            "New entry\n\nName: Bob Baker\nE-mail: bob@kestrel.example\n"
            "Company: Kestrel\nFavourite colour: teal\n"
        )

        sender.post(mail(body, From="Website <noreply@marlow.example>"))

        lead = Lead.objects.get()
        assert (lead.email, lead.company_name) == ("bob@kestrel.example", "Kestrel")
        assert Inquiry.objects.get().fields["Favourite colour"] == "teal"

    def test_is_readable_when_it_is_only_html(self, sender: Sender) -> None:
        html = (
            "<style>p{color:red}</style><p>We need <b>rotas</b>.</p><script>alert(1)</script>"
            "<p>For 40&nbsp;people &lt;soon&gt;</p>"
        )

        sender.post(mail(html, Content_Type="text/html; charset=utf-8"))

        assert Inquiry.objects.get().message == "We need rotas.\nFor 40 people <soon>"

    @pytest.mark.parametrize(
        ("charset", "text"),
        [
            ("iso-2022-jp", "シフト表がほしい"),
            ("windows-1252", "Für 40 Leute – bald"),
            ("x-unknown", "Für 40 Leute"),
        ],
    )
    def test_is_read_in_its_charset(self, sender: Sender, charset: str, text: str) -> None:
        head = mail("", Content_Type=f"text/plain; charset={charset}")
        encoded = text.encode("utf-8" if charset == "x-unknown" else charset)

        sender.post(head + encoded)

        assert Inquiry.objects.get().message == text

    def test_tells_of_its_attachments(self, sender: Sender) -> None:
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nSee the plan.\r\n"
            "--b\r\nContent-Type: application/pdf\r\n"
            'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\n%PDF\r\n--b--\r\n'
        )

        sender.post(mail(body, Content_Type='multipart/mixed; boundary="b"'))

        inquiry = Inquiry.objects.get()
        assert inquiry.message == "See the plan."
        assert "plan.pdf" in inquiry.context["notes"][0]


class TestAForward:
    GMAIL = (
        "Please take this one.\n\n---------- Forwarded message ---------\n"
        "From: Bob Baker <bob@kestrel.example>\nDate: Thu, Nov 19, 2026 at 12:00\n"
        "Subject: Rotas for two depots\nTo: <dora@marlow.example>\n\n\nCould you call me?\n"
    )
    OUTLOOK = (
        "FYI\n\n-----Ursprüngliche Nachricht-----\n"
        "Von: Bob Baker [mailto:bob@kestrel.example]\nGesendet: Donnerstag\n"
        "Betreff: Rotas for two depots\n\nCould you call me?\n"
    )
    APPLE = (
        "\n\nBegin forwarded message:\n\n> From: Bob Baker <bob@kestrel.example>\n"
        "> Subject: Rotas for two depots\n> \n> Could you call me?\n"
    )

    @pytest.mark.parametrize(
        ("subject", "body"),
        [("Fwd: Rotas", GMAIL), ("WG: Rotas", OUTLOOK), ("Fwd: Rotas", APPLE)],
        ids=["gmail", "outlook", "apple"],
    )
    def test_is_of_who_wrote_first(self, sender: Sender, subject: str, body: str) -> None:
        UserFactory(email="dora@marlow.example")

        sender.post(mail(body, From="Dora <dora@marlow.example>", Subject=subject))

        inquiry, lead = Inquiry.objects.get(), Lead.objects.get()
        assert (lead.email, lead.first_name) == ("bob@kestrel.example", "Bob")
        assert inquiry.message == "Could you call me?"
        assert inquiry.fields["mail.subject"] == "Rotas for two depots"
        assert "dora@marlow.example" in inquiry.context["notes"][0]

    def test_as_an_attachment_is_of_who_wrote_first(self, sender: Sender) -> None:
        inner = mail("Could you call me?", From="Bob Baker <bob@kestrel.example>").decode()
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nFYI\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
        )

        sender.post(
            mail(
                body, From="Dora <dora@marlow.example>", Content_Type="multipart/mixed; boundary=b"
            )
        )

        assert Lead.objects.get().email == "bob@kestrel.example"
        assert Inquiry.objects.get().message == "Could you call me?"


class TestWhatIsNoLead:
    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"Auto_Submitted": "auto-replied"}, "auto_reply"),
            ({"X_Autoreply": "yes"}, "auto_reply"),
            ({"Subject": "Automatic reply: Your offer"}, "auto_reply"),
            ({"Subject": "Abwesenheitsnotiz: Angebot"}, "auto_reply"),
            ({"Precedence": "auto_reply"}, "auto_reply"),
            ({"From": "MAILER-DAEMON@mx.example"}, "bounce"),
            (
                {"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"},
                "bounce",
            ),
            (
                {"Content_Type": "multipart/report; report-type=feedback-report; boundary=b"},
                "complaint",
            ),
            ({"X_CRM_Send": "abc"}, "loop"),
        ],
    )
    def test_is_set_aside_with_the_reason(
        self, sender: Sender, headers: dict[str, str], code: str
    ) -> None:
        sender.post(mail(**headers))

        item = sender.item()
        assert (item.state, item.reason_code) == ("rejected", code)
        assert item.reason
        assert not Lead.objects.exists()

    def test_goes_round_in_no_circle(self, sender: Sender, settings: Any) -> None:
        settings.DEFAULT_FROM_EMAIL = "Marlow <hello@marlow.example>"

        sender.post(mail(From="Marlow <hello@marlow.example>"))

        assert sender.item().reason_code == "loop"

    def test_waits_for_review_when_it_looks_like_a_newsletter(self, sender: Sender) -> None:
        sender.post(mail(Precedence="bulk", List_Unsubscribe="<https://x.example/u>"))

        assert sender.item().reason_code == "newsletter"

    def test_waits_for_review_when_a_colleague_wrote_it(self, sender: Sender) -> None:
        UserFactory(email="dora@marlow.example")

        sender.post(mail(From="Dora <dora@marlow.example>"))

        assert (sender.item().state, sender.item().reason_code) == ("needs_review", "colleague")


class TestAReply:
    def test_of_somebody_known_stands_on_the_timeline(self, sender: Sender) -> None:
        lead = LeadFactory(email="alice@kestrel.example")
        body = (
            "Yes, Tuesday.\n\nOn Wed, 18 Nov 2026 at 10:00, Maya <maya@marlow.example> wrote:\n> ?"
        )

        sender.post(mail(body, Subject="Re: Rotas", In_Reply_To="<7@marlow.example>"))

        activity = Activity.objects.get(type="email_reply")
        assert (activity.lead_id, activity.properties["message"]) == (lead.pk, "Yes, Tuesday.")
        assert (sender.item().state, sender.item().lead_id) == ("applied", lead.pk)
        assert not Inquiry.objects.exists()

    def test_of_somebody_unknown_makes_a_lead(self, sender: Sender) -> None:
        sender.post(mail(Subject="Re: Rotas", In_Reply_To="<7@marlow.example>"))

        assert Lead.objects.get().email == "alice@kestrel.example"


class TestMailServices:
    def test_may_post_the_whole_message_in_a_form(self, sender: Sender) -> None:
        body, content_type = multipart({"to": "sales@marlow.example", "email": mail().decode()})

        sender.post(body, content_type=content_type)

        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_may_post_the_message_as_a_file(self, sender: Sender) -> None:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="email"; filename="m.eml"\r\n'
            b"Content-Type: message/rfc822\r\n\r\n" + mail() + b"\r\n--x--\r\n"
        )

        sender.post(body, content_type="multipart/form-data; boundary=x")

        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_may_post_its_parts(self, sender: Sender) -> None:
        fields = {
            "from": "Alice Archer <alice@kestrel.example>",
            "subject": "Rotas",
            "body-plain": "We need rotas.",
            "Message-Id": "<1@kestrel.example>",
        }
        body, content_type = multipart(fields)

        sender.post(body, content_type=content_type)
        sender.post(body, content_type=content_type)

        assert Inquiry.objects.get().message == "We need rotas."

    def test_may_post_json(self, sender: Sender) -> None:
        document = {
            "From": "alice@kestrel.example",
            "Subject": "Rotas",
            "TextBody": "We need rotas.",
            "MessageID": "22c74902-a0c1-4511-804f",
        }

        sender.post(json.dumps(document).encode(), content_type="application/json")

        assert Inquiry.objects.get().message == "We need rotas."


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    settings.IMAP_PORTS = []
    box = Mailbox()
    yield box
    box.close()


class TestAMailbox:
    def sender(self, box: Mailbox, **more: Any) -> Sender:
        options = {
            "host": "127.0.0.1",
            "port": str(box.port),
            "security": "none",
            "user": "sales@marlow.example",
            **more,
        }
        access = more.pop("access", "correct")
        return Sender(connect("email", access=access, options=options, places=["INBOX"]))

    def test_is_read_on_from_where_it_was_read_to(self, mailbox: Mailbox) -> None:
        mailbox.messages = {3: mail(), 4: mail(From="bob@x.example", Message_ID="<2@x>")}
        sender = self.sender(mailbox)
        settle_captures()
        mailbox.commands.clear()
        mailbox.messages[9] = mail(From="charlie@x.example", Message_ID="<3@x>")

        for _ in range(2):
            actions.poll_now(sender.connection)
            settle_captures()

        fetched = [each for each in mailbox.commands if "BODY.PEEK" in each]
        assert Lead.objects.count() == 3
        assert len(fetched) == 1
        assert Poll.objects.get().checkpoint == {"validity": 7, "uid": 9}
        assert not [each for each in mailbox.commands if "STORE" in each or "EXPUNGE" in each]

    def test_is_read_again_when_its_ids_changed_without_doubling_anybody(
        self, mailbox: Mailbox
    ) -> None:
        mailbox.messages = {3: mail()}
        sender = self.sender(mailbox)
        settle_captures()
        mailbox.validity, mailbox.messages = 8, {1: mail()}

        actions.poll_now(sender.connection)
        settle_captures()

        assert Inquiry.objects.count() == 1
        assert Poll.objects.get().checkpoint == {"validity": 8, "uid": 1}

    def test_says_when_it_may_not_be_opened(self, mailbox: Mailbox) -> None:
        mailbox.password = "another"

        self.sender(mailbox)
        settle_captures()

        poll = Poll.objects.get()
        assert "refuses" in poll.problem
        assert poll.due_at is not None

    def test_takes_a_password_only_from_a_variable_named_for_it(
        self, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IMAP_SALES_PASSWORD", "correct")
        monkeypatch.setenv("SECRET_KEY", "correct")
        mailbox.messages = {1: mail()}

        self.sender(mailbox, access="", password_env="SECRET_KEY")
        settle_captures()
        refused = Lead.objects.count()
        self.sender(mailbox, access="", password_env="IMAP_SALES_PASSWORD")
        settle_captures()

        assert (refused, Lead.objects.count()) == (0, 1)

    def test_is_asked_only_at_mail_ports(self, mailbox: Mailbox, settings: Any) -> None:
        settings.IMAP_PORTS = [993]

        self.sender(mailbox)
        settle_captures()

        assert "993" in Poll.objects.get().problem
        assert mailbox.commands == []

    def test_gives_whole_messages_that_are_larger_than_other_captures(
        self, mailbox: Mailbox, settings: Any
    ) -> None:
        settings.MAX_CAPTURE_BYTES = 2_000
        raw = mail() + b"\r\n" + b"attachment " * 1000
        mailbox.messages = {1: raw}

        self.sender(mailbox)
        settle_captures()

        item = InboxItem.objects.get()
        assert (item.state, bytes(item.body)) == ("applied", raw)

    def test_says_in_words_that_only_the_beginning_of_a_huge_message_is_kept(
        self, mailbox: Mailbox, settings: Any
    ) -> None:
        settings.MAX_CAPTURE_BYTES, settings.MAX_MAIL_BYTES = 2_000, 5_000
        mailbox.messages = {1: mail() + b"\r\n" + b"attachment " * 1000}

        self.sender(mailbox)
        settle_captures()

        item = InboxItem.objects.get()
        assert (item.state, item.reason_code) == ("needs_review", "mail_too_large")
        assert "The whole of it is in the mailbox, folder “INBOX”." in item.reason
        assert len(item.body) == 2_000
        assert not Lead.objects.exists()

    def test_is_left_alone_while_the_source_is_off(self, mailbox: Mailbox) -> None:
        sender = self.sender(mailbox)
        actions.switch(sender.connection, on=False)

        settle_captures()

        assert mailbox.commands == []
