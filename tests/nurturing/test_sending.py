"""From a planned mail to the mail server, over real SMTP."""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.lib import pump
from leads.actions import record_consent, release_suppression, suppress, update_lead
from leads.models import Activity, Suppression
from nurturing import actions, engine
from nurturing.models import DripCampaign, Enrollment, FrequencyPolicy, Send, Sender
from nurturing.sending import deliver, drain_sends, gate, message, recover
from nurturing.sending.message import build
from nurturing.tracking import Recipient
from tests.conftest import Mailbox
from tests.factories import NOON, UserFactory
from tests.nurturing.factories import make_campaign, make_lead, make_template, plan_mails
from tests.nurturing.sink import FaultyServer

pytestmark = pytest.mark.django_db


def only_send() -> Send:
    return Send.objects.get()


class TestFirstMail:
    def test_arrives_with_everything_a_mail_program_needs(self, mailbox: Mailbox) -> None:
        owner = UserFactory(name="Maya Lindqvist", email="maya@example.com")
        lead = make_lead(
            first_name="Priya", last_name="Raman", email="priya@kestrel.example", owner=owner
        )

        plan_mails(make_campaign(), lead)
        pump.run_all()

        received, send = mailbox[0], only_send()
        assert received["To"] == "Priya Raman <priya@kestrel.example>"
        assert received["Subject"] == "Your guide, Priya"
        assert received["Message-ID"] == send.message_id
        assert received["X-LeadCRM-Send"] == send.public_id
        assert "maya@example.com" in received["Reply-To"]
        assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"/e/u/{send.public_id}" in received["List-Unsubscribe"]
        assert "mailto:" in received["List-Unsubscribe"]
        assert [part.get_content_type() for part in received.iter_parts()] == [
            "text/plain",
            "text/html",
        ]

    def test_says_how_to_unsubscribe_in_plain_characters(self) -> None:
        plan_mails(make_campaign(), make_lead())

        content = build(only_send()).content

        assert b"\r\nList-Unsubscribe: <http" in content
        assert max(len(line) for line in content.split(b"\r\n")) <= 998

    def test_leads_its_links_through_us_and_says_who_sent_it(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead())
        pump.run_all()

        html = mailbox[0].get_body(("html",)).get_content()
        text = mailbox[0].get_body(("plain",)).get_content()
        assert "/e/c/" in html
        assert "/e/o/" in html
        assert "marlow.example/guide" not in html
        assert "Our guide (https://marlow.example/guide?a=1&b=2)" in text
        assert "/e/u/" in text

    def test_is_accepted_once_and_told_on_the_timeline(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        plan_mails(make_campaign(), lead)

        pump.run_all()
        pump.run_all()

        send = only_send()
        assert len(mailbox) == 1
        assert send.state == Send.State.ACCEPTED
        assert send.handed_off_at is not None
        assert send.accepted_at is not None
        assert send.due_at is None
        assert Activity.objects.filter(lead=lead, type="email_sent").count() == 1

    def test_no_line_of_the_message_is_too_long(self, mailbox: Mailbox) -> None:
        template = make_template(body="x" * 5000, subject="ü" * 280)

        plan_mails(make_campaign(template=template), make_lead())
        pump.run_all()

        sent = message.build(only_send()).content
        assert len(mailbox) == 1
        assert max(len(line) for line in sent.split(b"\r\n")) <= 998

    def test_several_go_over_one_connection(self, settings: Any) -> None:
        server = FaultyServer()
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port

        plan_mails(make_campaign(), make_lead(), make_lead(), make_lead())
        drain_sends()

        assert (server.accepted, server.connections) == (3, 1)


class TestHostileNames:
    @pytest.mark.parametrize(
        "name",
        [
            "a\r\nBcc: victim@example.org",
            "\n.\nMAIL FROM:<x@example.org>",
            "🚀 Ünï",
            '"quoted" <other@example.org>',
            "x" * 100,
            "=?utf-8?q?=0d=0aBcc:_v@example.org?=",
        ],
    )
    def test_add_no_header_and_no_recipient(self, mailbox: Mailbox, name: str) -> None:
        lead = make_lead(first_name=name, email="priya@kestrel.example")
        template = make_template(
            subject="For {{ lead.first_name | default: 'you' }}",
            body="Hi\n\n.\n\n{{ lead.first_name | default: 'you' }}",
        )

        plan_mails(make_campaign(template=template), lead)
        pump.run_all()

        received = mailbox[0]
        assert received["X-Envelope-To"] == "priya@kestrel.example"
        assert received["Bcc"] is None
        assert [a.addr_spec for a in received["To"].addresses] == ["priya@kestrel.example"]
        assert len(received.get_all("Subject")) == 1
        assert "Hi" in received.get_body(("plain",)).get_content()

    def test_a_dot_alone_on_a_line_ends_nothing(self, mailbox: Mailbox) -> None:
        template = make_template(
            body="before\n\nafter", text="before\n.\r\n..\nafter {{ links.unsubscribe }}"
        )

        plan_mails(make_campaign(template=template), make_lead())
        pump.run_all()

        text = mailbox[0].get_body(("plain",)).get_content()
        assert text.startswith("before\r\n.\r\n..\r\nafter")


class TestWhoGetsNoMail:
    @pytest.mark.parametrize(
        ("consent", "reason"), [(None, "no_consent"), (False, "consent_withdrawn")]
    )
    def test_somebody_without_consent(
        self, mailbox: Mailbox, consent: bool | None, reason: str
    ) -> None:
        lead = make_lead(consent=consent)

        plan_mails(make_campaign(), lead)
        drain_sends()

        send = only_send()
        assert len(mailbox) == 0
        assert (send.state, send.reason_code) == (Send.State.SKIPPED, reason)
        assert send.reason
        assert Activity.objects.get(lead=lead, type="email_skipped").properties["reason"] == reason

    def test_a_suppressed_address(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        suppress(lead.email.upper(), reason="manual", at=NOON)

        plan_mails(make_campaign(), lead)
        drain_sends()

        assert len(mailbox) == 0
        assert only_send().reason_code == "suppressed"

    def test_an_address_suppressed_for_this_topic_only(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        suppress(lead.email, reason="unsubscribed", at=NOON, scope="tips")

        plan_mails(make_campaign(), lead)
        drain_sends()

        assert only_send().reason_code == "suppressed"

    def test_a_released_address_is_mailed_again(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        suppress(lead.email, reason="manual", at=NOON)
        release_suppression(lead.email, at=NOON)

        plan_mails(make_campaign(), lead)
        drain_sends()

        assert len(mailbox) == 1

    def test_a_lead_without_an_address(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead(email=""))

        assert only_send().reason_code == "no_address"

    def test_a_deleted_lead(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        plan_mails(make_campaign(), lead)
        type(lead).objects.filter(pk=lead.pk).update(deleted_at=NOON)

        drain_sends()

        assert only_send().reason_code == "deleted"

    def test_nobody_while_paused_and_everybody_after(self, mailbox: Mailbox) -> None:
        campaign = make_campaign()
        plan_mails(campaign, make_lead())
        actions.pause(campaign.pk, at=NOON)
        pump.run_all()
        paused = only_send()
        assert (len(mailbox), paused.state, paused.reason_code) == (
            0,
            "deferred",
            "campaign_paused",
        )

        actions.resume(campaign.pk, at=NOON)
        pump.run_all()

        assert len(mailbox) == 1


class TestNotNow:
    def test_a_second_mail_waits_a_day(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        plan_mails(make_campaign("One"), lead)
        plan_mails(make_campaign("Two"), lead)

        drain_sends()
        Send.objects.filter(state="deferred").update(due_at=Now())
        drain_sends()

        waiting = Send.objects.get(state="deferred")
        assert len(mailbox) == 1
        assert waiting.reason_code == "frequency"
        assert waiting.due_at is not None
        assert timedelta(hours=23) < waiting.due_at - timezone.now() <= timedelta(hours=24)

    def test_outside_the_window_it_waits_for_the_opening_in_the_leads_zone(
        self, mailbox: Mailbox
    ) -> None:
        tomorrow = (timezone.now() + timedelta(days=1)).weekday()
        FrequencyPolicy.objects.update_or_create(
            pk=1, defaults={"opens_at": time(8), "closes_at": time(18), "weekdays": [tomorrow]}
        )
        plan_mails(make_campaign(), make_lead(time_zone="UTC"))

        drain_sends()

        send = only_send()
        assert (send.state, send.reason_code) == ("deferred", "window")
        assert send.due_at is not None
        assert (send.due_at.weekday(), send.due_at.hour) == (tomorrow, 8)

    def test_waiting_counts_as_no_attempt(self, mailbox: Mailbox) -> None:
        FrequencyPolicy.objects.update_or_create(
            pk=1, defaults={"weekdays": [(timezone.now() + timedelta(days=2)).weekday()]}
        )
        plan_mails(make_campaign(), make_lead(time_zone="UTC"))

        for _ in range(12):
            Send.objects.update(due_at=Now())
            drain_sends()

        assert only_send().state == "deferred"


@pytest.fixture
def server(settings: Any) -> Iterator[Any]:
    """Starts a mail server that answers as told; Django's mail settings point to it."""
    servers: list[FaultyServer] = []

    def start(**answers: Any) -> FaultyServer:
        servers.append(FaultyServer(**answers))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", servers[-1].port
        settings.EMAIL_TIMEOUT = 5
        return servers[-1]

    yield start
    for one in servers:
        one.close()


@pytest.mark.django_db(transaction=True)
class TestTheLastMoment:
    """What happens after the claim, while the mail server is being talked to."""

    def test_an_unsubscription_wins(self, server: Any) -> None:
        [send] = plan_mails(make_campaign(), make_lead())
        who = Recipient(send.public_id, send.email_hash)
        waiting = server(meanwhile=lambda: actions.unsubscribe(who, at=timezone.now()))

        pump.run_all()

        send.refresh_from_db()
        assert waiting.accepted == 0
        assert (send.state, send.reason_code) == ("skipped", "unsubscribed")

    def test_a_suppression_wins(self, server: Any) -> None:
        lead = make_lead()
        [send] = plan_mails(make_campaign(), lead)
        waiting = server(meanwhile=lambda: suppress(lead.email, reason="manual", at=NOON))

        drain_sends()

        send.refresh_from_db()
        assert (waiting.accepted, send.reason_code) == (0, "suppressed")

    def test_withdrawn_consent_wins(self, server: Any) -> None:
        lead = make_lead()
        [send] = plan_mails(make_campaign(), lead)
        waiting = server(
            meanwhile=lambda: record_consent(
                lead.pk, "marketing_email", granted=False, at=timezone.now()
            )
        )

        drain_sends()

        send.refresh_from_db()
        assert (waiting.accepted, send.reason_code) == (0, "consent_withdrawn")

    def test_being_stopped_wins(self, server: Any) -> None:
        campaign, lead = make_campaign(waits=(10,)), make_lead()
        [send] = plan_mails(campaign, lead)
        waiting = server(meanwhile=lambda: actions.stop(lead.pk, campaign, at=NOON))

        drain_sends()

        send.refresh_from_db()
        assert (waiting.accepted, send.reason_code) == (0, "stopped")

    def test_a_pause_wins(self, server: Any) -> None:
        campaign = make_campaign()
        [send] = plan_mails(campaign, make_lead())
        waiting = server(meanwhile=lambda: actions.pause(campaign.pk, at=NOON))

        drain_sends()

        send.refresh_from_db()
        assert (waiting.accepted, send.reason_code) == (0, "campaign_paused")

    def test_a_worker_that_slept_past_its_lease_sends_nothing(self, server: Any) -> None:
        def another_worker_takes_it() -> None:
            Send.objects.update(due_at=Now())
            pump.claim(Send, limit=1, where=deliver.CLAIMABLE)

        [send] = plan_mails(make_campaign(), make_lead())
        waiting = server(meanwhile=another_worker_takes_it)

        drain_sends()

        send.refresh_from_db()
        assert (waiting.accepted, send.handed_off_at) == (0, None)

    def test_the_address_is_the_one_the_lead_has_now(self, mailbox: Mailbox) -> None:
        lead = make_lead(email="old@kestrel.example")
        plan_mails(make_campaign(), lead)
        update_lead(lead.pk, {"email": "new@kestrel.example"}, at=NOON)

        drain_sends()

        assert mailbox[0]["X-Envelope-To"] == "new@kestrel.example"


class TestWhatTheMailServerSays:
    @pytest.mark.parametrize(
        "answers",
        [
            {"connect": "421 busy"},
            {"mail": "451 4.7.1 greylisted"},
            {"rcpt": "450 4.2.1 try later"},
            {"data": "451 4.3.0 disk"},
            {"end": "451 4.3.0 try again"},
            {"rcpt": "552 5.2.2 mailbox full"},
            {"connect": "drop"},
            {"mail": "drop"},
            {"rcpt": "drop"},
            {"data": "drop"},
            {"body": "drop"},
        ],
    )
    def test_not_now_is_tried_again_later(self, server: Any, answers: dict[str, str]) -> None:
        server(**answers)
        plan_mails(make_campaign(), make_lead())

        drain_sends()

        send = only_send()
        assert (send.state, send.handed_off_at) == ("planned", None)
        assert send.due_at is not None
        assert timedelta(minutes=2) < send.due_at - timezone.now() < timedelta(minutes=8)
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize("code", ["5.1.1", "5.1.2", "5.1.10"])
    @pytest.mark.parametrize("stage", ["rcpt", "end"])
    def test_an_unknown_address_bounces_and_is_suppressed(
        self, server: Any, code: str, stage: str
    ) -> None:
        server(**{stage: f"550 {code} no such user"})
        lead = make_lead()
        plan_mails(make_campaign(waits=(60,)), lead)

        drain_sends()

        assert only_send().state == "bounced"
        assert Suppression.objects.get().reason == "bounced"
        assert Enrollment.objects.get().exit_reason == "bounced"
        assert Activity.objects.filter(lead=lead, type="email_bounce").exists()

    @pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
    def test_a_refusal_for_policy_fails_without_suppressing(self, server: Any, stage: str) -> None:
        server(**{stage: "550 5.7.26 DMARC"})
        plan_mails(make_campaign(), make_lead())

        drain_sends()

        assert (only_send().state, only_send().reason_code) == ("failed", "policy")
        assert not Suppression.objects.exists()

    def test_any_other_refusal_fails_without_suppressing(self, server: Any) -> None:
        server(data="554 no")
        plan_mails(make_campaign(), make_lead())

        drain_sends()

        assert (only_send().state, only_send().reason_code) == ("failed", "rejected")
        assert not Suppression.objects.exists()

    def test_hanging_up_after_the_dot_leaves_doubt_and_nothing_is_resent(self, server: Any) -> None:
        refusing = server(end="drop")
        plan_mails(make_campaign(), make_lead())

        drain_sends()
        Send.objects.filter(due_at__isnull=False).update(due_at=Now())
        drain_sends()

        assert only_send().state == "unknown"
        assert refusing.accepted == 1

    def test_a_refusal_of_us_keeps_the_rest_of_the_batch_untried(self, server: Any) -> None:
        refusing = server(mail="550 5.7.1 you are blocked")
        plan_mails(make_campaign(), make_lead(), make_lead())

        drain_sends()

        assert set(Send.objects.values_list("state", flat=True)) == {"planned"}
        assert sorted(Send.objects.values_list("attempts", flat=True)) == [0, 1]
        assert refusing.connections == 1

    def test_three_refusals_of_us_pause_all_sending(self, server: Any) -> None:
        server(mail="550 5.7.1 you are blocked")
        plan_mails(make_campaign(), make_lead())

        for _ in range(3):
            Send.objects.update(due_at=Now())
            drain_sends()
        Send.objects.update(due_at=Now())

        assert drain_sends() == 0
        assert Sender.load().paused_until is not None

    def test_it_gives_up_after_eight_tries(self, server: Any) -> None:
        server(rcpt="450 4.2.1 try later")
        plan_mails(make_campaign(), make_lead())

        for _ in range(8):
            Send.objects.filter(due_at__isnull=False).update(due_at=Now())
            drain_sends()

        assert (only_send().state, only_send().reason_code) == ("failed", "gave_up")

    def test_one_bad_recipient_does_not_stop_the_others(self, server: Any) -> None:
        refusing = server(rcpt="550 5.1.1 no such user")
        plan_mails(make_campaign(), make_lead(), make_lead())
        drain_sends(limit=1)
        refusing.answers.clear()

        drain_sends()

        assert sorted(Send.objects.values_list("state", flat=True)) == ["accepted", "bounced"]


class TestAfterACrash:
    def test_a_mail_that_was_only_claimed_is_sent(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead())
        claim = pump.claim(Send, limit=1, where=deliver.CLAIMABLE)
        gate.pass_gate(claim.items, token=claim.token)
        Send.objects.update(due_at=Now())

        pump.run_all()

        assert len(mailbox) == 1

    def test_a_mail_handed_over_is_in_doubt_and_shown(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead())
        claim = pump.claim(Send, limit=1, where=deliver.CLAIMABLE)
        gate.pass_gate(claim.items, token=claim.token)
        assert deliver.hand_over(claim.items[0], token=claim.token)
        Send.objects.update(due_at=Now())

        assert recover() == 1
        pump.run_all()

        send = only_send()
        assert len(mailbox) == 0
        assert (send.state, send.reason_code) == ("unknown", "in_doubt")
        assert send.due_at is None


class TestEveryMailOnce:
    def test_a_step_plans_one_mail_however_often_it_runs(self, mailbox: Mailbox) -> None:
        campaign, lead = make_campaign(waits=(60,)), make_lead()
        plan_mails(campaign, lead)
        first = campaign.published.steps.first()
        Enrollment.objects.update(step=first, due_at=Now())

        while engine.advance_due():
            pass

        assert Send.objects.filter(step_key=first.key).count() == 1

    def test_a_campaign_that_ended_still_sends_its_last_mail(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead())

        assert Enrollment.objects.get().state == Enrollment.State.COMPLETED
        pump.run_all()

        assert len(mailbox) == 1
        assert DripCampaign.objects.get().is_active
