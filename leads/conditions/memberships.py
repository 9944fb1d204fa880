"""What a lead can be in on the ground floor: tags, segments, lists, campaigns, forms."""

from leads.conditions.catalogue import register
from leads.conditions.types import Choices, Membership
from leads.models import Form, MarketingCampaign, Segment, Tag

MOST_TAGS = 200


def _tags() -> Choices:
    names = Tag.objects.order_by("name").values_list("name", flat=True)[:MOST_TAGS]
    return [(name, name) for name in names]


def _segments() -> Choices:
    found = Segment.objects.filter(archived_at=None)
    return list(found.order_by("name").values_list("public_id", "name"))


def _lists() -> Choices:
    found = Segment.objects.filter(archived_at=None, kind=Segment.Kind.FROZEN)
    return list(found.order_by("name").values_list("public_id", "name"))


def _campaigns() -> Choices:
    return list(MarketingCampaign.objects.order_by("name").values_list("utm_campaign", "name"))


def _forms() -> Choices:
    return list(Form.objects.order_by("name").values_list("slug", "name"))


_INSIDE = (
    "FROM leads_segmentmembership m JOIN leads_segment g ON g.id = m.segment_id "
    "WHERE m.lead_id = lead.id AND m.left_at IS NULL AND g.archived_at IS NULL"
)
_TAGGED = (
    "FROM leads_leadtag lt JOIN leads_tag tag ON tag.id = lt.tag_id WHERE lt.lead_id = lead.id"
)
_CAMPAIGN = (
    "FROM leads_touch t JOIN leads_marketingcampaign mc ON mc.id = t.campaign_id "
    "WHERE t.lead_id = lead.id"
)
_SENT = (
    "FROM leads_inquiry i JOIN leads_formversion v ON v.id = i.form_version_id "
    "JOIN leads_form f ON f.id = v.form_id WHERE i.lead_id = lead.id"
)


def _named(column: str, tail: str) -> str:
    return f"(SELECT string_agg(DISTINCT {column}, ', ' ORDER BY {column}) {tail})"


register(
    Membership(
        "tag",
        "Tag",
        f"EXISTS (SELECT 1 {_TAGGED} AND lower(tag.name) = lower(%s))",
        _named("tag.name", _TAGGED),
        "has the tag “{}”",
        _tags,
        is_open=True,
    ),
    Membership(
        "segment",
        "Segment",
        f"EXISTS (SELECT 1 {_INSIDE} AND g.public_id = %s)",
        _named("g.name", _INSIDE),
        "is in the segment “{}”",
        _segments,
        computed=True,
    ),
    Membership(
        "list",
        "List",
        f"EXISTS (SELECT 1 {_INSIDE} AND g.kind = 'frozen' AND g.public_id = %s)",
        _named("g.name", f"{_INSIDE} AND g.kind = 'frozen'"),
        "is on the list “{}”",
        _lists,
    ),
    Membership(
        "campaign",
        "Marketing campaign",
        f"EXISTS (SELECT 1 {_CAMPAIGN} AND mc.utm_campaign = %s)",
        _named("mc.name", _CAMPAIGN),
        "came by the campaign “{}”",
        _campaigns,
    ),
    Membership(
        "form",
        "Form",
        f"EXISTS (SELECT 1 {_SENT} AND f.slug = %s)",
        _named("f.name", _SENT),
        "has sent the form “{}”",
        _forms,
    ),
)
