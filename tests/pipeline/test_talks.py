"""E-mails, meetings, files, mentions and corrections."""

from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Notification, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads import threads
from leads.actions import add_note, record_activity, suppress
from leads.models import Activity, Attachment, Lead
from pipeline.actions import letters, meetings
from pipeline.actions.letters import Draft, NoMore, send_letter
from pipeline.models import Letter, Meeting
from tests.conftest import Mailbox
from tests.factories import UserFactory
from tests.pipeline.factories import open_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", email="alice@example.com")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def lead(alice: User) -> Lead:
    return open_lead(at=timezone.now() - timedelta(minutes=5), owner=alice)


def write(lead: Lead, user: User, **more: Any) -> Letter:
    draft = Draft("Your question", "See https://marlow.example/pricing today.", **more)
    return send_letter(lead, draft, user=user, at=timezone.now())


class TestLetters:
    def test_carry_a_message_id_and_name_what_they_answer(
        self, lead: Lead, alice: User, mailbox: Mailbox
    ) -> None:
        letter = write(lead, alice, answers="<abc@client.example>")

        pump.run_all()

        sent = mailbox[0]
        assert sent["Message-ID"] == letter.message_id
        assert sent["In-Reply-To"] == "<abc@client.example>"
        assert sent["From"].startswith("Alice Archer")

    def test_opens_and_clicks_are_followed_and_machines_told_apart(
        self, lead: Lead, alice: User, client: Client
    ) -> None:
        letter = write(lead, alice)
        click = letters.click_url(letter, 0).partition("/m/")[2]
        picture = letters.open_url(letter).partition("/m/")[2]
        person = {"User-Agent": "Mozilla/5.0 (Macintosh) Safari/605"}

        client.get(f"/m/{picture}", headers={"User-Agent": "Googlebot/2.1"})
        before = Letter.objects.get().opened_at
        client.get(f"/m/{picture}", headers=person)
        answer = client.get(f"/m/{click}", headers=person)

        letter.refresh_from_db()
        assert before is None
        assert letter.opened_at is not None
        assert letter.clicked_at is not None
        assert answer["Location"] == "https://marlow.example/pricing"

    def test_who_wants_no_tracking_gets_plain_links(self, lead: Lead, alice: User) -> None:
        letter = write(lead, alice, is_tracked=False)

        assert "/m/" not in letters.html_of(letter)

    def test_a_changed_link_leads_nowhere(self, client: Client) -> None:
        assert client.get("/m/c/abcdefgh-0.xxxxxxxxxxxxxxxxxxxx").status_code == 404

    def test_a_reply_finds_its_letter_and_tells_the_author(self, lead: Lead, alice: User) -> None:
        bob = UserFactory(name="Bob", role="marketer")
        letter = write(lead, bob)

        said = {"subject": "Re", "message": "Yes!", "in_reply_to": [letter.message_id.strip("<>")]}
        record_activity(lead.pk, "email_reply", at=timezone.now(), properties=said)
        pump.run_all()

        letter.refresh_from_db()
        assert letter.replied_at is not None
        assert Notification.objects.filter(user=bob, kind="replied").exists()
        assert Notification.objects.filter(user=alice, kind="replied").exists()

    def test_a_reply_from_another_address_finds_the_lead(self, lead: Lead, alice: User) -> None:
        letter = write(lead, alice)

        assert threads.lead_of([letter.message_id]) == lead.pk
        assert threads.lead_of(["<somebody@else.example>"]) is None

    def test_nobody_writes_to_an_address_that_complained(self, lead: Lead, alice: User) -> None:
        suppress(lead.email, reason="complained", at=timezone.now())

        with pytest.raises(NoMore, match="reported our mail as spam"):
            write(lead, alice)

    def test_places_of_a_template_are_filled(
        self, browser: Client, lead: Lead, alice: User
    ) -> None:
        saved = letters.save_template(
            name="Thanks",
            subject="Thank you, {{ first_name }}",
            body="For {{company}}",
            user=alice,
            at=timezone.now(),
        )

        page = browser.get(f"/leads/{lead.public_id}/email/?template={saved.pk}").content.decode()

        assert f"Thank you, {lead.first_name}" in page
        assert "For Kestrel Logistics" in page

    def test_an_unknown_place_is_refused(self, alice: User) -> None:
        with pytest.raises(Invalid, match="Nothing is known as “firstname”"):
            letters.save_template(
                name="x", subject="x", body="{{ firstname }}", user=alice, at=timezone.now()
            )


