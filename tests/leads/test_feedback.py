"""Telling advertisers how far their leads came: Meta over HTTP, Google Ads by a file."""

import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Notification, Role, Workspace
from leadcrm.eventlog.actions import QUEUE as DELIVERIES
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads import capture
from leads.actions.consent import record_consent
from leads.actions.feedback import QUEUE
from leads.actions.inquiries import add_touch
from leads.events import LeadEvent, LeadQualified
from leads.models import AttributionSettings, ClickId, Connection, FeedbackEvent, Lead
from leads.providers.pumping import keep
from pipeline import actions as pipeline
from pipeline.models import CycleFact, Deal, SalesCycle
from tests.factories import LeadFactory, UserFactory, make_funnel
from tests.leads.sources import connect, document

pytestmark = pytest.mark.django_db
META_ID = "1958340478236214"
REFUSAL = (400, {"error": {"code": 100, "message": "Invalid parameter"}})
NAMES = {"lead": "Lead", "mql": "Marketing Qualified Lead", "won": "Converted"}


class MetaServer:
    """Plays Meta's Conversions API; each answer is used once, the last goes on."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [(200, {"events_received": 1})]
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                token = self.headers["Authorization"] or ""
                server.told.append((self.path, token, json.loads(body)))
                answers = server.answers
                status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, body in self.told for event in body["data"]]


@pytest.fixture
def meta(settings: Any) -> Iterator[MetaServer]:
    played = MetaServer()
    settings.META_GRAPH_URL = f"http://127.0.0.1:{played.server.server_port}"
    settings.META_GRAPH_VERSION = "v24.0"
    yield played
    played.server.shutdown()
    played.server.server_close()


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(UserFactory(name="Alice", role=Role.MARKETER))
    return client


@pytest.fixture
def source(office: Client) -> Connection:
    make_funnel()
    made = connect("meta", name="Spring ads", secret="app-secret")
    answer = set_up(office, made)
    assert answer.status_code == 302
    return made


def set_up(office: Client, source: Connection, **changes: Any) -> Any:
    """As the page sends it; fields of conversions by what stands beside them."""
    address = f"/sources/{source.source.key}/feedback/"
    form = office.get(address).context["form"]
    names = {
        field.name: NAMES.get(key, "") for field, key in zip(form.names, form._keys, strict=True)
    }
    given = {"is_on": "on", "dataset": "1234567890", "token": "capi-token", **names, **changes}
    return office.post(address, {name: value for name, value in given.items() if value})


def arrive(source: Connection, *, number: str = META_ID, agreed: bool = True) -> Lead:
    """A lead as Meta's API gives it, stored the usual way."""
    found = {**document("meta_lead.json"), "id": number}
    found["field_data"] = [{"name": "email", "values": [f"Alice.{number}@kestrel.example"]}]
    keep(source, json.dumps(found).encode(), "application/json", number, timezone.now())
    pump.run(capture.QUEUE)
    lead: Lead = Lead.objects.order_by("-pk")[0]
    if agreed:
        record_consent(lead.pk, "tracking", granted=True, at=timezone.now())
    return lead


def happens(event: LeadEvent, *, at: datetime | None = None) -> None:
    publish(event, at=at or timezone.now())
    tell()


def tell() -> None:
    pump.run(DELIVERIES)
    pump.run(QUEUE)


def states() -> list[str]:
    return list(FeedbackEvent.objects.order_by("pk").values_list("state", flat=True))


