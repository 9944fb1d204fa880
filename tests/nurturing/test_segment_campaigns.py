"""Campaigns that start when somebody enters a segment, and segments of who is in a campaign."""

from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads import actions as lead_actions
from leads import conditions
from leads.actions import segments
from leads.models import Lead, Segment
from nurturing import actions
from nurturing.models import DripCampaign, Enrollment
from tests.factories import NOON, LeadFactory, UserFactory
from tests.nurturing.factories import make_campaign

pytestmark = pytest.mark.django_db

CARE = {"field": "industry", "op": "is", "value": "Care"}


@pytest.fixture
def care() -> Segment:
    segment = segments.create_segment(name="Care", tree=CARE)
    pump.run_all()
    return segment


def started_by(segment: Segment, **settings: Any) -> DripCampaign:
    campaign = make_campaign(waits=(60,))
    trigger = {"on": "segment", "segments": [segment.public_id]}
    return actions.change_settings(campaign.pk, {"trigger": trigger, **settings})  # type: ignore[typeddict-item]


def inside(campaign: DripCampaign) -> set[int]:
    rows = Enrollment.objects.filter(Enrollment.INSIDE, campaign=campaign)
    return set(rows.values_list("lead_id", flat=True))


def become(lead: Lead, industry: str) -> None:
    lead_actions.update_lead(lead.pk, {"industry": industry}, at=NOON)
    pump.run_all()


class TestEnteringASegment:
    def test_starts_the_campaign(self, care: Segment) -> None:
        campaign, alice, bob = started_by(care), LeadFactory(), LeadFactory()

        become(alice, "Care")
        become(bob, "Retail")

        assert inside(campaign) == {alice.pk}

    def test_leaving_it_ends_the_campaign_where_that_is_wanted(self, care: Segment) -> None:
        campaign, alice = started_by(care, exit_mode="no_match"), LeadFactory()
        become(alice, "Care")

        become(alice, "Retail")

        assert inside(campaign) == set()
        assert Enrollment.objects.get().exit_reason == "left_segment"

    def test_leaving_it_changes_nothing_where_it_is_not(self, care: Segment) -> None:
        campaign, alice = started_by(care, exit_mode="goal"), LeadFactory()
        become(alice, "Care")

        become(alice, "Retail")

        assert inside(campaign) == {alice.pk}

    def test_must_be_a_segment_that_is_there(self) -> None:
        with pytest.raises(Invalid, match="no segment"):
            actions.create_campaign("Care", at=NOON, trigger={"on": "segment", "segments": ["x"]})
        with pytest.raises(Invalid, match="Choose the segment"):
            actions.create_campaign("Care", at=NOON, trigger={"on": "segment"})

    def test_the_segment_stays_while_a_campaign_needs_it(self, care: Segment) -> None:
        started_by(care)

        with pytest.raises(segments.SegmentInUse, match="campaign “"):
            segments.archive_segment(care.pk, at=NOON)

    def test_is_chosen_on_the_page_of_the_campaign(self, care: Segment, client: Client) -> None:
        client.force_login(UserFactory(role=Role.MARKETER))

        client.post(
            "/nurturing/new/",
            {"name": "Carers", "starts_on": "segment", "segments": [care.public_id]},
        )

        campaign = DripCampaign.objects.get()
        assert campaign.segment_ids == [care.public_id]
        assert "Care</a>" in client.get(f"/nurturing/{campaign.key}/").content.decode()


class TestSegmentsOfCampaigns:
    def test_follow_who_is_in_them(self, care: Segment) -> None:
        campaign, alice = started_by(care, exit_mode="no_match"), LeadFactory()
        readers = segments.create_segment(name="Readers", tree={"drip": campaign.key})
        pump.run_all()

        become(alice, "Care")

        assert list(readers.memberships.filter(left_at=None).values_list("lead", flat=True)) == [
            alice.pk
        ]

        become(alice, "Retail")

        assert not readers.memberships.filter(left_at=None).exists()
        assert conditions.matches({"drip_ever": campaign.key}, [alice.pk]) == {alice.pk}
