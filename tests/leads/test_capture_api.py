"""The capture API, through HTTP: what a website's server sends and what becomes of it."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client

from leadcrm.accounts.actions import create_api_key, revoke_api_key
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads.actions import delete_lead
from leads.models import (
    Activity,
    ClickId,
    Consent,
    InboxItem,
    Inquiry,
    Lead,
    MarketingCampaign,
    Touch,
)
from tests.factories import NOON, LeadFactory, SourceFactory, UserFactory, make_form
from tests.leads.clock import next_minute

pytestmark = pytest.mark.django_db
CAPTURE = "/api/v1/capture/"


class Sender:
    """A program with a key."""

    def __init__(self, *scopes: str, **key: Any) -> None:
        made = create_api_key(name="Website", scopes=scopes or ("capture:write",), **key)
        self.key, self.plain = made.key, made.plain
        self.client = Client(raise_request_exception=False)

    def post(self, body: Any, *, content_type: str = "application/json", **headers: str) -> Any:
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.client.post(
            CAPTURE, raw, content_type=content_type, headers=self.headers(**headers)
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=self.headers(**headers))

    def headers(self, **more: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {self.plain}", **named}

    def capture(self, email: str = "alice@kestrel.example", **envelope: Any) -> InboxItem:
        """Post one capture and deliver everything; return the settled item."""
        fields = {"email": email, **envelope.pop("fields", {})}
        answer = self.post({"fields": fields, **envelope})
        assert answer.status_code == 202, answer.json()
        pump.run_all()
        return InboxItem.objects.get(receipt_id=answer.json()["receipt_id"])


@pytest.fixture
def sender() -> Sender:
    return Sender()


class TestCapture:
    def test_makes_a_lead_and_says_so_at_the_receipt(self, sender: Sender) -> None:
        answer = sender.post(
            {
                "fields": {
                    "email": "Alice@Kestrel.example",
                    "name": "Alice van den Berg",
                    "company": "Kestrel Logistics",
                    "country": "Germany",
                    "phone": "030 1234567",
                    "team size": "30 to 199",
                    "favourite colour": "teal",
                }
            }
        )
        pump.run_all()

        receipt = answer.json()
        status = sender.get(receipt["status_url"]).json()
        lead = Lead.objects.get()
        assert answer.status_code == 202
        assert status == {
            "receipt_id": receipt["receipt_id"],
            "state": "applied",
            "lead": lead.public_id,
            "reason": "",
        }
        assert (lead.first_name, lead.last_name) == ("Alice", "van den Berg")
        assert (lead.country, lead.phone, lead.company_size) == ("DE", "+49301234567", 30)
        assert lead.company is not None
        assert lead.company.domain == "kestrel.example"
        assert Inquiry.objects.get().fields["favourite colour"] == "teal"

    def test_tells_the_other_apps_once(self, sender: Sender) -> None:
        item = sender.capture()

        event = DomainEvent.objects.get(name="lead.captured")
        assert event.payload == {
            "lead_id": item.lead_id,
            "inquiry_id": Inquiry.objects.get().pk,
            "is_new": True,
        }
        assert Activity.objects.filter(type="form_submit").count() == 1

    def test_the_second_post_of_one_person_adds_an_inquiry(self, sender: Sender) -> None:
        first = sender.capture("alice@kestrel.example", fields={"first_name": "Alice"})

        second = sender.capture("ALICE@Kestrel.Example", fields={"message": "Still interested"})

        assert Lead.objects.count() == 1
        assert first.lead_id == second.lead_id
        assert Inquiry.objects.filter(lead_id=first.lead_id).count() == 2
        assert DomainEvent.objects.filter(name="lead.captured", payload__is_new=False).exists()

    def test_fills_only_what_is_empty_and_keeps_what_differs(self, sender: Sender) -> None:
        lead = LeadFactory(email="alice@kestrel.example", first_name="Alice", job_title="")

        sender.capture(
            "alice@kestrel.example", fields={"first_name": "Alicia", "job_title": "Planner"}
        )

        lead.refresh_from_db()
        assert (lead.first_name, lead.job_title) == ("Alice", "Planner")
        assert Inquiry.objects.get().context["conflicts"] == {"first_name": "Alicia"}

    def test_a_shared_phone_number_is_only_a_hint(self, sender: Sender) -> None:
        sender.capture("alice@kestrel.example", fields={"phone": "+31201234567"})

        sender.capture("bob@kestrel.example", fields={"phone": "+31201234567"})

        alice = Lead.objects.get(email="alice@kestrel.example")
        inquiry = Inquiry.objects.get(lead__email="bob@kestrel.example")
        assert inquiry.context["same_phone"] == [alice.public_id]

    def test_stores_where_the_person_came_from(self, sender: Sender) -> None:
        sender.capture(
            context={
                "page_url": "https://marlow.example/demo?mtm_campaign=spring&utm_source=google"
                "&utm_medium=cpc&gclid=abc",
                "referrer": "https://www.google.com/search?q=private",
                "utm_term": "shift planning",
            }
        )

        touch = Touch.objects.get()
        assert touch.channel == "paid_search"
        assert (touch.utm_source, touch.utm_campaign) == ("google", "spring")
        assert touch.utm_term == "shift planning"
        assert touch.click_ids == ["gclid"]
        assert ClickId.objects.get(touch=touch).value == "abc"
        assert touch.referrer == "https://www.google.com/search"
        assert touch.landing_page == "https://marlow.example/demo"
        assert touch.campaign == MarketingCampaign.objects.get(utm_campaign="spring")

    def test_stores_consent_with_the_words_that_were_shown(self, sender: Sender) -> None:
        sender.capture(
            consent={"marketing_email": {"granted": True, "wording": "Yes, write to me."}}
        )

        receipt = Consent.objects.get()
        assert (receipt.purpose, receipt.granted) == ("marketing_email", True)
        assert receipt.wording == "Yes, write to me."
        assert receipt.wording_hash
        assert receipt.remote_address == "127.0.0.0"

    def test_a_later_no_withdraws_an_earlier_yes(self, sender: Sender) -> None:
        sender.capture(consent={"marketing_email": True})

        sender.capture(consent={"marketing_email": False, "phone": False})

        given = Consent.objects.order_by("pk").values_list("purpose", "granted")
        assert list(given) == [("marketing_email", True), ("marketing_email", False)]

    def test_keeps_bant_answers_in_one_shape(self, sender: Sender) -> None:
        sender.capture(
            fields={
                "bant": {"budget": "yes", "timeline": {"level": "partial", "value": "Q1"}},
                "bant.need": "No more spreadsheets",
                "bant_authority": "partial",
            }
        )

        assert Inquiry.objects.get().fields["bant"] == {
            "budget": {"level": "yes"},
            "timeline": {"level": "partial", "value": "Q1"},
            "need": {"value": "No more spreadsheets"},
            "authority": {"level": "partial"},
        }

    def test_a_form_gives_its_source_its_fields_and_its_activity(self, sender: Sender) -> None:
        form = make_form(
            "demo",
            fields=[
                {"key": "q1", "label": "E-mail", "type": "email", "maps_to": "email"},
                {"key": "q2", "label": "Sites", "type": "text", "maps_to": "custom.sites"},
                {
                    "key": "q3",
                    "label": "When?",
                    "type": "select",
                    "maps_to": "bant.timeline",
                    "options": [{"value": "now", "label": "This month", "level": "yes"}],
                },
            ],
        )
        type(form).objects.update(kind="demo_requested")

        sender.post({"form": "demo", "fields": {"q1": "bob@x.example", "q2": "4", "q3": "now"}})
        pump.run_all()

        lead, inquiry = Lead.objects.get(), Inquiry.objects.get()
        assert (lead.email, lead.custom, lead.source) == (
            "bob@x.example",
            {"sites": "4"},
            form.source,
        )
        assert inquiry.fields["bant"] == {"timeline": {"value": "This month", "level": "yes"}}
        assert inquiry.form_version == form.published
        assert Activity.objects.filter(type="demo_requested").count() == 1

    def test_an_address_that_is_none_is_kept_beside_the_name(self, sender: Sender) -> None:
        item = sender.capture("alice at kestrel", fields={"name": "Alice Berg"})

        assert item.state == "applied"
        assert Lead.objects.get().email == ""
        assert Inquiry.objects.get().context["bad_email"] == "alice at kestrel"

    def test_somebody_without_name_and_address_waits_for_review(self, sender: Sender) -> None:
        item = sender.capture("not-an-address", fields={"message": "Call me"})

        assert item.state == "needs_review"
        assert "not-an-address" in item.reason
        assert not Lead.objects.exists()

    def test_test_captures_are_marked(self, sender: Sender) -> None:
        item = sender.capture(is_test=True)

        assert item.is_test
        assert Lead.objects.get().is_test

    def test_a_deleted_lead_who_knocks_again_comes_back(self, sender: Sender) -> None:
        lead = LeadFactory(email="alice@kestrel.example")
        delete_lead(lead.pk, at=NOON)

        sender.capture("alice@kestrel.example")

        assert Lead.objects.live().get() == lead

    def test_a_named_source_is_the_leads_source(self, sender: Sender) -> None:
        SourceFactory(key="partner-site", channel="partner")

        sender.capture(source="partner-site")

        assert Lead.objects.get().source.key == "partner-site"
        assert Touch.objects.get().channel == "partner"


class TestReceipts:
    def test_the_same_key_and_body_give_the_same_receipt(self, sender: Sender) -> None:
        body = {"fields": {"email": "alice@kestrel.example"}}

        first = sender.post(body, Idempotency_Key="order-1")
        again = sender.post(body, Idempotency_Key="order-1")
        pump.run_all()

        assert again.json()["receipt_id"] == first.json()["receipt_id"]
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert Inquiry.objects.count() == 1

    def test_the_same_key_with_another_body_is_refused(self, sender: Sender) -> None:
        sender.post({"fields": {"email": "alice@x.example"}}, Idempotency_Key="order-1")

        answer = sender.post({"fields": {"email": "bob@x.example"}}, Idempotency_Key="order-1")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"

    def test_a_corrected_body_may_carry_the_key_of_the_refused_one(self, sender: Sender) -> None:
        sender.post({"fields": "alice"}, Idempotency_Key="order-1")

        answer = sender.post({"fields": {"email": "a@x.example"}}, Idempotency_Key="order-1")

        assert answer.status_code == 202

    def test_keys_of_two_senders_do_not_meet(self, sender: Sender) -> None:
        body = {"fields": {"email": "alice@x.example"}}

        first = sender.post(body, Idempotency_Key="1").json()["receipt_id"]
        other = Sender().post(body, Idempotency_Key="1").json()["receipt_id"]

        assert first != other

    def test_another_senders_receipt_does_not_exist(self, sender: Sender) -> None:
        receipt = sender.post({"fields": {"email": "a@x.example"}}).json()

        assert Sender().get(receipt["status_url"]).status_code == 404
        assert Sender("capture:write", "leads:read").get(receipt["status_url"]).status_code == 200


class TestRefusals:
    def test_malformed_json_names_the_place_and_is_kept(self, sender: Sender) -> None:
        answer = sender.post('{"fields": {"email": "alice@x.example"')

        problem = answer.json()
        item = InboxItem.objects.get(receipt_id=problem["receipt_id"])
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "line 1" in problem["errors"][0]["message"]
        assert (item.state, bytes(item.body)[:9]) == ("needs_review", b'{"fields"')

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"fields": "alice"}, "fields"),
            ({"fields": {}}, "fields"),
            ({"email": "alice@x.example"}, "fields"),
            ({"fields": {"email": ["a@x.example"]}}, "fields.email"),
            ({"fields": {"email": "a@x.example"}, "form": 7}, "form"),
            ({"fields": {"email": "a@x.example"}, "form": "nowhere"}, "form"),
            ({"fields": {"email": "a@x.example"}, "source": "nowhere"}, "source"),
            ({"fields": {"email": "a@x.example"}, "context": []}, "context"),
            ({"fields": {"email": "a@x.example"}, "consent": {"sms": True}}, "consent.sms"),
            (
                {"fields": {"email": "a@x.example"}, "consent": {"phone": "ja"}},
                "consent.phone",
            ),
            ({"fields": {"email": "a@x.example"}, "submitted_at": "later"}, "submitted_at"),
            ({"fields": {"email": "a@x.example"}, "is_test": "yes"}, "is_test"),
            (["a@x.example"], "body"),
        ],
    )
    def test_wrong_values_name_the_field_and_are_kept(
        self, sender: Sender, body: Any, field: str
    ) -> None:
        answer = sender.post(body)

        problem = answer.json()
        assert answer.status_code == 400
        assert problem["errors"][0]["field"] == field
        assert InboxItem.objects.get(receipt_id=problem["receipt_id"]).state == "needs_review"

    def test_no_key_and_a_bad_key_are_401(self, sender: Sender) -> None:
        body = '{"fields": {"email": "a@x.example"}}'

        bad = sender.post(body, Authorization="Bearer lc_live_00000000_nonsense")
        none = Client().post(CAPTURE, body, content_type="application/json")

        for answer in (bad, none):
            assert answer.status_code == 401
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert not InboxItem.objects.exists()

    def test_a_key_is_dead_the_moment_it_is_revoked(self, sender: Sender) -> None:
        body = {"fields": {"email": "a@x.example"}}
        before = sender.post(body, Idempotency_Key="1").status_code
        revoke_api_key(sender.key, at=NOON)

        assert before == 202
        assert sender.post(body).status_code == 401
        assert sender.post(body, Idempotency_Key="1").status_code == 401
        assert InboxItem.objects.count() == 1

    def test_a_signed_in_colleague_may_capture_too(self, client: Client) -> None:
        client.force_login(UserFactory(role="marketer"))
        body = '{"fields": {"email": "a@x.example"}}'

        answer = client.post(CAPTURE, body, content_type="application/json")
        status = client.get(answer.json()["status_url"])

        assert answer.status_code == 202
        assert status.json()["receipt_id"] == answer.json()["receipt_id"]

    def test_a_missing_scope_is_named(self) -> None:
        answer = Sender("leads:read").post({"fields": {"email": "a@x.example"}})

        assert answer.status_code == 403
        assert "capture:write" in answer.json()["detail"]

    def test_over_the_limit_is_told_and_stored(self, sender: Sender, settings: Any) -> None:
        settings.API_RATE_PER_MINUTE = 0

        answer = sender.post({"fields": {"email": "alice@x.example"}})
        pump.run_all()

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        item = InboxItem.objects.get(receipt_id=answer.json()["receipt_id"])
        assert item.state == "applied"


class TestPublishableKeys:
    SITE = "https://marlow.example"

    @pytest.fixture
    def website(self) -> Sender:
        return Sender("capture:write", publishable=True, origins=[self.SITE])

    def test_capture_from_their_site_and_may_read_the_answer(self, website: Sender) -> None:
        answer = website.post({"fields": {"email": "a@x.example"}}, Origin=self.SITE)
        pump.run_all()

        assert answer.status_code == 202
        assert answer.headers["Access-Control-Allow-Origin"] == self.SITE
        assert "Origin" in answer.headers["Vary"]
        status = website.get(answer.json()["status_url"], Origin=self.SITE)
        assert status.json()["state"] == "applied"
        assert status.json()["lead"] is None

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
    def test_are_refused_elsewhere(self, website: Sender, origin: str) -> None:
        answer = website.post({"fields": {"email": "a@x.example"}}, Origin=origin)

        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert not InboxItem.objects.exists()

    def test_answer_the_browsers_question_first(self, website: Sender) -> None:
        asked = {"Access-Control-Request-Method": "POST"}

        known = website.client.options(CAPTURE, headers={"Origin": self.SITE, **asked})
        other = website.client.options(CAPTURE, headers={"Origin": "https://evil.example", **asked})

        assert known.status_code == 204
        assert known.headers["Access-Control-Allow-Origin"] == self.SITE
        assert "authorization" in known.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in other.headers

    @time_machine.travel(next_minute)
    def test_too_many_from_one_address_are_told_and_quarantined(self, website: Sender) -> None:
        for number in range(21):
            answer = website.post({"fields": {"email": f"p{number}@x.example"}}, Origin=self.SITE)
        pump.run_all()

        item = InboxItem.objects.get(receipt_id=answer.json()["receipt_id"])
        assert answer.status_code == 429
        assert item.state == "quarantined"
        assert "network address" in item.reason
