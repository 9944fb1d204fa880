from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Notification
from leadcrm.eventlog.actions import deliver_due
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib.errors import DomainError, Invalid
from leads.models import Lead
from pipeline import actions
from pipeline.actions import resting
from pipeline.models import Rest, SalesCycle
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def lead() -> Lead:
    make_funnel()
    actions.ensure_default_routing()
    made = LeadFactory.create(owner=UserFactory(name="Alice Archer"))
    actions.open_cycle(made.pk, at=NOON)
    return made


def fresh(lead: Lead) -> Lead:
    found: Lead = Lead.objects.get(pk=lead.pk)
    return found


def names() -> list[str]:
    return list(DomainEvent.objects.order_by("pk").values_list("name", flat=True))


class TestLayingAside:
    def test_until_a_day_closes_the_cycle_and_brings_the_lead_back_by_itself(
        self, lead: Lead
    ) -> None:
        resting.lay_aside(
            lead.pk, reason="not_now", note="Budget in May", wake_at=NOON + 90 * DAY, at=NOON
        )
        asleep = fresh(lead)
        assert resting.wake_due(at=NOON) == 0
        Rest.objects.update(due_at=NOON - 999 * DAY)  # the day has come

        resting.wake_due(at=NOON + 90 * DAY)

        cycle = SalesCycle.objects.get(lead=lead)
        assert (cycle.outcome, cycle.lost_reason) == ("lost", "timing")
        assert (asleep.lifecycle, asleep.status) == ("disqualified", "nurturing")
        assert (fresh(lead).lifecycle, fresh(lead).status) == ("lead", "recycled")
        assert names()[-1] == "lead.recycled"
        told = Notification.objects.filter(user=lead.owner, title__contains="Budget in May")
        assert told.count() == 1
        assert resting.wake_due(at=NOON + 91 * DAY) == 0

    def test_for_good_ends_only_by_hand(self, lead: Lead) -> None:
        resting.lay_aside(lead.pk, reason="spam", at=NOON)

        assert Rest.objects.get().due_at is None
        assert (fresh(lead).lifecycle, fresh(lead).status) == ("disqualified", "unqualified")
        resting.bring_back(lead.pk, at=NOON + DAY)

        assert fresh(lead).lifecycle == "lead"
        with pytest.raises(resting.NotLaidAside):
            resting.bring_back(lead.pk, at=NOON + DAY)

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"reason": "bored"}, "reason"),
            ({"reason": "not_now"}, "wake_at"),
            ({"reason": "not_now", "wake_at": NOON}, "wake_at"),
            ({"reason": "spam", "wake_at": NOON + DAY}, "wake_at"),
            ({"reason": "not_now", "wake_at": NOON + 4000 * DAY}, "wake_at"),
        ],
    )
    def test_mistakes_are_named(self, lead: Lead, values: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            resting.lay_aside(lead.pk, at=NOON, **values)

        assert refusal.value.errors[0].field == field

    def test_customers_and_those_laid_aside_stay_as_they_are(self, lead: Lead) -> None:
        resting.lay_aside(lead.pk, reason="spam", at=NOON)
        customer = LeadFactory(lifecycle="customer")

        for pk in (lead.pk, customer.pk):
            with pytest.raises(DomainError):
                resting.lay_aside(pk, reason="spam", at=NOON)


class TestThePage:
    def test_sends_back_with_a_reason_and_the_proof_learns_of_it(
        self, client: Client, lead: Lead
    ) -> None:
        from scoring.models import ModelVersion, Qualification

        version = ModelVersion.objects.get(state="published")
        row = Qualification.objects.create(lead=lead, kind="sql", version=version, entered_at=NOON)
        client.force_login(lead.owner)
        path = f"/leads/{lead.public_id}/verdict/"
        assert client.get(path).status_code == 200
        nothing = client.post(path, {"do": "reject", "reject-reason": "other", "reject-note": " "})

        reason = {"reject-reason": "other", "reject-note": "Wanted the price list only"}
        client.post(path, {"do": "reject", **reason})
        deliver_due()

        row.refresh_from_db()
        assert nothing.status_code == 422
        assert SalesCycle.objects.get(lead=lead).rejected_reason == "Wanted the price list only"
        assert (row.verdict, row.verdict_reason) == ("rejected", "Wanted the price list only")

    def test_lays_aside_and_brings_back(self, client: Client, lead: Lead) -> None:
        client.force_login(lead.owner)
        path = f"/leads/{lead.public_id}/verdict/"
        late = client.post(path, {"do": "aside", "aside-reason": "not_now"})
        client.post(path, {"do": "aside", "aside-reason": "not_a_fit", "aside-note": "Too small"})

        page = client.get(path).content.decode()
        client.post(f"/leads/{lead.public_id}/bring-back/")

        assert "Say when to ask again" in late.content.decode()
        assert "Too small" in page
        assert fresh(lead).lifecycle == "lead"
