"""Leads that are named only: fetched over HTTP from a small server that plays Meta and LinkedIn."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from leads.actions import sources as actions
from leads.models import InboxItem, Inquiry, Lead, Poll, RemoteLead, Touch
from leads.providers import provider_of
from leads.providers.meta import verify_token
from tests.leads.sources import Sender, Use, connect, document, hexed, payload, settle_captures

pytestmark = pytest.mark.django_db
SECRET = "app-secret-of-the-provider"
TOKEN = "page-token"
FIRST, SECOND = "1958340478236214", "1958340478236215"


class Provider:
    """Answers by path; what was asked is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                provider.asked.append((parts.path, query, self.headers["Authorization"] or ""))
                key = parts.path + (f"?after={query['after'][0]}" if "after" in query else "")
                status, body = provider.answers.get(key, (404, {"error": {"message": "No."}}))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def graph(settings: Any) -> Iterator[Provider]:
    provider = Provider()
    settings.META_GRAPH_URL = settings.LINKEDIN_API_URL = provider.url
    settings.META_GRAPH_VERSION = "v24.0"
    yield provider
    provider.close()


def lead(number: str, email: str, **more: Any) -> dict[str, Any]:
    found = {**document("meta_lead.json"), "id": number, **more}
    found["field_data"] = [each for each in found["field_data"] if each["name"] != "email"] + [
        {"name": "email", "values": [email]}
    ]
    return found


def meta(*, access: str = TOKEN, **more: Any) -> Sender:
    return Sender(connect("meta", secret=SECRET, access=access, **more))


def notify(sender: Sender, body: bytes = b"") -> Any:
    body = body or payload("meta_notice.json")
    return sender.post(body, X_Hub_Signature_256=f"sha256={hexed(SECRET, body)}")


class TestMetaNotices:
    def test_answer_the_challenge_only_with_the_right_token(self) -> None:
        sender = meta()
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}

        right = sender.client.get(
            sender.address, {**asked, "hub.verify_token": verify_token(sender.connection)}
        )
        wrong = sender.client.get(sender.address, {**asked, "hub.verify_token": "guess"})

        assert (right.status_code, right.content) == (200, b"1158201444")
        assert right["Content-Type"].startswith("text/plain")
        assert wrong.status_code == 403

    def test_become_one_lead_for_each_id(self, graph: Provider) -> None:
        graph.answers[f"/v24.0/{FIRST}"] = (200, lead(FIRST, "alice@kestrel.example"))
        graph.answers[f"/v24.0/{SECOND}"] = (200, lead(SECOND, "bob@kestrel.example"))

        answer = notify(meta())

        assert answer.status_code == 200
        assert set(Lead.objects.values_list("email", flat=True)) == {
            "alice@kestrel.example",
            "bob@kestrel.example",
        }
        inquiry = Inquiry.objects.order_by("pk")[0]
        assert inquiry.fields["field_data[what_is_your_budget?]"] == "10k-50k"
        assert Touch.objects.filter(utm_campaign="summer_rota", channel="paid_social").count() == 2
        assert {authorization for _, _, authorization in graph.asked} == {f"Bearer {TOKEN}"}
        assert all("appsecret_proof" in query for _, query, _ in graph.asked)

    def test_sent_again_fetch_nothing_again(self, graph: Provider) -> None:
        graph.answers[f"/v24.0/{FIRST}"] = (200, lead(FIRST, "alice@kestrel.example"))
        graph.answers[f"/v24.0/{SECOND}"] = (200, lead(SECOND, "bob@kestrel.example"))
        sender = meta()

        for _ in range(3):
            notify(sender)
        notify(sender, payload("meta_notice.json") + b" ")

        assert len(graph.asked) == 2
        assert Inquiry.objects.count() == 2

    def test_with_a_wrong_signature_fetch_nothing(self, graph: Provider) -> None:
        sender = meta()

        answer = sender.post(payload("meta_notice.json"), X_Hub_Signature_256="sha256=00")

        assert answer.status_code == 401
        assert sender.item().state == "quarantined"
        assert graph.asked == []

    def test_about_other_things_are_kept_as_such(self) -> None:
        sender = meta()

        notify(sender, b'{"object":"page","entry":[{"changes":[{"field":"feed","value":{}}]}]}')

        assert sender.item().reason_code == "names_no_lead"

    def test_of_metas_testing_tool_count_nowhere(self, graph: Provider) -> None:
        dummy = lead(FIRST, "test@meta.example")
        dummy["field_data"][0]["values"] = ["<test lead: dummy data for full_name>"]
        graph.answers[f"/v24.0/{FIRST}"] = (200, dummy)

        notify(meta())

        assert Lead.objects.get().is_test


