"""Custom fields of one lead: on its page, in its form, through the API."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import User
from leads import actions
from leads.models import Activity, FieldDefinition, Lead
from tests.factories import NOON, LeadFactory, UserFactory
from tests.leads.factories import PLANS, FieldFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", time_zone="Europe/Amsterdam")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def lead(alice: User) -> Any:
    FieldFactory(type="select", options=PLANS)
    FieldFactory(key="seats", type="integer")
    FieldFactory(key="demo_at", type="moment", label="Demo at")
    return LeadFactory(owner=alice, custom={"plan": "pro", "seats": "about ten"})


def answers(lead: Lead, **changes: Any) -> dict[str, Any]:
    """What the edit form sends when it is left as it is."""
    return {
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "email": lead.email,
        "company_name": lead.company_name,
        "version": lead.version,
        "custom_plan": "pro",
        "custom_seats": "about ten",
        **changes,
    }


def own(lead: Lead) -> dict[str, Any]:
    lead.refresh_from_db()
    return dict(lead.custom)


class TestThePage:
    def test_tells_values_in_words_with_what_nobody_described_apart(
        self, browser: Client, lead: Lead
    ) -> None:
        Lead.objects.filter(pk=lead.pk).update(custom={"plan": "classic", "fax": "yes please"})

        page = browser.get(f"/leads/{lead.public_id}/").content.decode()

        assert "Classic" in page
        assert "Sent along" in page
        assert "yes please" in page

    def test_folds_empty_fields_away_when_there_are_many(self, browser: Client, lead: Lead) -> None:
        for number in range(8):
            FieldFactory(key=f"extra{number}")

        page = browser.get(f"/leads/{lead.public_id}/").content.decode()

        assert "9 empty fields" in page

    def test_costs_no_query_for_each_field(self, browser: Client, lead: Lead) -> None:
        address = f"/leads/{lead.public_id}/"
        browser.get(address)
        with CaptureQueriesContext(connection) as few:
            browser.get(address)
        for number in range(12):
            FieldFactory(key=f"extra{number}", type="multi_select", options=PLANS)
        Lead.objects.update(custom={f"extra{number}": ["pro"] for number in range(12)})

        with CaptureQueriesContext(connection) as many:
            browser.get(address)

        assert len(many) == len(few)

    def test_leaves_archived_fields_out(self, browser: Client, lead: Lead) -> None:
        FieldDefinition.objects.update(is_active=False)

        page = browser.get(f"/leads/{lead.public_id}/").content.decode()

        assert "about ten" not in page


class TestInPlace:
    def address(self, lead: Lead, key: str) -> str:
        return f"/leads/{lead.public_id}/fields/custom_{key}/"

    def save(self, browser: Client, lead: Lead, key: str, value: Any, was: str = "") -> Any:
        data = {f"custom_{key}": value, "version": lead.version, "was": was}
        return browser.post(self.address(lead, key), data, headers=HTMX)

    def test_offers_todays_options_and_the_one_the_lead_has(
        self, browser: Client, lead: Lead
    ) -> None:
        plan = browser.get(self.address(lead, "plan"), headers=HTMX).content.decode()
        Lead.objects.filter(pk=lead.pk).update(custom={"plan": "classic"})
        old_plan = browser.get(self.address(lead, "plan"), headers=HTMX).content.decode()

        assert '<option value="pro" selected>Pro</option>' in plan
        assert "Classic" not in plan
        assert '<option value="classic" selected>Classic</option>' in old_plan

    def test_saves_the_typed_value(self, browser: Client, lead: Lead) -> None:
        answer = self.save(browser, lead, "seats", "1,200")

        assert "1,200" in answer.content.decode()
        assert own(lead) == {"plan": "pro", "seats": 1200}

    def test_reads_moments_in_the_zone_of_the_reader(self, browser: Client, lead: Lead) -> None:
        answer = self.save(browser, lead, "demo_at", "2026-11-30T10:30")

        assert own(lead)["demo_at"] == "2026-11-30T09:30:00Z"
        assert "30 Nov 2026, 10:30" in answer.content.decode()
        form = browser.get(self.address(lead, "demo_at"), headers=HTMX).content.decode()
        assert 'value="2026-11-30T10:30"' in form

    def test_empties_a_field(self, browser: Client, lead: Lead) -> None:
        self.save(browser, lead, "plan", "")

        assert own(lead) == {"seats": "about ten"}

    def test_says_what_is_wrong_beside_it(self, browser: Client, lead: Lead) -> None:
        answer = self.save(browser, lead, "seats", "a dozen")

        assert answer.status_code == 422
        assert "Write a number" in answer.content.decode()

    def test_does_not_overwrite_what_somebody_saved_in_between(
        self, browser: Client, lead: Lead
    ) -> None:
        actions.update_lead(lead.pk, {"custom": {"plan": "starter"}}, at=NOON)

        answer = self.save(browser, lead, "plan", "", was='"pro"')

        assert answer.status_code == 412
        assert "Starter" in answer.content.decode()
        assert own(lead)["plan"] == "starter"

    def test_takes_several_by_a_button(self, browser: Client, lead: Lead) -> None:
        FieldFactory(key="tools", type="multi_select", options=PLANS)

        form = browser.get(self.address(lead, "tools"), headers=HTMX).content.decode()
        self.save(browser, lead, "tools", ["pro", "starter"])

        assert 'hx-trigger="submit"' in form
        assert own(lead)["tools"] == ["starter", "pro"]

    def test_knows_no_other_names(self, browser: Client, lead: Lead) -> None:
        for name in ("custom_nothing", "custom", "version", "was"):
            address = f"/leads/{lead.public_id}/fields/{name}/"
            assert browser.get(address, headers=HTMX).status_code == 404


class TestTheForm:
    def test_leaves_values_that_do_not_fit_alone_until_somebody_corrects_them(
        self, browser: Client, lead: Lead
    ) -> None:
        browser.post(f"/leads/{lead.public_id}/edit/", answers(lead, custom_plan="starter"))

        assert own(lead) == {"plan": "starter", "seats": "about ten"}
        fields = Activity.objects.get(type="lead_updated").properties["fields"]
        assert fields == ["custom.plan"]

    def test_asks_for_required_fields_by_hand(self, browser: Client, lead: Lead) -> None:
        FieldDefinition.objects.filter(key="plan").update(required=True)

        answer = browser.post(f"/leads/{lead.public_id}/edit/", answers(lead, custom_plan=""))

        assert answer.status_code == 422
        assert "This field is required" in answer.content.decode()

    def test_shows_the_others_value_when_both_changed_it(self, browser: Client, lead: Lead) -> None:
        actions.update_lead(lead.pk, {"custom": {"plan": "starter"}}, at=NOON)

        answer = browser.post(f"/leads/{lead.public_id}/edit/", answers(lead))

        assert answer.status_code == 412
        assert "<dt>Plan</dt><dd>Starter</dd>" in answer.content.decode()

    def test_starts_a_new_lead_with_the_defaults(self, browser: Client, lead: Lead) -> None:
        FieldDefinition.objects.filter(key="plan").update(default="starter")

        form = browser.get("/leads/new/").content.decode()
        browser.post("/leads/new/", {"first_name": "Bob", "custom_plan": "starter"})

        assert '<option value="starter" selected>' in form
        assert Lead.objects.get(first_name="Bob").custom == {"plan": "starter"}


class TestTheApi:
    @pytest.fixture
    def api(self, client: Client) -> Any:
        key = create_api_key(name="Sync", scopes=["leads:read", "leads:write", "admin:write"])

        def send(method: str, path: str, body: Any = None) -> Any:
            return getattr(client, method)(
                f"/api/v1/{path}",
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {key.plain}"},
            )

        return send

    def test_changes_only_the_fields_it_names(self, api: Any, lead: Lead) -> None:
        answer = api("patch", f"leads/{lead.public_id}/", {"custom": {"seats": "12", "plan": None}})

        assert answer.json()["custom"] == {"seats": 12}

    def test_names_each_field_that_cannot_hold_its_value(self, api: Any, lead: Lead) -> None:
        custom = {"plan": "gold", "seats": [1], "fax": "1"}

        answer = api("patch", f"leads/{lead.public_id}/", {"custom": custom})

        errors = {error["field"]: error["code"] for error in answer.json()["errors"]}
        assert answer.status_code == 400
        assert errors == {
            "custom.plan": "unknown_option",
            "custom.seats": "not_a_number",
            "custom.fax": "unknown",
        }
        assert own(lead) == {"plan": "pro", "seats": "about ten"}

    def test_defines_changes_and_archives_fields(self, api: Any) -> None:
        made = api("post", "fields/", {"label": "Renewal", "type": "date", "group": "Contract"})
        changed = api("patch", "fields/renewal/", {"label": "Renews", "is_active": False})
        listed = api("get", "fields/").json()["results"]

        assert made.status_code == 201
        assert made.json()["name"] == "custom.renewal"
        assert (changed.json()["label"], changed.json()["is_active"]) == ("Renews", False)
        assert [row["key"] for row in listed] == ["renewal"]
        assert api("delete", "fields/renewal/").status_code == 204

    def test_refuses_a_type_that_values_do_not_fit(self, api: Any) -> None:
        FieldFactory()
        LeadFactory(custom={"plan": "many"})

        answer = api("patch", "fields/plan/", {"type": "integer"})

        assert answer.status_code == 409
        assert "“many” (1)" in answer.json()["detail"]
