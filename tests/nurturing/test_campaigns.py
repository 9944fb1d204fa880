"""Entering, moving through and leaving drip campaigns."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import DomainError, Invalid
from leads.actions import delete_lead, record_activity, record_consent
from leads.events import CycleClosed, LeadCaptured, LeadQualified, LeadTakenOver
from leads.models import Activity, Form, Inquiry, Lead
from nurturing import actions, engine
from nurturing.defaults import ensure_welcome_campaign
from nurturing.models import DripCampaign, Enrollment, Send, Step
from tests.conftest import Mailbox
from tests.factories import NOON, make_form
from tests.nurturing.factories import make_campaign, make_lead, make_template, plan_mails

pytestmark = pytest.mark.django_db

DAY = 24 * 60


def capture(lead: Lead, slug: str = "book-a-demo") -> None:
    """What the product publishes when a form was sent."""
    form = Form.objects.filter(slug=slug).first() or make_form(slug)
    inquiry = Inquiry.objects.create(lead=lead, form_version=form.published, received_at=NOON)
    publish(LeadCaptured(lead_id=lead.pk, inquiry_id=inquiry.pk, is_new=True), at=NOON)


def pass_time() -> None:
    """Every wait ends now, and the last mail was two days ago."""
    Enrollment.objects.filter(due_at__isnull=False).update(due_at=Now())
    Send.objects.filter(handed_off_at__isnull=False).update(
        handed_off_at=timezone.now() - timedelta(days=2)
    )
    pump.run_all()


class TestEntering:
    def test_a_capture_starts_the_welcome_campaign_and_the_first_mail_goes(
        self, mailbox: Mailbox
    ) -> None:
        ensure_welcome_campaign()
        capture(make_lead())

        pump.run_all()

        enrollment = Enrollment.objects.get()
        assert len(mailbox) == 1
        assert "Welcome to" in mailbox[0]["Subject"]
        assert (enrollment.cause, enrollment.step.kind) == ("capture", "wait")
        assert timedelta(days=2, hours=23) < enrollment.due_at - timezone.now() < timedelta(days=3)

    def test_a_form_starts_only_the_campaigns_that_name_it(self) -> None:
        make_form("ebook")
        make_campaign("E-book", trigger={"on": "capture", "forms": ["ebook"]})
        every = make_campaign("Every", trigger={"on": "capture", "forms": []})

        capture(make_lead(), "book-a-demo")
        pump.run_all()

        assert Enrollment.objects.get().campaign == every

    def test_what_was_asked_for_comes_before_what_everybody_gets(self, mailbox: Mailbox) -> None:
        make_form("ebook")
        template = make_template(subject="Welcome")
        make_campaign("Every", trigger={"on": "capture"}, template=template)
        guide = make_template("E-book", subject="Your e-book")
        make_campaign("E-book", trigger={"on": "capture", "forms": ["ebook"]}, template=guide)

        capture(make_lead(), "ebook")
        pump.run_all()

        assert [message["Subject"] for message in mailbox] == ["Your e-book"]

    def test_a_second_capture_does_not_start_it_again(self, mailbox: Mailbox) -> None:
        make_campaign(trigger={"on": "capture"})
        lead = make_lead()

        for _ in range(2):
            capture(lead)
            pump.run_all()

        assert Enrollment.objects.count() == 1
        assert len(mailbox) == 1

    def test_a_qualified_lead_starts_those_that_wait_for_it(self) -> None:
        make_campaign(trigger={"on": "qualified", "kinds": ["mql"]})
        lead = make_lead()

        publish(LeadQualified(lead_id=lead.pk, kind="mql", score=50), at=NOON)
        pump.run_all()

        assert Enrollment.objects.get().cause == "qualified"

    def test_without_consent_people_enter_but_no_mail_goes(self, mailbox: Mailbox) -> None:
        make_campaign(trigger={"on": "capture"})
        capture(make_lead(consent=None))

        pump.run_all()

        assert Enrollment.objects.exists()
        assert len(mailbox) == 0
        assert Send.objects.get().reason_code == "no_consent"

    def test_a_first_wait_is_waited(self, mailbox: Mailbox) -> None:
        template = make_template()
        campaign = actions.create_campaign("Slow", at=NOON)
        actions.add_wait(campaign.pk, DAY, at=NOON)
        actions.add_email(campaign.pk, template, at=NOON)
        actions.publish(campaign.pk, at=NOON)
        campaign.refresh_from_db()

        plan_mails(campaign, make_lead())

        assert not Send.objects.exists()
        pass_time()
        assert len(mailbox) == 1

    def test_many_enter_in_one_statement(self, django_assert_max_num_queries: Any) -> None:
        campaign = make_campaign()
        leads = [make_lead() for _ in range(20)]

        with django_assert_max_num_queries(8):
            entered = engine.enrol(campaign, [lead.pk for lead in leads], cause="api", at=NOON)

        assert len(entered) == 20


class TestMovingOn:
    def test_all_three_mails_come_one_after_the_other(self, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(waits=(DAY, DAY)), make_lead())
        pump.run_all()
        first = len(mailbox)

        pass_time()
        pass_time()
        pass_time()

        assert (first, len(mailbox)) == (1, 3)
        assert Enrollment.objects.get().state == Enrollment.State.COMPLETED
        assert len({message["Message-ID"] for message in mailbox}) == 3

    def test_a_batch_takes_a_fixed_number_of_queries(
        self, django_assert_max_num_queries: Any
    ) -> None:
        campaign = make_campaign(waits=(DAY,))
        leads = [make_lead() for _ in range(30)]
        engine.enrol(campaign, [lead.pk for lead in leads], cause="api", at=NOON)

        with django_assert_max_num_queries(18):
            engine.advance_due()

        assert Send.objects.count() == 30

    def test_a_template_that_fails_for_one_lead_stops_nobody_else(self, mailbox: Mailbox) -> None:
        template = make_template(
            body="Hi{% if lead.custom.plan %} {{ lead.custom.plan.name }}{% endif %}"
        )
        campaign = make_campaign(template=template, waits=(DAY,))

        plan_mails(campaign, make_lead(custom={"plan": "gold"}), make_lead())
        pump.run_all()

        failed = Send.objects.get(state="failed")
        assert failed.reason_code == "template_error"
        assert len(mailbox) == 1
        assert set(Enrollment.objects.values_list("state", flat=True)) == {"active"}


class TestLeaving:
    @pytest.fixture
    def lead(self, mailbox: Mailbox) -> Lead:
        """Inside a campaign, the first mail sent, the second to come."""
        lead = make_lead()
        plan_mails(make_campaign(waits=(DAY,)), lead)
        pump.run_all()
        return lead

    def assert_left(self, mailbox: Mailbox, reason: str) -> None:
        pump.run_all()
        pass_time()
        enrollment = Enrollment.objects.get()
        assert (enrollment.state, enrollment.exit_reason) == (Enrollment.State.EXITED, reason)
        assert len(mailbox) == 1
        assert Activity.objects.filter(type="drip_left").count() == 1

    def test_when_a_rep_takes_over(self, lead: Lead, mailbox: Mailbox) -> None:
        publish(LeadTakenOver(lead_id=lead.pk, user_id=1), at=NOON)

        self.assert_left(mailbox, "taken_over")

    def test_when_a_rep_calls(self, lead: Lead, mailbox: Mailbox) -> None:
        record_activity(lead.pk, "call_connected", at=timezone.now())

        self.assert_left(mailbox, "contacted")

    def test_when_the_lead_replies(self, lead: Lead, mailbox: Mailbox) -> None:
        record_activity(lead.pk, "email_reply", at=timezone.now())

        self.assert_left(mailbox, "replied")
        assert Send.objects.get().replied_at is not None

    def test_when_a_meeting_is_booked(self, lead: Lead, mailbox: Mailbox) -> None:
        record_activity(lead.pk, "meeting_booked", at=timezone.now())

        self.assert_left(mailbox, "meeting")

    def test_when_the_sales_cycle_ends(self, lead: Lead, mailbox: Mailbox) -> None:
        publish(CycleClosed(lead_id=lead.pk, cycle_id=1, outcome="lost"), at=NOON)

        self.assert_left(mailbox, "cycle_closed")

    def test_when_its_goal_is_reached(self, lead: Lead, mailbox: Mailbox) -> None:
        publish(LeadQualified(lead_id=lead.pk, kind="sql", score=90), at=NOON)

        self.assert_left(mailbox, "qualified")
        assert Enrollment.objects.get().reached_goal_at is not None

    def test_when_consent_is_withdrawn(self, lead: Lead, mailbox: Mailbox) -> None:
        record_consent(lead.pk, "marketing_email", granted=False, at=timezone.now())

        self.assert_left(mailbox, "consent_withdrawn")

    def test_when_the_lead_is_deleted(self, lead: Lead, mailbox: Mailbox) -> None:
        delete_lead(lead.pk, at=NOON)

        self.assert_left(mailbox, "deleted")

    def test_not_for_what_the_campaign_does_not_stop_on(self, lead: Lead, mailbox: Mailbox) -> None:
        DripCampaign.objects.update(stop_on=["reply"])
        publish(LeadTakenOver(lead_id=lead.pk, user_id=1), at=NOON)

        pump.run_all()
        pass_time()

        assert len(mailbox) == 2

    def test_the_last_mail_of_a_finished_campaign_is_stopped_too(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        plan_mails(make_campaign("Short"), lead)
        Send.objects.update(due_at=timezone.now() + timedelta(hours=1))

        publish(LeadTakenOver(lead_id=lead.pk, user_id=1), at=NOON)
        pump.run_all()

        assert Send.objects.get().reason_code == "taken_over"


class TestPublishingAgain:
    def test_people_keep_their_place_and_get_nothing_twice(self, mailbox: Mailbox) -> None:
        campaign, lead = make_campaign(waits=(DAY,)), make_lead()
        plan_mails(campaign, lead)
        pump.run_all()
        wait = campaign.published.steps.get(kind="wait")

        actions.change_step(campaign.pk, wait.key, minutes=2 * DAY, at=NOON)
        actions.publish(campaign.pk, at=NOON)
        Enrollment.objects.update(due_at=Now())
        moved = Enrollment.objects.select_related("step").get()
        pass_time()

        assert (moved.step.key, moved.version.number) == (wait.key, 2)
        assert len(mailbox) == 2
        assert Send.objects.values("step_key").distinct().count() == 2

    def test_who_stood_at_a_removed_step_goes_on_with_the_next(self, mailbox: Mailbox) -> None:
        campaign = make_campaign(waits=(DAY,))
        plan_mails(campaign, make_lead())
        wait = campaign.published.steps.get(kind="wait")

        actions.remove_step(campaign.pk, wait.key, at=NOON)
        actions.publish(campaign.pk, at=NOON)

        enrollment = Enrollment.objects.select_related("step").get()
        assert enrollment.step.kind == Step.Kind.EMAIL

    def test_moving_a_mail_behind_people_does_not_send_it_again(self, mailbox: Mailbox) -> None:
        campaign = make_campaign(waits=(DAY,))
        plan_mails(campaign, make_lead())
        pump.run_all()
        first = campaign.published.steps.first()

        actions.move_step(campaign.pk, first.key, by=1, at=NOON)
        actions.move_step(campaign.pk, first.key, by=1, at=NOON)
        actions.publish(campaign.pk, at=NOON)
        pass_time()
        pass_time()

        keys = list(Send.objects.values_list("step_key", flat=True))
        assert sorted(keys) == sorted(set(keys))
        assert len(mailbox) == 2

    def test_steps_after_the_end_are_refused(self) -> None:
        campaign = actions.create_campaign("X", at=NOON)
        actions.add_exit(campaign.pk, at=NOON)
        actions.add_email(campaign.pk, make_template(), at=NOON)

        with pytest.raises(Invalid, match="never reached"):
            actions.publish(campaign.pk, at=NOON)

    @pytest.mark.parametrize("minutes", [0, -5, 366 * DAY])
    def test_a_wait_has_limits(self, minutes: int) -> None:
        campaign = actions.create_campaign("X", at=NOON)

        with pytest.raises(DomainError):
            actions.add_wait(campaign.pk, minutes, at=NOON)


def test_the_welcome_campaign_is_made_once_and_kept_as_it_was_changed() -> None:
    campaign = ensure_welcome_campaign()
    DripCampaign.objects.filter(pk=campaign.pk).update(name="Ours")

    again = ensure_welcome_campaign()

    assert (again.pk, again.name) == (campaign.pk, "Ours")
    assert [step.kind for step in again.published.steps.all()] == [
        "email", "wait", "email", "wait", "email",
    ]  # fmt: skip