class TestFetching:
    def test_goes_on_with_the_others_when_one_cannot_be_understood(self, graph: Provider) -> None:
        graph.answers[f"/v24.0/{FIRST}"] = (200, {"id": FIRST, "field_data": "nonsense"})
        graph.answers[f"/v24.0/{SECOND}"] = (200, lead(SECOND, "bob@kestrel.example"))
        sender = meta()

        notify(sender)

        assert Lead.objects.get().email == "bob@kestrel.example"
        assert sender.items("needs_review") == 1

    def test_waits_visibly_for_access_and_goes_on_with_a_new_token(self, graph: Provider) -> None:
        expired = {"error": {"message": "Session has expired.", "code": 190}}
        graph.answers[f"/v24.0/{FIRST}"] = graph.answers[f"/v24.0/{SECOND}"] = (400, expired)
        sender = meta()

        notify(sender)
        before = set(RemoteLead.objects.values_list("state", flat=True))
        reason = RemoteLead.objects.order_by("pk")[0].reason
        graph.answers[f"/v24.0/{FIRST}"] = (200, lead(FIRST, "alice@kestrel.example"))
        graph.answers[f"/v24.0/{SECOND}"] = (200, lead(SECOND, "bob@kestrel.example"))
        actions.add_secret(sender.connection, Use.ACCESS, "new-token")
        actions.fetch_again(sender.connection)
        settle_captures()

        assert before == {"no_access"}
        assert "Session has expired." in reason
        assert Lead.objects.count() == 2

    def test_tries_again_later_after_trouble_that_passes(self, graph: Provider) -> None:
        graph.answers[f"/v24.0/{FIRST}"] = (500, {"error": {"message": "Sorry.", "code": 2}})
        limited = {"error": {"message": "Too many calls.", "code": 4}}
        graph.answers[f"/v24.0/{SECOND}"] = (400, limited)

        notify(meta())

        rows = RemoteLead.objects.order_by("external_id")
        assert [row.state for row in rows] == ["waiting", "waiting"]
        assert all(row.due_at for row in rows)
        assert rows[1].due_at > rows[0].due_at

    def test_says_when_a_lead_is_no_longer_there(self, graph: Provider) -> None:
        gone = {"error": {"message": "Does not exist.", "code": 100, "error_subcode": 33}}
        graph.answers[f"/v24.0/{FIRST}"] = graph.answers[f"/v24.0/{SECOND}"] = (400, gone)

        notify(meta())

        assert set(RemoteLead.objects.values_list("state", flat=True)) == {"gone"}

    def test_says_when_there_is_no_token_yet(self) -> None:
        notify(meta(access=""))

        assert "no access token" in RemoteLead.objects.order_by("pk")[0].reason