class TestMeta:
    def test_is_told_of_a_lead_and_of_its_qualification_each_once(
        self, meta: MetaServer, source: Connection
    ) -> None:
        lead = arrive(source)
        at = timezone.now()

        for score in (60, 70):
            happens(LeadQualified(lead_id=lead.pk, kind="mql", score=score), at=at)

        arrived, qualified = meta.events
        assert arrived["event_name"] == "Lead"
        assert qualified == {
            "event_name": "Marketing Qualified Lead",
            "event_time": int(at.timestamp()),
            "event_id": f"{META_ID}-mql",
            "action_source": "system_generated",
            "user_data": {"lead_id": int(META_ID)},
            "custom_data": {"event_source": "crm", "lead_event_source": "LeadCRM"},
        }
        assert {path for path, _, _ in meta.told} == {"/v24.0/1234567890/events"}
        assert {token for _, token, _ in meta.told} == {"Bearer capi-token"}
        assert states() == ["sent", "sent"]

    def test_is_told_of_stages_and_sales_that_have_a_name(
        self, meta: MetaServer, source: Connection, office: Client
    ) -> None:
        form = office.get(f"/sources/{source.source.key}/feedback/").context["form"]
        number = form._keys.index("stage:default/sql")
        set_up(office, source, **{f"name_{number}": "Opportunity", "token": ""})
        lead = arrive(source)
        tell()

        pipeline.move_to_stage(lead.pk, to="sql", at=timezone.now())
        pipeline.move_to_stage(lead.pk, to="won", amount=Decimal(0), at=timezone.now())
        tell()

        names = [event["event_name"] for event in meta.events]
        assert names == ["Lead", "Opportunity", "Converted"]

    def test_gets_contact_data_hashed_after_its_rules_where_that_is_wanted(
        self, meta: MetaServer, source: Connection, office: Client
    ) -> None:
        set_up(office, source, sends_contact="on", test_code="TEST123")
        lead = arrive(source)
        Lead.objects.filter(pk=lead.pk).update(phone="+31612345678", last_name="O’Neil")

        tell()

        [event] = meta.events
        email = f"alice.{META_ID}@kestrel.example"
        said = {key: value[0] for key, value in event["user_data"].items() if key != "lead_id"}
        plain = {"em": email, "ph": "31612345678", "ln": "oneil"}
        hashed = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in plain.items()}
        assert said.items() >= hashed.items()
        assert meta.told[0][2]["test_event_code"] == "TEST123"
        assert "kestrel" not in json.dumps(meta.told)

    def test_is_not_told_of_people_who_did_not_agree(
        self, meta: MetaServer, source: Connection, office: Client
    ) -> None:
        lead = arrive(source, agreed=False)
        tell()
        assert (meta.told, states()) == ([], ["not_allowed"])

        AttributionSettings.objects.update_or_create(pk=1, defaults={"conversion_consent": ""})
        office.post(f"/sources/{source.source.key}/feedback/retry/")
        tell()
        assert states() == ["sent"]

        record_consent(lead.pk, "tracking", granted=False, at=timezone.now())
        happens(LeadQualified(lead_id=lead.pk, kind="mql", score=60))
        assert states() == ["sent", "not_allowed"]

    def test_is_not_told_of_what_is_over_a_week_old_nor_of_other_leads(
        self, meta: MetaServer, source: Connection
    ) -> None:
        lead = arrive(source)
        tell()
        FeedbackEvent.objects.update(
            state="waiting", due_at=timezone.now(), at=timezone.now() - timedelta(days=8)
        )
        stranger = LeadFactory()

        pump.run(QUEUE)
        happens(LeadQualified(lead_id=stranger.pk, kind="mql", score=60))
        happens(LeadQualified(lead_id=lead.pk, kind="sql", score=60))  # it has no name

        assert len(meta.told) == 1
        assert states() == ["left_out"]

    def test_is_asked_again_while_it_is_down(self, meta: MetaServer, source: Connection) -> None:
        meta.answers.insert(0, (503, {}))
        arrive(source)
        tell()
        row = FeedbackEvent.objects.get()
        assert (row.state, row.reason) == ("waiting", "Meta says: HTTP 503")
        assert row.due_at is not None
        assert row.due_at > row.created_at

        FeedbackEvent.objects.update(due_at=timezone.now())
        tell()

        assert states() == ["sent"]
        assert len({event["event_id"] for event in meta.events}) == 1

    def test_refuses_one_event_and_the_others_arrive(
        self, meta: MetaServer, source: Connection, office: Client
    ) -> None:
        meta.answers = [REFUSAL, REFUSAL, (200, {})]
        for number in (META_ID, "1958340478236215"):
            arrive(source, number=number)

        tell()

        assert states() == ["failed", "sent"]
        page = office.get(f"/sources/{source.source.key}/feedback/").content.decode()
        assert "Invalid parameter" in page
        assert "Try 1 again" in page
        office.post(f"/sources/{source.source.key}/feedback/retry/")
        tell()
        assert states() == ["sent", "sent"]

    def test_waits_for_a_token_that_a_person_pastes(
        self, meta: MetaServer, source: Connection, office: Client
    ) -> None:
        meta.answers.insert(0, (400, {"error": {"code": 190, "message": "Expired"}}))
        arrive(source)
        tell()
        assert states() == ["no_access"]
        assert Notification.objects.get().title == "Conversions of “Spring ads” are not told"

        set_up(office, source, token="fresh-token")
        tell()

        assert states() == ["sent"]
        assert meta.told[-1][1] == "Bearer fresh-token"

    def test_needs_a_dataset_a_token_and_a_name(self, office: Client) -> None:
        made = connect("meta", secret="app-secret")

        for missing, words in {
            "dataset": "Say which dataset is told.",
            "token": "Paste an access token",
        }.items():
            answer = set_up(office, made, **{missing: ""})
            assert answer.status_code == 422
            assert words in answer.content.decode()

        assert not FeedbackEvent.objects.exists()

    def test_has_a_page_of_its_own_only_among_sources(self, office: Client) -> None:
        other = connect("webhook")

        assert office.get(f"/sources/{other.source.key}/feedback/").status_code == 404


