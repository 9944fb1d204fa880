"""Drip campaigns in the condition language, and the segments that start them."""

from collections.abc import Iterator

from leads.conditions import Membership, register
from leads.conditions.types import Choices
from leads.segments import Use, uses
from nurturing.models import DripCampaign

_ENROLLED = (
    "FROM nurturing_enrollment e JOIN nurturing_dripcampaign d ON d.id = e.campaign_id "
    "WHERE e.lead_id = lead.id"
)
_NOW = f"{_ENROLLED} AND e.state IN ('active', 'paused')"
_GOAL = f"{_ENROLLED} AND e.reached_goal_at IS NOT NULL"


def _campaigns() -> Choices:
    return list(DripCampaign.objects.order_by("name").values_list("key", "name"))


def _names(tail: str) -> str:
    return f"(SELECT string_agg(DISTINCT d.name, ', ' ORDER BY d.name) {tail})"


def _membership(key: str, label: str, tail: str, words: str) -> Membership:
    holds = f"EXISTS (SELECT 1 {tail} AND d.key = %s)"
    return Membership(key, label, holds, _names(tail), words, _campaigns, computed=True)


register(
    _membership("drip", "Drip campaign, now", _NOW, "is in the drip campaign “{}”"),
    _membership("drip_ever", "Drip campaign, ever", _ENROLLED, "was in the drip campaign “{}”"),
    _membership(
        "drip_goal", "Drip campaign, goal reached", _GOAL, "reached the goal of the campaign “{}”"
    ),
)


@uses
def _started_by_segments() -> Iterator[Use]:
    live = DripCampaign.objects.exclude(state=DripCampaign.State.ARCHIVED)
    for campaign in live.filter(trigger__on="segment"):
        named = [{"segment": public_id} for public_id in campaign.segment_ids]
        yield Use("Campaign", campaign.name, f"/nurturing/{campaign.key}/", {"any": named})