class TestMeetings:
    def book(self, lead: Lead, user: User, **more: Any) -> Meeting:
        start = timezone.now() + timedelta(days=2)
        plan = meetings.Plan(**{"starts_at": start, "title": "Demo; part 1", **more})
        return meetings.book_meeting(lead.pk, plan, user=user, at=timezone.now())

    def test_an_invitation_goes_to_the_lead(
        self, lead: Lead, alice: User, mailbox: Mailbox
    ) -> None:
        self.book(lead, alice)

        pump.run_all()

        parts = {part.get_content_type(): part for part in mailbox[0].walk()}
        calendar = parts["text/calendar"].get_payload(decode=True).decode()
        assert "METHOD:REQUEST" in calendar
        assert "SUMMARY:Demo\\; part 1" in calendar
        assert f"mailto:{lead.email}" in calendar

    def test_it_is_the_next_step_and_stops_the_clock(self, lead: Lead, alice: User) -> None:
        meeting = self.book(lead, alice)

        lead.refresh_from_db()
        assert lead.next_step_at == meeting.starts_at
        assert lead.responded_at is not None

    def test_two_at_once_are_refused(self, lead: Lead, alice: User) -> None:
        self.book(lead, alice)

        with pytest.raises(Invalid, match="You meet somebody else then"):
            self.book(open_lead(owner=alice), alice)

    def test_a_time_at_the_end_of_all_calendars_is_refused(self, lead: Lead, alice: User) -> None:
        with pytest.raises(Invalid, match="within the next five years"):
            self.book(lead, alice, starts_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))

    def test_moved_it_is_sent_again_and_called_off_it_is_over(
        self, lead: Lead, alice: User, browser: Client
    ) -> None:
        meeting = self.book(lead, alice)
        other = timezone.localtime() + timedelta(days=5)

        browser.post(
            f"/meetings/{meeting.public_id}/",
            {"starts_at": f"{other:%Y-%m-%dT%H:%M}", "minutes": "45"},
        )
        browser.post(f"/meetings/{meeting.public_id}/close/", {"outcome": "cancelled"})
        again = browser.post(f"/meetings/{meeting.public_id}/close/", {"outcome": "held"})

        meeting.refresh_from_db()
        assert (meeting.state, meeting.sequence) == ("cancelled", 2)
        assert again.status_code == 409

    def test_what_came_of_it_stands_on_the_timeline(
        self, lead: Lead, alice: User, browser: Client
    ) -> None:
        meeting = self.book(lead, alice)

        browser.post(
            f"/meetings/{meeting.public_id}/close/",
            {"outcome": "held", "note": "Wants a quote", "follow_up_days": "usual"},
        )

        entry = Activity.objects.get(lead=lead, type="meeting_held")
        assert entry.properties["note"] == "Wants a quote"
        assert lead.tasks.get(done_at=None).kind == "email"

    def test_a_stranger_finds_neither_page_nor_file(
        self, lead: Lead, alice: User, client: Client
    ) -> None:
        meeting = self.book(lead, alice)
        client.force_login(UserFactory())

        for path in ("", "invite.ics"):
            assert client.get(f"/meetings/{meeting.public_id}/{path}").status_code == 404