class TestLookingForMissedLeads:
    FORM = "793235552669212"

    def sender(self) -> Sender:
        return meta(options={"form_ids": self.FORM}, places=[self.FORM])

    def pages(self, graph: Provider) -> None:
        path = f"/v24.0/{self.FORM}/leads"
        paging = {"cursors": {"after": "MTAx"}, "next": "https://graph.example/next"}
        newest = lead("3", "charlie@kestrel.example", created_time="2026-11-20T10:00:00+0000")
        odd = {"id": "2", "created_time": "2026-11-19T10:00:00+0000", "field_data": []}
        oldest = lead(FIRST, "alice@kestrel.example", created_time="2026-11-18T10:00:00+0000")
        graph.answers[path] = (200, {"data": [newest, odd], "paging": paging})
        graph.answers[f"{path}?after=MTAx"] = (200, {"data": [oldest], "paging": {"cursors": {}}})

    def test_stores_every_page_once_and_remembers_how_far(self, graph: Provider) -> None:
        self.pages(graph)
        sender = self.sender()

        settle_captures()
        actions.poll_now(sender.connection)
        settle_captures()

        poll = Poll.objects.get()
        assert Lead.objects.count() == 2
        assert sender.items() == 3
        assert poll.checkpoint == {"created": "2026-11-20T10:00:00+00:00"}
        assert poll.found == 3
        since = json.loads(graph.asked[-1][1]["filtering"][0])[0]["value"]
        assert since == 1795082400  # a day before the newest that is stored

    def test_moves_on_only_when_all_pages_are_stored(self, graph: Provider) -> None:
        self.pages(graph)
        graph.answers[f"/v24.0/{self.FORM}/leads?after=MTAx"] = (500, {"error": {"code": 1}})

        self.sender()
        settle_captures()

        poll = Poll.objects.get()
        assert poll.checkpoint == {}
        assert "Meta says" in poll.problem
        assert InboxItem.objects.count() == 2

    def test_knows_leads_that_a_notice_brought(self, graph: Provider) -> None:
        self.pages(graph)
        graph.answers[f"/v24.0/{FIRST}"] = (200, lead(FIRST, "alice@kestrel.example"))
        sender = self.sender()

        notify(sender)

        assert Inquiry.objects.filter(lead__email="alice@kestrel.example").count() == 1


class TestLookingForMissedLeadsAtLinkedIn:
    LISTED = "/rest/leadFormResponses"
    OPTIONS = {"owners": "Account 522529623\norganization urn:li:organization:77\nnonsense"}
    PLACES = ["account 522529623", "organization 77"]

    def sender(self, places: list[str]) -> Sender:
        more = {"options": self.OPTIONS, "places": places}
        return Sender(connect("linkedin", secret=SECRET, access=TOKEN, **more))

    def stamp(self, moment: datetime) -> int:
        return int(moment.timestamp() * 1000)

    def test_goes_through_each_account_and_page_that_is_named(self) -> None:
        connection = connect("linkedin", secret=SECRET, options=self.OPTIONS)

        assert provider_of(connection).places(connection) == self.PLACES

    def test_stores_each_response_with_the_words_of_its_form_once(self, graph: Provider) -> None:
        sent = timezone.now().replace(microsecond=0) - timedelta(days=2)
        first = {**document("linkedin_response.json"), "submittedAt": self.stamp(sent)}
        graph.answers[self.LISTED] = (200, {"elements": [first, {**first, "id": "second"}]})
        graph.answers["/rest/leadForms/3162"] = (200, document("linkedin_form.json"))
        sender = self.sender(self.PLACES[:1])

        settle_captures()
        actions.poll_now(sender.connection)
        settle_captures()

        poll = Poll.objects.get()
        forms = [path for path, _, _ in graph.asked if path.startswith("/rest/leadForms/")]
        asked = graph.asked[-2][1]
        assert sender.items("applied") == 2
        assert poll.found == 2
        assert len(forms) == 2  # once in each run
        assert poll.checkpoint == {"submitted": sent.isoformat()}
        day_before = self.stamp(sent - timedelta(days=1))
        assert asked["submittedAtTimeRange"] == [f"(start:{day_before})"]
        assert asked["owner"] == ["(sponsoredAccount:urn:li:sponsoredAccount:522529623)"]

    def test_moves_on_only_when_everything_is_stored(self, graph: Provider) -> None:
        first = document("linkedin_response.json")
        graph.answers[self.LISTED] = (200, {"elements": [first]})
        graph.answers["/rest/leadForms/3162"] = (429, {"message": "Slow down."})

        self.sender(self.PLACES[:1])
        settle_captures()

        poll = Poll.objects.get()
        assert poll.checkpoint == {}
        assert "Slow down." in poll.problem

    def test_knows_leads_that_a_notice_brought(self, graph: Provider) -> None:
        first = document("linkedin_response.json")
        graph.answers[f"{self.LISTED}/70f5f4e4-3"] = (200, first)
        graph.answers[self.LISTED] = (200, {"elements": [first]})
        graph.answers["/rest/leadForms/3162"] = (200, document("linkedin_form.json"))
        sender = self.sender(self.PLACES[:1])

        body = payload("linkedin_notice.json")
        sender.post(body, X_LI_Signature=hexed(SECRET, b"hmacsha256=" + body))

        assert Inquiry.objects.count() == 1

    def test_asks_another_client_where_settings_name_one(self, settings: Any) -> None:
        settings.LINKEDIN_CLIENT = "tests.leads.test_fetching.Elsewhere"

        self.sender(self.PLACES[:1])
        settle_captures()

        assert Lead.objects.get().email == "alice@kestrel.example"