# Google Ads --------------------------------------------------------------------------------------


def sold(*, at: datetime, click: str = "gclid", value: str = "Cj0KCQ-1", **more: Any) -> Lead:
    """A lead that came by an ad two days before, and bought."""
    lead = LeadFactory()
    seen = at - timedelta(days=more.pop("days", 2))
    add_touch(
        lead.pk,
        None,
        channel="paid_search",
        utm={},
        click_ids={click: value},
        referrer="",
        landing_page="",
        at=seen,
    )
    if more.pop("agreed", True):
        record_consent(lead.pk, "tracking", granted=True, at=seen)
    cycle = SalesCycle.objects.create(
        lead=lead,
        number=1,
        pipeline=make_funnel()["won"].pipeline,
        opened_at=seen,
        received_at=seen,
        closed_at=at,
        outcome="won",
        **more,
    )
    for amount in ("1200.50", "99.50"):
        Deal.objects.create(
            lead=lead,
            cycle=cycle,
            name="Rota",
            amount=Decimal(amount),
            currency="EUR",
            state="won",
            closed_at=at,
        )
    return lead


DAY = {"first_day": "2026-11-01", "last_day": "2026-11-30"}
FILE = "/marketing/conversions/file/"


def lines_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(answer.getvalue().decode().splitlines()))


class TestGoogleAds:
    @pytest.fixture(autouse=True)
    def zone(self) -> None:
        make_funnel()
        Workspace.load()
        Workspace.objects.update(time_zone="Europe/Amsterdam")

    at = datetime.fromisoformat("2026-11-10T23:30:00+00:00")

    def test_gets_a_file_with_the_click_the_time_and_what_was_sold(self, office: Client) -> None:
        sold(at=self.at)
        sold(at=self.at, click="gbraid", value="0AAAAA_b-1")

        lines = lines_of(office.get(FILE, DAY))

        assert lines[0] == {
            "Google Click ID": "Cj0KCQ-1",
            "GBRAID": "",
            "WBRAID": "",
            "Conversion Name": "Sale",
            "Conversion Time": "2026-11-11 00:30:00+0100",
            "Conversion Value": "1300.00",
            "Conversion Currency": "EUR",
        }
        assert (lines[1]["Google Click ID"], lines[1]["GBRAID"]) == ("", "0AAAAA_b-1")

    def test_gets_qualifications_under_the_names_it_knows_and_no_formula(
        self, office: Client
    ) -> None:
        sold(at=self.at, mql_at=self.at)
        office.post("/marketing/conversions/", {"mql": "=HYPERLINK(1)", "sql": "", "won": ""})

        lines = lines_of(office.get(FILE, DAY))

        assert [line["Conversion Name"] for line in lines] == ["'=HYPERLINK(1)"]

    def test_is_not_told_of_some_and_the_page_counts_why(self, office: Client) -> None:
        sold(at=self.at)
        sold(at=self.at, agreed=False)
        sold(at=self.at, days=91)
        sold(at=self.at, click="fbclid")
        sold(at=self.at, value="=cmd()")
        scrubbed = sold(at=self.at)
        ClickId.objects.filter(touch__lead=scrubbed).delete()

        answer = office.get("/api/v1/marketing-conversions/", DAY).json()

        assert [row["value"] for row in answer["conversions"]] == ["1300.00"]
        assert {row["reason"]: row["count"] for row in answer["left_out"]} == {
            "no_click": 1,
            "not_agreed": 1,
            "forgotten": 1,
            "old_click": 1,
            "not_a_click": 1,
        }
        page = office.get("/marketing/conversions/", DAY).content.decode()
        assert "Download 1 as CSV" in page
        assert "The click id is no longer kept" in page
        file = office.get("/api/v1/marketing-conversions/", {**DAY, "output": "csv"})
        assert file["Content-Type"] == "text/csv; charset=utf-8"
        assert file.content == office.get(FILE, DAY).getvalue()

    def test_is_told_of_days_of_the_workspace_and_of_three_months_at_most(
        self, office: Client
    ) -> None:
        sold(at=self.at)  # half past midnight of the eleventh there

        tenth = office.get(FILE, {"first_day": "2026-11-10", "last_day": "2026-11-10"})
        eleventh = office.get(FILE, {"first_day": "2026-11-11", "last_day": "2026-11-11"})
        year = office.get(
            "/marketing/conversions/", {"first_day": "2026-01-01", "last_day": "2026-12-31"}
        )

        assert (len(lines_of(tenth)), len(lines_of(eleventh))) == (0, 1)
        assert year.status_code == 422
        assert "At most 92 days at a time." in year.content.decode()
        assert CycleFact.objects.count() == 1