class TestFiles:
    def keep(self, browser: Client, lead: Lead, name: str, content: bytes) -> Any:
        upload = SimpleUploadedFile(name, content)
        return browser.post(f"/leads/{lead.public_id}/files/", {"file": upload})

    def test_come_back_as_downloads(self, browser: Client, lead: Lead) -> None:
        self.keep(browser, lead, "offer.pdf", b"%PDF-1.7 an offer")

        kept = Attachment.objects.get()
        answer = browser.get(f"/files/{kept.public_id}/")

        assert b"".join(answer.streaming_content) == b"%PDF-1.7 an offer"  # type: ignore[attr-defined]
        assert answer["Content-Disposition"] == 'attachment; filename="offer.pdf"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "offer" not in Path(kept.file.name).name

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("virus.exe", b"MZ\x90"),
            ("page.html", b"<html>"),
            ("offer.pdf", b"<script>alert(1)</script>"),
            ("offer.pdf", b"MZ\x90"),
            ("notes.txt", b"#!/bin/sh"),
            ("empty.txt", b""),
            ("../../etc/passwd", b"x"),
        ],
    )
    def test_of_other_kinds_are_refused(
        self, browser: Client, lead: Lead, name: str, content: bytes
    ) -> None:
        answer = self.keep(browser, lead, name, content)

        assert answer.status_code == 422
        assert not Attachment.objects.exists()

    def test_are_not_for_strangers(self, browser: Client, lead: Lead, client: Client) -> None:
        self.keep(browser, lead, "notes.txt", b"secret")
        client.force_login(UserFactory())

        kept = Attachment.objects.get()
        assert client.get(f"/files/{kept.public_id}/").status_code == 404
        assert client.post(f"/files/{kept.public_id}/remove/").status_code == 404

    def test_removed_ones_are_gone_and_the_timeline_says_so(
        self, browser: Client, lead: Lead
    ) -> None:
        self.keep(browser, lead, "notes.txt", b"secret")
        kept = Attachment.objects.get()

        browser.post(f"/files/{kept.public_id}/remove/")

        assert browser.get(f"/files/{kept.public_id}/").status_code == 404
        assert Activity.objects.filter(lead=lead, type="file_removed").exists()


class TestMentions:
    def test_tell_who_is_named_if_they_may_see_the_lead(self, lead: Lead, alice: User) -> None:
        seer = UserFactory(name="Dora Dunn", email="dora@example.com", role="marketer")
        blind = UserFactory(name="Eve Ellis", email="eve@example.com")

        add_note(lead.pk, "@dora and @Eve Ellis, look", author=alice, at=timezone.now())

        assert Notification.objects.get(user=seer).kind == "mention"
        assert not Notification.objects.filter(user=blind).exists()

    def test_an_address_names_nobody(self, lead: Lead, alice: User) -> None:
        UserFactory(name="Dora Dunn", email="dora@example.com", role="marketer")

        add_note(lead.pk, "Write to sales@dora.example", author=alice, at=timezone.now())

        assert not Notification.objects.exists()


class TestCorrections:
    def test_stand_beside_what_they_correct(self, browser: Client, lead: Lead) -> None:
        browser.post(f"/leads/{lead.public_id}/notes/", {"body": "Budget 5k"})
        entry = Activity.objects.get(lead=lead, type="note_added")

        browser.post(f"/leads/{lead.public_id}/entries/{entry.pk}/correct/", {"text": "It is 50k"})

        entry.refresh_from_db()
        new = Activity.objects.get(lead=lead, type="correction")
        assert entry.properties["text"] == "Budget 5k"
        assert (new.properties["corrects"], new.properties["text"]) == (entry.pk, "It is 50k")

    def test_of_another_leads_entry_are_not_found(self, browser: Client, lead: Lead) -> None:
        other = open_lead()
        entry = record_activity(other.pk, "note_added", at=timezone.now(), properties={})

        answer = browser.post(f"/leads/{lead.public_id}/entries/{entry}/correct/", {"text": "x"})

        assert answer.status_code == 404


def test_folded_lines_of_an_invitation_are_short_enough(lead: Lead, alice: User) -> None:
    plan = meetings.Plan(
        starts_at=timezone.now() + timedelta(days=1), title="Über " * 20, place="Köln, " * 30
    )
    made = meetings.book_meeting(lead.pk, plan, user=alice, at=timezone.now())

    lines = meetings.calendar_of(made).split("\r\n")

    assert max(len(line.encode()) for line in lines) <= 75
    assert message_from_string("x: y")["x"] == "y"
