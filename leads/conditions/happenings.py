"""The properties of what happened: of activities any name, of touches the known ones."""

from leads.conditions.types import Field, Type

ACTIVITY, TOUCH = "activity", "touch"
DAY = "day"  # `distinct` over it counts the days on which something happened

ACTIVITY_COLUMNS = {"category": "COALESCE(NULLIF(a.category, ''), a.properties ->> 'category')"}
TOUCH_COLUMNS = {
    "channel": "a.channel",
    "campaign": "(SELECT mc.utm_campaign FROM leads_marketingcampaign mc"
    " WHERE mc.id = a.campaign_id)",
    "utm_source": "a.utm_source",
    "utm_medium": "a.utm_medium",
    "utm_campaign": "a.utm_campaign",
    "utm_term": "a.utm_term",
    "utm_content": "a.utm_content",
    "referrer": "a.referrer",
    "landing_page": "a.landing_page",
    "click_ids": "(a.click_ids #>> '{}')",
}
# Offered by the builder; any other name may be typed.
USUAL_PROPERTIES = ("url", "title", "category", "product", "campaign", "form", "amount", "seconds")


def property_field(source: str, key: str) -> Field | None:
    """A property as a field of the alias `a`; None where touches have none of this name."""
    columns = TOUCH_COLUMNS if source == TOUCH else ACTIVITY_COLUMNS
    if key in columns:
        return Field(key, key, Type.CUSTOM, columns[key])
    if source == TOUCH:
        return None
    return Field(key, key, Type.CUSTOM, "(a.properties ->> %s)", params=(key,))


def day_field() -> Field:
    return Field(DAY, "day", Type.CUSTOM, "(date_trunc('day', a.occurred_at, 'UTC')::text)")
