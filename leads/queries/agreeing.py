"""Of whom an advertiser may be told how far they came."""

from collections.abc import Iterable

from leads.models import AttributionSettings, Consent

TRACKING = Consent.Purpose.TRACKING


def who_agreed(lead_ids: Iterable[int]) -> set[int]:
    """Those who agreed to what the workspace asks for, and did not refuse to be tracked.

    The newest word on a purpose counts.
    """
    asked, leads = AttributionSettings.load().conversion_consent, set(lead_ids)
    newest = (
        Consent.objects.filter(lead__in=leads, purpose__in=[TRACKING, asked or TRACKING])
        .order_by("lead", "purpose", "-at", "-pk")
        .distinct("lead", "purpose")
        .values_list("lead_id", "purpose", "granted")
    )
    said = {(lead, purpose): granted for lead, purpose, granted in newest}
    return {
        lead
        for lead in leads
        if said.get((lead, TRACKING)) is not False and (not asked or said.get((lead, asked)))
    }
