"""The main job: a stranger becomes a scored, routed, nurtured lead on a rep's screen."""

import re
import subprocess
from datetime import timedelta
from email.message import EmailMessage
from http import HTTPStatus
from typing import Any

import pytest
import requests
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Notification, User
from nurturing.models import Enrollment, Send
from pipeline.actions.defaults import ensure_default_routing, sync_everyone
from pipeline.models import Pool
from tests.conftest import Mailbox
from tests.factories import TeamFactory, UserFactory, make_form
from tests.flows.conftest import until

SCOPES = [
    "capture:write",
    "leads:read",
    "leads:write",
    "pipeline:read",
    "pipeline:write",
    "nurturing:read",
    "reports:read",
]
FORM = "book-a-demo"
STRANGER = {
    "first_name": "Priya",
    "last_name": "Raman",
    "email": "Priya.Raman@kestrel.example",
    "company": "Kestrel Logistics",
    "message": "We plan shifts for 260 drivers.",
}
ANSWERS = {
    "budget": {"level": "yes", "value": "€15–20k"},
    "authority": {"level": "yes", "value": "Decides with the CFO"},
    "need": {"level": "yes", "value": "Overtime at 11%"},
    "timeline": {"level": "yes", "value": "Live before March"},
}


class Website:
    """A company's website and scripts, talking to the API."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(f"{self.url}/api/v1/{path}", json=body, timeout=10)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.session.put(f"{self.url}/api/v1/{path}", json=body, timeout=10)

    def get(self, path: str) -> Any:
        answer = self.session.get(f"{self.url}/api/v1/{path}", timeout=10)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return answer.json()

    def capture(self) -> str:
        """Post the form and wait for the lead's id."""
        receipt = self.post(
            "capture/",
            {
                "form": FORM,
                "fields": STRANGER,
                "context": {"page_url": "https://marlow.example/?utm_source=google"},
                "consent": {"marketing_email": True},
            },
        )
        assert receipt.status_code == HTTPStatus.ACCEPTED, receipt.text
        status_path = f"capture/{receipt.json()['receipt_id']}/"
        applied = until(
            lambda: found if (found := self.get(status_path))["state"] == "applied" else None
        )
        return str(applied["lead"])


@pytest.fixture
def alice() -> User:
    """The only rep, so that she is the one who gets the lead."""
    user = UserFactory(name="Alice", team=TeamFactory(name="Sales"))
    ensure_default_routing()
    for pool in Pool.objects.filter(includes_everyone=True):
        sync_everyone(pool)
    return user


@pytest.fixture
def website(worker: "subprocess.Popen[bytes]", live_server: LiveServer, alice: User) -> Website:
    make_form(FORM)
    return Website(live_server.url, create_api_key(name="Website", scopes=SCOPES).plain)


def qualify(website: Website, lead: str) -> None:
    """BANT answers and visits to the prices, enough for sales."""
    answered = website.put(f"leads/{lead}/bant/", ANSWERS)
    assert answered.status_code == HTTPStatus.OK, answer_text(answered)
    now = timezone.now()
    visits = [
        {
            "id": f"visit-{n}",
            "lead": lead,
            "type": "pricing_view",
            "occurred_at": (now - timedelta(minutes=n)).isoformat(),
            "properties": {"url": "/pricing"},
        }
        for n in range(1, 4)
    ]
    visited = website.post("activities/", visits)
    assert visited.status_code == HTTPStatus.ACCEPTED, answer_text(visited)


def answer_text(answer: requests.Response) -> str:
    return answer.text[:2000]


def test_a_strangers_post_becomes_a_routed_lead_and_a_call_stops_the_clock(
    website: Website, alice: User, mailbox: Mailbox
) -> None:
    lead = website.capture()
    qualify(website, lead)

    owned = until(lambda: row if (row := website.get(f"leads/{lead}/"))["owner"] else None)
    assert owned["owner"]["name"] == "Alice"
    assert owned["stage"] == "sql"
    assert owned["lifecycle"] == "sql"

    score = website.get(f"leads/{lead}/score/")
    assert score["value"] == owned["score"]
    assert sum(row["points"] for row in score["contributions"]) == score["value"]

    decision = website.get(f"leads/{lead}/routing/")["results"][0]
    assert decision["chosen"]["name"] == "Alice"
    assert decision["trace"]
    assert Notification.objects.filter(user=alice, lead_id__isnull=False).exists()
    told = until(lambda: mails_to(mailbox, alice.email))
    assert "Kestrel Logistics" in told[0].as_string() or "Priya" in told[0].as_string()

    clock = website.get(f"leads/{lead}/response/")
    assert clock["first_response_at"] is None
    call = website.post(
        f"leads/{lead}/activities/",
        {"type": "call_connected", "occurred_at": timezone.now().isoformat(), "properties": {}},
    )
    assert call.status_code in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}, answer_text(call)
    until(lambda: website.get(f"leads/{lead}/response/")["first_response_at"])

    funnel = website.get("reports/funnel/?period=30d")
    reached = {step["stage"]: step["count"] for step in funnel["steps"]}
    assert reached["sql"] == 1
    replies = website.get("reports/response-time/?period=30d")
    assert replies["times"]["received"] == 1
    assert replies["times"]["answered"] == 1


def test_unsubscribing_from_the_first_mail_stops_the_next(
    website: Website, mailbox: Mailbox
) -> None:
    website.capture()
    first = until(lambda: mails_to(mailbox, "raman"))[0]
    link = unsubscribe_link(first)
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    for _ in range(3):
        assert requests.get(link, timeout=10).status_code == HTTPStatus.OK
    assert not Enrollment.objects.filter(state=Enrollment.State.EXITED).exists()
    stopped = requests.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=10)

    assert stopped.status_code == HTTPStatus.OK
    until(lambda: Enrollment.objects.filter(state=Enrollment.State.EXITED).exists())
    Enrollment.objects.filter(due_at__isnull=False).update(due_at=Now())
    assert Send.objects.filter(accepted_at__isnull=False).count() == 1
    assert len(mails_to(mailbox, "raman")) == 1


def test_the_second_post_of_one_person_is_a_second_inquiry_of_one_lead(website: Website) -> None:
    first = website.capture()
    second = website.capture()

    assert first == second
    timeline = website.get(f"leads/{first}/timeline/")["results"]
    assert sum(entry["type"] in {"form_submit", "demo_requested"} for entry in timeline) == 2


def mails_to(mailbox: Mailbox, whom: str) -> list[EmailMessage]:
    return [mail for mail in mailbox if whom.lower() in str(mail["To"]).lower()]


def unsubscribe_link(mail: EmailMessage) -> str:
    found = re.search(r"<(http[^>]+)>", str(mail["List-Unsubscribe"]))
    assert found is not None
    return found.group(1)
