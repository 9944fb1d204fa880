"""Which drip campaigns would take people in, and let them go, if leads qualified otherwise."""

from collections.abc import Iterable, Iterator

from django.db.models import Q

from leads.foresight import Consequence, Leads, Moves, tells_consequences
from nurturing.models import DripCampaign, Enrollment

PART = 10_000  # ids in one query


@tells_consequences
def campaigns(moves: Moves) -> Iterator[Consequence]:
    """Starts: who would newly qualify and is not inside. Stops: who would become sales-qualified.

    Ceasing to qualify stops nothing, and whoever may not be mailed is still counted as starting:
    consent is asked when a mail is due.
    """
    for campaign in DripCampaign.objects.filter(state=DripCampaign.State.ACTIVE).order_by("name"):
        coming: Leads = frozenset()
        if campaign.starts_on == "qualified":
            kinds = campaign.trigger.get("kinds", ["mql"])
            coming = frozenset().union(*(moves.coming(kind) for kind in kinds))
        starts = len(coming) - inside(campaign, coming)
        stops = inside(campaign, moves.coming("sql")) if leaves_on_sql(campaign) else 0
        if starts or stops:
            href = f"/nurturing/{campaign.key}/"
            yield Consequence("Drip campaign", campaign.name, href, starts=starts, stops=stops)


def leaves_on_sql(campaign: DripCampaign) -> bool:
    """As `nurturing.handlers` does it: by a stop rule, or because the goal is reached."""
    ends_at_goal = campaign.exit_mode in (
        DripCampaign.ExitMode.GOAL,
        DripCampaign.ExitMode.EITHER,
    )
    by_goal = ends_at_goal and campaign.goal == DripCampaign.Goal.QUALIFIED
    return by_goal or DripCampaign.StopOn.QUALIFIED in campaign.stop_on


def inside(campaign: DripCampaign, leads: Iterable[int]) -> int:
    ids = sorted(leads)
    of_campaign = Enrollment.objects.filter(Q(campaign=campaign) & Enrollment.INSIDE)
    return sum(
        of_campaign.filter(lead__in=ids[first : first + PART]).count()
        for first in range(0, len(ids), PART)
    )
