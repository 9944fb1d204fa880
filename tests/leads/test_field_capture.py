"""Answers that fill custom fields: typed, and kept as they were said where no field fits."""

import json
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads.models import InboxItem, Inquiry, Lead
from tests.factories import LeadFactory, UserFactory, make_form, make_funnel
from tests.leads.factories import PLANS, FieldFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def capture(client: Client) -> Any:
    make_funnel()
    FieldFactory(type="select", options=PLANS)
    FieldFactory(key="seats", type="integer")
    make_form(
        fields=[
            {"key": "email", "label": "E-mail", "type": "email", "maps_to": "email"},
            {"key": "q1", "label": "Plan", "type": "text", "maps_to": "custom.plan"},
            {"key": "q2", "label": "Seats", "type": "text", "maps_to": "custom.seats"},
        ]
    )
    key = create_api_key(name="Website", scopes=["capture:write"])

    def send(**answers: Any) -> None:
        body = {"form": "book-a-demo", "fields": {"email": "ann@kestrel.example", **answers}}
        answer = client.post(
            "/api/v1/capture/",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key.plain}"},
        )
        assert answer.status_code == 202
        pump.run_all()

    return send


class TestAnswers:
    def test_are_typed_by_the_field_they_fill(self, capture: Any) -> None:
        capture(q1="Pro", q2="1,200")

        assert Lead.objects.get().custom == {"plan": "pro", "seats": 1200}
        assert Inquiry.objects.get().fields["q2"] == "1,200"

    def test_fill_only_what_is_empty_of_a_known_lead(self, capture: Any) -> None:
        lead = LeadFactory(email="ann@kestrel.example", custom={"plan": "starter", "fax": "odd"})

        capture(q1="Pro", q2="12")

        lead.refresh_from_db()
        assert lead.custom == {"plan": "starter", "seats": 12, "fax": "odd"}

    def test_that_no_field_can_hold_are_kept_and_shown(self, capture: Any, client: Client) -> None:
        capture(q1="Pro", q2="about ten")

        lead = Lead.objects.get()
        assert lead.custom == {"plan": "pro"}
        assert InboxItem.objects.get().state == InboxItem.State.APPLIED
        assert Inquiry.objects.get().context["unread"] == [
            {
                "field": "custom.seats",
                "value": "about ten",
                "why": "Write a number, such as 12.5.",
            }
        ]
        client.force_login(UserFactory(role=Role.ADMIN))
        page = client.get(f"/leads/{lead.public_id}/").content.decode()
        assert "Sent as “about ten”" in page

    def test_say_nothing_more_once_somebody_filled_the_field(
        self, capture: Any, client: Client
    ) -> None:
        capture(q2="about ten")
        lead = Lead.objects.get()
        Lead.objects.update(custom={"seats": 10})

        client.force_login(UserFactory(role=Role.ADMIN))
        page = client.get(f"/leads/{lead.public_id}/").content.decode()

        assert "about ten”" not in page

    def test_for_names_nobody_defined_are_kept_as_they_are(self, capture: Any) -> None:
        capture(**{"custom.fax": "yes please"})

        assert Lead.objects.get().custom == {"fax": "yes please"}
