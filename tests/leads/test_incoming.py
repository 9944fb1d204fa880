"""Leads from other people's programs, through HTTP: what they send, and what becomes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.actions import sources as actions
from leads.models import Activity, Consent, InboxItem, Inquiry, Lead, Touch
from tests.factories import UserFactory
from tests.leads.sources import (
    Sender,
    Use,
    connect,
    document,
    encoded,
    hexed,
    multipart,
    payload,
    secret_of,
    settle_captures,
)

pytestmark = pytest.mark.django_db
SECRET = "whsec-of-the-provider"
Post = Callable[[], Any]


@dataclass
class Case:
    """One provider that proves itself, with a true and a false post of the same lead."""

    sender: Sender
    true: Post
    false: Post


def google() -> Case:
    sender = Sender(connect("google-ads", makes_secret=True))
    body = document("google_ads.json")
    key = secret_of(sender.connection, Use.SIGNING)
    return Case(
        sender,
        lambda: sender.post({**body, "google_key": key}),
        lambda: sender.post({**body, "google_key": "wrong"}),
    )


def signed_by(provider: str, name: str, header: str, sign: Callable[[str, bytes], str]) -> Case:
    sender = Sender(connect(provider, secret=SECRET))
    body = payload(name)
    return Case(
        sender,
        lambda: sender.post(body, **{header: sign(SECRET, body)}),
        lambda: sender.post(body, **{header: sign("another", body)}),
    )


def typeform() -> Case:
    return signed_by(
        "typeform", "typeform.json", "Typeform_Signature", lambda s, b: f"sha256={encoded(s, b)}"
    )


def tally() -> Case:
    return signed_by("tally", "tally.json", "Tally_Signature", encoded)


def with_header(provider: str, body: Any) -> Case:
    sender = Sender(connect(provider, makes_secret=True))
    key = secret_of(sender.connection, Use.SIGNING)
    return Case(
        sender,
        lambda: sender.post(body, X_LeadCRM_Secret=key),
        lambda: sender.post(body),
    )


def gravity() -> Case:
    return with_header("gravity-forms", document("gravity_forms.json"))


def contact_form_7() -> Case:
    return with_header(
        "contact-form-7",
        {
            "your-name": "Alice Archer",
            "your-email": "alice@kestrel.example",
            "your-subject": "Rotas",
            "your-message": "We need rotas for 40 people.",
            "_wpcf7": "12",
        },
    )


def wpforms() -> Case:
    body = {"entry_id": "9", "Name": "Alice Archer", "E-mail": "alice@kestrel.example"}
    return with_header("wpforms", body)


CASES = [google, typeform, tally, gravity, contact_form_7, wpforms]


@pytest.mark.parametrize("make", CASES)
class TestAProviderThatProvesItself:
    def test_makes_a_lead_with_what_was_answered(self, make: Callable[[], Case]) -> None:
        case = make()

        answer = case.true()

        lead = Lead.objects.get()
        assert answer.status_code == 200
        assert (lead.first_name, lead.email) == ("Alice", "alice@kestrel.example")
        assert lead.last_name
        assert case.sender.item().source_id == case.sender.connection.pk
        assert not lead.is_test

    def test_is_kept_in_quarantine_when_the_proof_does_not_fit(
        self, make: Callable[[], Case]
    ) -> None:
        case = make()

        answer = case.false()

        item = case.sender.item()
        assert answer.status_code == 401
        assert "waits for a person" in answer.json()["detail"]
        assert (item.state, item.reason_code) == ("quarantined", "bad_signature")
        assert not Lead.objects.exists()

    def test_is_one_inquiry_however_often_it_is_sent(self, make: Callable[[], Case]) -> None:
        case = make()

        answers = [case.true() for _ in range(3)]

        assert {answer.status_code for answer in answers} == {200}
        assert Inquiry.objects.count() == 1

    def test_is_let_through_after_a_false_one_of_the_same_event(
        self, make: Callable[[], Case]
    ) -> None:
        case = make()
        case.false()

        answer = case.true()

        assert answer.status_code == 200
        assert Inquiry.objects.count() == 1


class TestReleasing:
    def test_lets_through_what_a_secret_pasted_wrongly_kept(self, client: Client) -> None:
        case = google()
        case.false()
        client.force_login(UserFactory(role="marketer"))

        client.post(f"/inbox/{case.sender.item().receipt_id}/release/")
        settle_captures()

        assert Lead.objects.get().email == "alice@kestrel.example"
        assert case.sender.item().state == "applied"


class TestGoogleAds:
    def test_keeps_the_click_and_every_answer(self) -> None:
        case = google()

        case.true()

        inquiry, touch, lead = Inquiry.objects.get(), Touch.objects.get(), Lead.objects.get()
        assert list(touch.click_ids) == ["gclid"]
        assert touch.channel == "paid_search"
        assert inquiry.fields["user_column_data[which_product?]"] == "Pro"
        assert "google_key" not in inquiry.fields
        assert (lead.phone, lead.city) == ("+16505550123", "Mountain View")

    def test_takes_its_test_for_a_test(self) -> None:
        case = google()
        key = secret_of(case.sender.connection, Use.SIGNING)

        case.sender.post({**document("google_ads.json"), "google_key": key, "is_test": True})

        assert Lead.objects.get().is_test
        assert case.sender.item().is_test

    def test_answers_an_empty_object(self) -> None:
        assert google().true().json() == {}

    def test_says_what_is_wrong_where_google_shows_it(self) -> None:
        assert "key" in google().false().json()["message"]

    def test_keeps_an_event_that_comes_again_in_other_words(self) -> None:
        case = google()
        case.true()
        key = secret_of(case.sender.connection, Use.SIGNING)

        answer = case.sender.post(
            {**document("google_ads.json"), "google_key": key, "campaign_id": 1}
        )

        assert answer.status_code == 200
        assert case.sender.item().reason_code == "repeated"
        assert Inquiry.objects.count() == 1


class TestTypeform:
    def test_reads_answers_by_their_questions_and_hidden_fields_as_tags(self) -> None:
        typeform().true()

        inquiry, touch, lead = Inquiry.objects.get(), Touch.objects.get(), Lead.objects.get()
        assert inquiry.fields["What matters?"] == ["Speed", "Price"]
        assert (touch.utm_source, touch.utm_campaign) == ("google", "rota")
        assert lead.company_size == 50
        assert inquiry.context["form_name"] == "Demo request"

    def test_waits_for_the_finished_answers(self) -> None:
        sender = Sender(connect("typeform"))

        sender.post({**document("typeform.json"), "event_type": "form_response_partial"})
        sender.post(document("typeform.json"))

        assert (sender.items("rejected"), sender.items("applied")) == (1, 1)


class TestTally:
    def test_puts_choices_into_words_once(self) -> None:
        tally().true()

        fields, lead = Inquiry.objects.get().fields, Lead.objects.get()
        assert fields["Interests"] == ["Rotas", "Payroll"]
        assert "Interests (Rotas)" not in fields
        assert lead.country == "DE"
        assert Touch.objects.get().utm_source == "newsletter"


class TestJotform:
    def test_reads_the_raw_request_and_never_the_pretty_one(self) -> None:
        sender = Sender(connect("jotform"))
        raw = {
            "slug": "submit/1",
            "q3_name": {"first": "Alice", "last": "Archer"},
            "q4_email": "alice@kestrel.example",
            "q5_phoneNumber": {"full": "+16505550123"},
            "q6_companyName": "Kestrel",
        }
        fields = {
            "formID": "1",
            "submissionID": "5093",
            "formTitle": "Demo",
            "pretty": "Name:Mallory, Email:x@y",
            "rawRequest": json.dumps(raw),
        }
        body, content_type = multipart(fields)

        answers = [sender.post(body, content_type=content_type) for _ in range(2)]

        lead = Lead.objects.get()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (lead.first_name, lead.last_name) == ("Alice", "Archer")
        assert (lead.phone, lead.company_name) == ("+16505550123", "Kestrel")
        assert Inquiry.objects.count() == 1


class TestGravityForms:
    def test_tells_a_name_from_an_address_by_its_parts(self) -> None:
        gravity().true()

        lead, touch = Lead.objects.get(), Touch.objects.get()
        assert (lead.first_name, lead.last_name) == ("Alice", "Archer")
        assert (lead.city, lead.region, lead.country) == ("Berlin", "BE", "DE")
        assert touch.utm_source == "bing"


class TestHubSpotCompatible:
    @pytest.mark.parametrize("provider", ["hubspot", "webhook"])
    def test_understands_fields_context_and_consent(self, provider: str) -> None:
        sender = Sender(connect(provider))

        answer = sender.post(payload("hubspot.json"))

        lead, consent = Lead.objects.get(), Consent.objects.get()
        assert answer.status_code in {200, 202}
        assert (lead.first_name, lead.job_title) == ("Alice", "COO")
        assert (consent.purpose, consent.wording) == ("marketing_email", "Send me tips")
        assert Touch.objects.get().utm_medium == "cpc"
        assert Inquiry.objects.get().context["hutk"] == "60c2ccdfe4892f0fa0593940b12c11aa"

    def test_answers_as_hubspot_does_to_the_scripts_of_its_sites(self) -> None:
        connection = connect("hubspot")
        connection.allowed_hosts = ["www.marlow.example"]
        connection.save()
        sender = Sender(connection)

        answer = sender.post(payload("hubspot.json"), Origin="https://www.marlow.example")
        other = sender.post(payload("hubspot.json"), Origin="https://elsewhere.example")

        assert answer.json() == {"inlineMessage": "Thank you. We will be in touch."}
        assert answer["Access-Control-Allow-Origin"] == "https://www.marlow.example"
        assert "Access-Control-Allow-Origin" not in other


class TestSalesforceCompatible:
    FORM = "application/x-www-form-urlencoded"

    def sender(self, *hosts: str, provider: str = "salesforce") -> Sender:
        connection = connect(provider)
        connection.allowed_hosts = list(hosts)
        connection.save()
        return Sender(connection, content_type=self.FORM)

    def test_understands_its_names_and_own_fields(self) -> None:
        sender = self.sender(provider="webhook")

        sender.post(payload("salesforce.txt"))

        lead, fields = Lead.objects.get(), Inquiry.objects.get().fields
        assert (lead.first_name, lead.last_name, lead.job_title) == ("Alice", "Döe", "CTO")
        assert (lead.company_name, lead.company_size, lead.region) == ("Kestrel", 50, "BE")
        assert (lead.website, lead.city) == ("https://kestrel.example", "Berlin")
        assert fields["00N000000012345"] == "teal"
        assert "debugEmail" not in fields

    def test_sends_visitors_back_where_the_source_allows(self) -> None:
        answer = self.sender("www.marlow.example").post(payload("salesforce.txt"))

        assert answer.status_code == 302
        assert answer["Location"] == "https://www.marlow.example/thanks"

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example",
            "https:evil.example",
            "/\\evil.example",
            "https://www.marlow.example@evil.example/",
            "javascript:alert(1)",
            "https://www.marlow.example.evil.example/",
        ],
    )
    def test_thanks_them_itself_otherwise(self, target: str) -> None:
        body = f"oid=1&email=alice%40kestrel.example&retURL={target}".encode()

        answer = self.sender("www.marlow.example").post(body)

        assert answer.status_code == 200
        assert b"Thank you" in answer.content
        assert Lead.objects.exists()


class TestWebhook:
    def test_finds_the_person_in_nested_json(self) -> None:
        sender = Sender(connect("webhook"))
        body = {
            "event": {"name": "signup"},
            "data": {
                "user": {"email": "alice@kestrel.example", "full_name": "Alice Archer"},
                "company": {"name": "Kestrel"},
                "plan": {"title": "Pro"},
                "answers": [{"text": "40 people"}, {"text": "Berlin"}],
            },
        }

        answer = sender.post(body)

        lead, inquiry = Lead.objects.get(), Inquiry.objects.get()
        assert answer.status_code == 202
        assert answer.json()["receipt_id"] == str(sender.item().receipt_id)
        assert (lead.first_name, lead.company_name) == ("Alice", "Kestrel")
        assert lead.job_title == ""
        assert inquiry.fields["data.answers[1].text"] == "Berlin"

    def test_finds_an_address_whatever_it_is_called(self) -> None:
        Sender(connect("webhook")).post({"q1": "alice@kestrel.example", "q2": "Rotas"})

        assert Lead.objects.get().email == "alice@kestrel.example"

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b'{"email":"alice@kestrel.example","name":"Alice Archer"}', "text/plain"),
            (b"\xef\xbb\xbf" + b'{"email":"alice@kestrel.example","name":"Alice Archer"}', ""),
            (
                "email=alice%40kestrel.example&name=Alice+Archer".encode("utf-16"),
                "application/x-www-form-urlencoded; charset=utf-16",
            ),
            multipart({"email": "alice@kestrel.example", "name": "Alice Archer"}),
        ],
        ids=["text", "with a mark", "utf-16", "multipart"],
    )
    def test_takes_every_usual_format(self, body: bytes, content_type: str) -> None:
        Sender(connect("webhook")).post(body, content_type=content_type or "application/json")

        assert Lead.objects.get().last_name == "Archer"

    def test_leaves_files_out_and_says_so(self) -> None:
        body, content_type = multipart({"email": "alice@kestrel.example"})
        file = (
            b'--xXx\r\nContent-Disposition: form-data; name="cv"; filename="a.pdf"\r\n\r\n%PDF\r\n'
        )

        Sender(connect("webhook")).post(file + body, content_type=content_type)

        assert "“cv”" in Inquiry.objects.get().context["notes"][0]

    def test_makes_a_capture_of_each_lead_in_a_list(self) -> None:
        sender = Sender(connect("webhook"))

        sender.post(
            [{"email": f"{name}@kestrel.example"} for name in ("alice", "bob")] + [{"x": 1}]
        )

        assert Lead.objects.count() == 2
        states = [sender.items(state) for state in ("applied", "needs_review", "rejected")]
        assert states == [2, 1, 1]

    def test_marks_what_comes_in_test_mode(self) -> None:
        connection = connect("webhook")
        connection.is_test = True
        connection.save()

        Sender(connection).post({"email": "alice@kestrel.example"})

        assert Lead.objects.get().is_test
        assert Inquiry.objects.get().is_test

    def test_is_stored_once_for_the_same_bytes_within_minutes(self) -> None:
        sender = Sender(connect("webhook"))

        first, second = (sender.post({"email": "alice@kestrel.example"}) for _ in range(2))

        assert first.json()["receipt_id"] == second.json()["receipt_id"]
        assert Activity.objects.filter(type="form_submit").count() == 1

    def test_knows_events_by_their_header(self) -> None:
        sender = Sender(connect("webhook"))

        for name in ("Alice", "Alicia"):
            body = {"email": "alice@kestrel.example", "name": name}
            sender.post(body, Idempotency_Key="event-1")

        assert Inquiry.objects.count() == 1
        assert sender.items() == 2


class TestAddress:
    def test_is_unknown_to_everybody_without_its_key(self, client: Client) -> None:
        answer = client.post("/in/guess/", b"{}", content_type="application/json")

        assert answer.status_code == 404
        assert not InboxItem.objects.exists()

    def test_may_name_its_provider_but_no_other(self) -> None:
        sender = Sender(connect("tally"))
        key = secret_of(sender.connection, Use.ADDRESS)

        right = sender.client.post(f"/in/tally/{key}/", b"{}", content_type="application/json")
        wrong = sender.client.post(f"/in/meta/{key}/", b"{}", content_type="application/json")

        assert (right.status_code, wrong.status_code) == (200, 404)

    def test_lives_on_for_a_week_after_it_was_changed(self) -> None:
        sender = Sender(connect("webhook"))
        former, now = sender.address, timezone.now()

        actions.rotate_address(sender.connection, at=now)
        kept = sender.client.post(former, b'{"email":"a@x.example"}', content_type="text/plain")
        sender.connection.secrets.filter(expires_at__isnull=False).update(
            expires_at=now - timedelta(seconds=1)
        )
        gone = sender.client.post(former, b"{}", content_type="text/plain")

        assert sender.address != former
        assert (kept.status_code, gone.status_code) == (202, 404)
        assert sender.post({"email": "b@x.example"}).status_code == 202

    def test_holds_what_comes_while_the_source_is_off_and_goes_on_after(self) -> None:
        sender = Sender(connect("webhook"))
        actions.switch(sender.connection, on=False)

        answer = sender.post({"email": "alice@kestrel.example"})
        held = sender.item().reason_code
        actions.switch(sender.connection, on=True)
        settle_captures()

        assert (answer.status_code, held) == (202, "source_off")
        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_keeps_its_key_out_of_what_is_stored(self) -> None:
        sender = Sender(connect("webhook"))

        sender.post({"email": "alice@kestrel.example"})

        assert secret_of(sender.connection, Use.ADDRESS) not in sender.item().path


HOSTILE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"[[[1]]]",
    b'"text"',
    b"\xff\xfe",
    b"\x00\x01\x02",
    b'{"email": NaN}',
    b'{"email": "\\u0000\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"user_column_data": "x", "entry": 1, "data": [], "form_response": 7, "fields": {"a": 1}}',
    b'{"user_column_data": [1, null], "entry": [1], "data": {"fields": [1]}, "answers": [[1]]}',
    b'{"form_response": {"answers": [{"type": 1, "field": []}], "definition": {"fields": {}}}}',
    b'{"data": {"fields": [{"key": [], "value": {"a": {"b": 1}}, "options": [1]}]}}',
    b'{"rawRequest": "{", "field_data": {"a": 1}, "response": 3, "leadGenFormResponse": []}',
    b'{"fields": [{"name": {}, "value": []}], "legalConsentOptions": {"consent": 1}}',
    b'{"submittedAt": 1e400, "fields": [{"name": "a", "value": 1}]}',
    b"a=%00&email=%FF&" + b"&".join(b"f%d=1" % n for n in range(5000)),
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nalice@x.example',
    b"From: \xff\xfe\r\nSubject: =?x?q?=?=\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--",
]
# The others read what “webhook” reads.
READING_THEIR_OWN_WAY = [
    "webhook",
    "google-ads",
    "meta",
    "linkedin",
    "typeform",
    "tally",
    "jotform",
    "gravity-forms",
    "email",
]


class TestHostileBodies:
    @pytest.mark.parametrize("provider", READING_THEIR_OWN_WAY)
    def test_are_stored_and_never_break_anything(self, provider: str) -> None:
        sender = Sender(connect(provider, secret=SECRET))
        types = [
            "application/json",
            "multipart/form-data; boundary=x",
            "nonsense",
            "message/rfc822",
        ]

        for number, body in enumerate(HOSTILE):
            trusted = {
                "X_LeadCRM_Secret": SECRET,
                "X_Hub_Signature_256": f"sha256={hexed(SECRET, body)}",
                "X_LI_Signature": hexed(SECRET, b"hmacsha256=" + body),
                "Typeform_Signature": f"sha256={encoded(SECRET, body)}",
                "Tally_Signature": encoded(SECRET, body),
            }
            kind = types[number % len(types)]
            answer = sender.post(body, content_type=kind, settle=False, **trusted)
            assert answer.status_code < 500, body[:100]
        settle_captures()
        settled = InboxItem.objects.exclude(state__in=["received", "failed"])

        assert settled.count() == InboxItem.objects.count() > 15
        assert not settled.filter(state__in=["needs_review", "quarantined"], reason="").exists()
