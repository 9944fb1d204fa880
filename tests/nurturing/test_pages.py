"""The pages of nurturing, through HTTP."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from nurturing import actions
from nurturing.models import DripCampaign, EmailTemplate, Enrollment, FrequencyPolicy, Send
from tests.conftest import Mailbox
from tests.factories import TeamFactory, UserFactory
from tests.nurturing.factories import make_campaign, make_lead, make_template, plan_mails

pytestmark = pytest.mark.django_db


def signed_in(role: str = Role.MARKETER) -> Client:
    client = Client()
    client.force_login(UserFactory(role=role, email=f"{role}@example.com"))
    return client


class TestWhoMayOpenThem:
    @pytest.mark.parametrize(
        "path",
        [
            "/nurturing/",
            "/nurturing/overtime-guide/",
            "/nurturing/overtime-guide/people/",
            "/nurturing/overtime-guide/log/",
            "/nurturing/templates/",
            "/nurturing/templates/your-guide/",
            "/nurturing/templates/your-guide/preview/",
        ],
    )
    def test_marketers_and_managers_read_and_reps_find_nothing(self, path: str) -> None:
        make_campaign()

        assert signed_in(Role.MARKETER).get(path).status_code == 200
        assert signed_in(Role.MANAGER).get(path).status_code == 200
        assert signed_in(Role.REP).get(path).status_code == 404

    @pytest.mark.parametrize(
        "path",
        [
            "/nurturing/new/",
            "/nurturing/overtime-guide/steps/",
            "/nurturing/overtime-guide/publish/",
            "/nurturing/overtime-guide/state/",
            "/nurturing/templates/new/",
            "/nurturing/templates/your-guide/",
            "/nurturing/templates/your-guide/test/",
        ],
    )
    def test_a_manager_changes_nothing(self, path: str) -> None:
        make_campaign()

        assert signed_in(Role.MANAGER).post(path, {"do": "pause"}).status_code == 404
        assert DripCampaign.objects.get().is_active


class TestMakingACampaign:
    def test_from_nothing_to_running(self) -> None:
        client = signed_in()
        make_template("Your guide")

        client.post("/nurturing/new/", {"name": "Webinar", "starts_on": "manual"})
        client.post("/nurturing/webinar/steps/", {"kind": "email", "template": "your-guide"})
        client.post("/nurturing/webinar/steps/", {"kind": "wait", "amount": "2", "unit": "days"})
        client.post("/nurturing/webinar/steps/", {"kind": "email", "template": "your-guide"})
        answer = client.post("/nurturing/webinar/publish/", follow=True)

        campaign = DripCampaign.objects.get(key="webinar")
        assert campaign.is_active
        assert [step.kind for step in campaign.published.steps.all()] == ["email", "wait", "email"]
        assert "Wait 2 days" in answer.content.decode()

    def test_without_a_mail_it_cannot_be_published_and_says_so(self) -> None:
        client = signed_in()
        client.post("/nurturing/new/", {"name": "Webinar", "starts_on": "manual"})

        answer = client.post("/nurturing/webinar/publish/")

        assert answer.status_code == 422
        assert "Add at least one e-mail" in answer.content.decode()

    def test_steps_are_changed_moved_and_removed_in_a_draft(self) -> None:
        client, campaign = signed_in(), make_campaign(waits=(60,))
        wait = campaign.published.steps.get(kind="wait")

        path = f"/nurturing/overtime-guide/steps/{wait.key}/"

        client.post(path, {"amount": "5", "unit": "hours"})
        client.post(path, {"do": "up"})
        last = campaign.published.steps.last()
        client.post(f"/nurturing/overtime-guide/steps/{last.key}/", {"do": "remove"})

        draft = campaign.versions.get(published_at=None)
        assert [(step.kind, step.wait_minutes) for step in draft.steps.all()] == [
            ("wait", 300),
            ("email", 0),
        ]
        assert campaign.published.steps.count() == 3

    def test_settings_say_when_it_starts_and_stops(self) -> None:
        make_campaign()

        signed_in().post(
            "/nurturing/overtime-guide/settings/",
            {
                "name": "Guide",
                "starts_on": "qualified",
                "kinds": ["mql"],
                "goal": "reply",
                "exit_mode": "goal",
                "stop_on": ["reply"],
            },
        )

        campaign = DripCampaign.objects.get()
        assert campaign.trigger == {"on": "qualified", "kinds": ["mql"]}
        assert (campaign.name, campaign.goal, campaign.stop_on) == ("Guide", "reply", ["reply"])


class TestTheCampaignsPages:
    def test_show_numbers_and_reasons(self, mailbox: Mailbox) -> None:
        client, campaign = signed_in(), make_campaign(waits=(60,))
        plan_mails(campaign, make_lead(), make_lead(consent=None, last_name="Nocon"))
        pump.run_all()

        steps = client.get("/nurturing/overtime-guide/").content.decode()
        log = client.get("/nurturing/overtime-guide/log/?show=skipped").content.decode()

        assert "2 here" in steps
        assert "Nocon" in log
        assert "There is no consent for marketing e-mail." in log

    def test_a_manager_sees_only_mails_to_leads_of_the_team(self) -> None:
        team = TeamFactory()
        manager = UserFactory(role=Role.MANAGER, team=team)
        ours = make_lead(last_name="Ours", owner=UserFactory(team=team))
        theirs = make_lead(last_name="Theirs", owner=UserFactory())
        plan_mails(make_campaign(), ours, theirs)
        client = Client()
        client.force_login(manager)

        page = client.get("/nurturing/overtime-guide/log/").content.decode()

        assert "Ours" in page
        assert "Theirs" not in page

    def test_the_list_asks_the_database_no_more_for_more_campaigns(self) -> None:
        client, template = signed_in(), make_template()
        counts = []
        for name in ("One", "Two", "Three"):
            plan_mails(make_campaign(name, template=template), make_lead())
            with CaptureQueriesContext(connection) as queries:
                client.get("/nurturing/")
            counts.append(len(queries))

        assert counts[1] == counts[2]

    def test_somebody_is_put_in_by_address(self) -> None:
        lead, campaign = make_lead(email="priya@kestrel.example"), make_campaign(waits=(5,))
        client = signed_in()

        client.post("/nurturing/overtime-guide/enrol/", {"email": "Priya@kestrel.example"})
        twice = client.post("/nurturing/overtime-guide/enrol/", {"email": lead.email})
        unknown = client.post("/nurturing/overtime-guide/enrol/", {"email": "x@y.example"})

        assert Enrollment.objects.get(campaign=campaign).lead == lead
        assert twice.status_code == 409
        assert unknown.status_code == 422


class TestTheTemplateEditor:
    def test_saves_a_version(self) -> None:
        make_template()

        signed_in().post(
            "/nurturing/templates/your-guide/",
            {"subject": "New", "html": "Hello {{ lead.first_name | default: 'you' }}"},
        )

        template = EmailTemplate.objects.get()
        assert template.current is not None
        assert (template.current.number, template.current.subject) == (2, "New")

    def test_refuses_an_unknown_variable_naming_the_line_and_the_cure(self) -> None:
        make_template()

        answer = signed_in().post(
            "/nurturing/templates/your-guide/",
            {"subject": "New", "html": "Hello\n\n{{ lead.frist_name }}"},
        )

        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Line 3: “lead.frist_name” is not known. Did you mean lead.first_name?" in page
        assert EmailTemplate.objects.get().versions.count() == 1

    def test_previews_what_is_typed_in_a_page_that_may_do_nothing(self) -> None:
        make_template()
        lead = make_lead(first_name="<b>Priya</b>")

        answer = signed_in().post(
            "/nurturing/templates/your-guide/preview/",
            {
                "html": "Hello {{ lead.first_name }}<script>alert(1)</script>",
                "subject": "S",
                "lead": lead.public_id,
            },
        )

        page = answer.content.decode()
        assert "Hello &lt;b&gt;Priya&lt;/b&gt;" in page
        assert "<script" not in page
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "script-src 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "SAMEORIGIN"

    def test_sends_a_test_to_me_and_to_nobody_else(self, mailbox: Mailbox) -> None:
        make_template()
        make_lead()

        signed_in().post(
            "/nurturing/templates/your-guide/test/", {"subject": "Trial", "html": "Hello"}
        )

        assert mailbox[0]["Subject"] == "[Test] Trial"
        assert mailbox[0]["X-Envelope-To"] == "marketer@example.com"
        assert not Send.objects.exists()


class TestOnTheLeadsPage:
    def test_a_rep_starts_and_stops_a_campaign_for_an_own_lead(self) -> None:
        rep = UserFactory()
        lead = make_lead(owner=rep)
        make_campaign(waits=(60,))
        client = Client()
        client.force_login(rep)

        client.post(f"/leads/{lead.public_id}/drips/", {"campaign": "overtime-guide"})
        page = client.get(f"/leads/{lead.public_id}/?open=all").content.decode()
        client.post(f"/leads/{lead.public_id}/drips/overtime-guide/stop/")

        assert "Overtime guide" in page
        assert Enrollment.objects.get().exit_reason == "stopped"

    def test_a_rep_cannot_reach_the_lead_of_another(self) -> None:
        lead = make_lead(owner=UserFactory())
        make_campaign()

        answer = signed_in(Role.REP).post(
            f"/leads/{lead.public_id}/drips/", {"campaign": "overtime-guide"}
        )

        assert answer.status_code == 404
        assert not Enrollment.objects.exists()

    def test_the_page_says_why_a_mail_was_not_sent(self, mailbox: Mailbox) -> None:
        lead = make_lead(consent=None)
        plan_mails(make_campaign(), lead)
        pump.run_all()

        page = signed_in().get(f"/leads/{lead.public_id}/?open=all").content.decode()

        assert "There is no consent for marketing e-mail." in page


def test_an_archived_campaign_lets_everybody_out(mailbox: Mailbox) -> None:
    campaign = make_campaign(waits=(60,))
    plan_mails(campaign, make_lead())

    actions.archive(campaign.pk, at=timezone.now())
    pump.run_all()

    assert Enrollment.objects.get().exit_reason == "archived"
    assert len(mailbox) == 0


class TestAMailInDoubt:
    def test_goes_out_again_when_somebody_says_so(self, mailbox: Mailbox) -> None:
        [send] = plan_mails(make_campaign(), make_lead())
        Send.objects.update(state="unknown", due_at=None, handed_off_at=timezone.now())
        client, answer = signed_in(), {"send": send.public_id}

        page = client.get("/nurturing/overtime-guide/log/?show=doubt").content.decode()
        first = client.post("/nurturing/overtime-guide/log/again/", answer)
        pump.run_all()
        second = client.post("/nurturing/overtime-guide/log/again/", answer)

        assert "Send again" in page
        assert (first.status_code, second.status_code) == (302, 409)
        assert [message["Message-ID"] for message in mailbox] == [send.message_id]


def test_a_fresh_installation_starts_with_the_welcome_campaign() -> None:
    client = signed_in()
    assert "Start with the welcome campaign" in client.get("/nurturing/").content.decode()

    client.post("/nurturing/new/", {"do": "welcome"})

    assert DripCampaign.objects.get(key="welcome").is_active


class TestHowOftenAndWhen:
    FORM = {
        "max_mails": "2",
        "per_hours": "48",
        "opens_at": "08:00",
        "closes_at": "18:00",
        "weekdays": ["0", "1"],
    }

    def test_is_saved_for_everybody(self) -> None:
        answer = signed_in().post("/nurturing/sending/", self.FORM)

        policy = FrequencyPolicy.load()
        assert answer.status_code == 302
        assert (policy.max_mails, policy.per_hours, policy.weekdays) == (2, 48, [0, 1])
        assert str(policy.opens_at) == "08:00:00"

    @pytest.mark.parametrize(
        "changes", [{"weekdays": []}, {"closes_at": ""}, {"closes_at": "07:00"}]
    )
    def test_hours_that_never_open_are_refused(self, changes: dict[str, Any]) -> None:
        answer = signed_in().post("/nurturing/sending/", {**self.FORM, **changes})

        assert answer.status_code == 422
        assert FrequencyPolicy.load().max_mails == 1

    def test_is_no_name_for_a_campaign(self) -> None:
        assert actions.create_campaign("Sending", at=timezone.now()).key != "sending"
        assert signed_in().get("/nurturing/sending/").status_code == 200