class Elsewhere:
    """Answers from a drawer."""

    def __init__(self, token: str) -> None:
        assert token == TOKEN

    def form(self, form_id: str) -> Any:
        return document("linkedin_form.json")

    def leads(self, owner: str, number: str, *, since: int) -> Iterator[Any]:
        yield document("linkedin_response.json")


class TestNotices:
    def test_count_as_no_lead(self, graph: Provider) -> None:
        graph.answers[f"/v24.0/{FIRST}"] = (200, lead(FIRST, "alice@kestrel.example"))
        graph.answers[f"/v24.0/{SECOND}"] = (200, lead(SECOND, "bob@kestrel.example"))
        sender = meta()

        notify(sender)

        notice = InboxItem.objects.get(reason_code="announced")
        assert notice.state == "rejected"
        assert sender.items("applied") == Lead.objects.count() == 2


class TestLinkedIn:
    def sender(self) -> Sender:
        return Sender(connect("linkedin", secret=SECRET, access=TOKEN))

    def notify(self, sender: Sender, body: bytes) -> Any:
        return sender.post(body, X_LI_Signature=hexed(SECRET, b"hmacsha256=" + body))

    def test_answers_its_challenge(self) -> None:
        sender = self.sender()

        answer = sender.client.get(sender.address, {"challengeCode": "890e4665-4dfe"})

        assert answer.json() == {
            "challengeCode": "890e4665-4dfe",
            "challengeResponse": hexed(SECRET, b"890e4665-4dfe"),
        }

    def test_fetches_the_answers_and_the_words_of_the_form(self, graph: Provider) -> None:
        graph.answers["/rest/leadFormResponses/70f5f4e4-3"] = (
            200,
            document("linkedin_response.json"),
        )
        graph.answers["/rest/leadForms/3162"] = (200, document("linkedin_form.json"))

        answer = self.notify(self.sender(), payload("linkedin_notice.json"))

        found = Lead.objects.get()
        assert answer.status_code == 200
        assert (found.first_name, found.last_name) == ("Alice", "Archer")
        assert found.email == "alice@kestrel.example"
        assert Inquiry.objects.get().fields["How many sites?"] == ["Two to five"]

    def test_refuses_another_signature(self, graph: Provider) -> None:
        sender = self.sender()

        answer = sender.post(payload("linkedin_notice.json"), X_LI_Signature="00")

        assert answer.status_code == 401
        assert sender.item().state == "quarantined"

    def test_shows_a_lead_that_its_member_withdrew(self) -> None:
        sender = self.sender()
        body = json.dumps({**document("linkedin_notice.json"), "leadAction": "DELETED"}).encode()

        self.notify(sender, body)

        assert (sender.item().state, sender.item().reason_code) == ("needs_review", "erase")
