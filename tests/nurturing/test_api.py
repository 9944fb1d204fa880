"""Nurturing for programs."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from nurturing.models import Enrollment
from tests.conftest import Mailbox
from tests.factories import UserFactory
from tests.nurturing.factories import make_campaign, make_lead, make_template, plan_mails

pytestmark = pytest.mark.django_db


def program(*scopes: str, **options: Any) -> APIClient:
    key = create_api_key(name="Test", scopes=list(scopes), **options)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key.plain}")
    return client


@pytest.fixture
def writer() -> APIClient:
    return program("nurturing:read", "nurturing:write")


class TestCampaigns:
    def test_one_is_made_published_paused_and_resumed(self, writer: APIClient) -> None:
        make_template("Your guide")

        made = writer.post(
            "/api/v1/drip-campaigns/",
            {
                "name": "Webinar",
                "trigger": {"on": "capture"},
                "steps": [
                    {"kind": "email", "template": "your-guide"},
                    {"kind": "wait", "wait_minutes": 60},
                    {"kind": "email", "template": "your-guide"},
                ],
                "publish": True,
            },
        )
        paused = writer.post("/api/v1/drip-campaigns/webinar/pause/")
        twice = writer.post("/api/v1/drip-campaigns/webinar/pause/")
        resumed = writer.post("/api/v1/drip-campaigns/webinar/resume/")

        assert made.status_code == 201
        assert [step["kind"] for step in made.json()["steps"]] == ["email", "wait", "email"]
        assert (made.json()["state"], made.json()["version"]) == ("active", 1)
        assert (paused.json()["state"], resumed.json()["state"]) == ("paused", "active")
        assert (twice.status_code, twice["Content-Type"]) == (409, "application/problem+json")

    def test_the_list_has_numbers(self, writer: APIClient, mailbox: Mailbox) -> None:
        plan_mails(make_campaign(), make_lead(), make_lead(consent=None))
        pump.run_all()

        [row] = writer.get("/api/v1/drip-campaigns/").json()["results"]

        assert (row["numbers"]["sent"], row["numbers"]["skipped"]) == (1, 1)

    def test_every_mail_tells_its_reason(self, writer: APIClient, mailbox: Mailbox) -> None:
        lead = make_lead(consent=None)
        plan_mails(make_campaign(), lead, make_lead())
        pump.run_all()

        path = "/api/v1/drip-campaigns/overtime-guide/sends/?show=skipped"
        [mail] = writer.get(path).json()["results"]
        [same] = writer.get(f"/api/v1/leads/{lead.public_id}/sends/").json()["results"]

        assert (mail["state"], mail["reason_code"]) == ("skipped", "no_consent")
        assert mail["reason"] == "There is no consent for marketing e-mail."
        assert mail == same

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"),
            ({"name": "x", "trigger": {"on": "moon"}}, "trigger.on"),
            ({"name": "x", "trigger": {"on": "capture", "forms": ["none"]}}, "trigger"),
            ({"name": "x", "steps": [{"kind": "wait"}]}, "steps.0.wait_minutes"),
            ({"name": "x", "steps": [{"kind": "email", "template": "none"}]}, "steps"),
        ],
    )
    def test_mistakes_name_the_field(
        self, writer: APIClient, body: dict[str, Any], field: str
    ) -> None:
        answer = writer.post("/api/v1/drip-campaigns/", body)

        assert answer.status_code in {400, 422}
        assert answer.json()["errors"][0]["field"] == field


class TestTemplates:
    def test_one_is_written_and_saved_again(self, writer: APIClient) -> None:
        made = writer.post(
            "/api/v1/templates/", {"name": "Hello", "subject": "Hi", "html": "Hello"}
        )
        saved = writer.put("/api/v1/templates/hello/", {"subject": "Hi again", "html": "Hello"})

        assert (made.status_code, made.json()["version"]) == (201, 1)
        assert (saved.json()["version"], saved.json()["subject"]) == (2, "Hi again")

    def test_a_mistake_names_its_line(self, writer: APIClient) -> None:
        answer = writer.post(
            "/api/v1/templates/", {"name": "Hello", "subject": "Hi", "html": "a\n{{ lead.x }}"}
        )

        [error] = answer.json()["errors"]
        assert answer.status_code == 422
        assert error["field"] == "html"
        assert error["message"].startswith("Line 2: “lead.x” is not known.")
        assert writer.get("/api/v1/templates/").json()["results"] == []


class TestEnrollments:
    def test_a_lead_is_put_in_and_taken_out(self, writer: APIClient) -> None:
        lead = make_lead()
        make_campaign(waits=(60,))
        path = f"/api/v1/leads/{lead.public_id}/enrollments/"

        entered = writer.post(path, {"campaign": "overtime-guide"})
        twice = writer.post(path, {"campaign": "overtime-guide"})
        stopped = writer.delete(f"{path}overtime-guide/")
        again = writer.delete(f"{path}overtime-guide/")

        assert (entered.status_code, entered.json()["state"]) == (201, "active")
        assert (twice.status_code, stopped.status_code, again.status_code) == (409, 204, 404)
        [row] = writer.get(path).json()["results"]
        assert (row["state"], row["exit_reason"]) == ("exited", "stopped")

    def test_only_for_leads_the_key_may_see(self) -> None:
        lead = make_lead(owner=UserFactory())
        make_campaign()
        client = program("nurturing:write", user=UserFactory())

        answer = client.post(
            f"/api/v1/leads/{lead.public_id}/enrollments/", {"campaign": "overtime-guide"}
        )

        assert answer.status_code == 404
        assert not Enrollment.objects.exists()


class TestWhoMay:
    def test_a_key_needs_the_scope(self) -> None:
        assert program("leads:read").get("/api/v1/drip-campaigns/").status_code == 403
        reader = program("nurturing:read")
        assert reader.get("/api/v1/drip-campaigns/").status_code == 200
        assert reader.post("/api/v1/drip-campaigns/", {"name": "x"}).status_code == 403

    @pytest.mark.parametrize(
        ("role", "reading", "writing"),
        [(Role.MARKETER, 200, 201), (Role.MANAGER, 200, 403), (Role.REP, 403, 403)],
    )
    def test_a_person_needs_the_role(self, role: str, reading: int, writing: int) -> None:
        client = APIClient()
        client.force_login(UserFactory(role=role))

        assert client.get("/api/v1/templates/").status_code == reading
        made = client.post("/api/v1/templates/", {"name": "a", "subject": "b", "html": "c"})
        assert made.status_code == writing
