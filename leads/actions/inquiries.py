"""One capture becoming part of a lead's story."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from leadcrm.eventlog.actions import publish
from leads.actions.activities import record_activity
from leads.actions.leads import ContactFields, EmailTaken, create_lead, update_lead
from leads.events import LeadCaptured
from leads.models import (
    FormVersion,
    InboxItem,
    Inquiry,
    Lead,
    LeadIdentifier,
    MarketingCampaign,
    Source,
    Touch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInquiry:
    """What to keep of a capture. `activity` is the type written on the timeline."""

    item: InboxItem | None
    received_at: datetime
    occurred_at: datetime
    source: Source | None = None
    form_version: FormVersion | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    activity: str = "form_submit"
    is_test: bool = False
    channel: str = "system"


def lead_of_email(canonical: str) -> int | None:
    """The lead an address belongs to; of merged leads the one that is left."""
    identifier = (
        LeadIdentifier.objects.filter(kind=LeadIdentifier.Kind.EMAIL, value=canonical)
        .select_related("lead")
        .first()
    )
    return survivor(identifier.lead).pk if identifier else None


def leads_of_phone(number: str) -> list[int]:
    """Leads that share a number, which several people of an office may."""
    found = LeadIdentifier.objects.filter(
        kind=LeadIdentifier.Kind.PHONE, value=number, lead__in=Lead.objects.live()
    )
    return list(found.order_by("lead_id").values_list("lead_id", flat=True)[:5])


def survivor(lead: Lead) -> Lead:
    while lead.merged_into is not None:
        lead = lead.merged_into
    return lead


@transaction.atomic
def take_in(
    contact: ContactFields, *, source: Source | None, at: datetime, is_test: bool
) -> tuple[int, bool]:
    """Make a lead, or find the one that another capture made at the same moment."""
    try:
        lead = create_lead(contact, at=at, source=source, is_test=is_test, announce=False)
    except EmailTaken as taken:
        return survivor(taken.lead).pk, False
    return lead.pk, True


@transaction.atomic
def complete_lead(
    lead_id: int, contact: ContactFields, custom: Mapping[str, Any], *, at: datetime
) -> dict[str, Any]:
    """Fill what is empty; return what the person now says differently, which changes nothing.

    A deleted lead comes back: its person is knocking.
    """
    lead = Lead.objects.select_for_update(of=("self",), no_key=True).get(pk=lead_id)
    if lead.deleted_at is not None:
        Lead.objects.filter(pk=lead_id).update(deleted_at=None, updated_at=Now())
    known = {name: getattr(lead, name) for name in contact}
    fresh = {name: value for name, value in contact.items() if known[name] in ("", None)}
    added = {key: value for key, value in custom.items() if lead.custom.get(key) in ("", None)}
    if added:
        fresh["custom"] = {**lead.custom, **added}
    if fresh:
        update_lead(lead_id, fresh, at=at)  # type: ignore[arg-type]
    return _conflicts(lead, contact, fresh) | {
        f"custom.{key}": value
        for key, value in custom.items()
        if key not in added and lead.custom.get(key) != value
    }


def _conflicts(lead: Lead, contact: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in contact.items()
        if name not in fresh and _differs(getattr(lead, name), value)
    }


def _differs(known: Any, said: Any) -> bool:
    return str(known).casefold() != str(said).casefold()


@transaction.atomic
def add_inquiry(lead_id: int, new: NewInquiry, *, is_new: bool) -> Inquiry:
    """Write the inquiry and its activity, and tell the other apps."""
    inquiry = Inquiry.objects.create(
        lead_id=lead_id,
        inbox_item=new.item,
        source=new.source,
        form_version=new.form_version,
        fields=new.fields,
        context=new.context,
        message=new.message,
        is_test=new.is_test,
        received_at=new.received_at,
    )
    record_activity(
        lead_id,
        new.activity,
        at=new.occurred_at,
        properties=_properties(new, inquiry),
        dedupe_key=f"inquiry:{inquiry.pk}",
    )
    publish(
        LeadCaptured(lead_id=lead_id, inquiry_id=inquiry.pk, is_new=is_new),
        at=new.received_at,
        channel=new.channel,
    )
    return inquiry


def _properties(new: NewInquiry, inquiry: Inquiry) -> dict[str, Any]:
    form = new.form_version.form if new.form_version else None
    return {
        "inquiry": inquiry.pk,
        "form": form.slug if form else "",
        "title": form.name if form else (new.source.name if new.source else ""),
        "source": new.source.key if new.source else "",
        "message": new.message[:500],
        "url": str(new.context.get("page_url") or "")[:500],
    }


def add_touch(
    lead_id: int,
    inquiry: Inquiry | None,
    *,
    channel: str,
    utm: Mapping[str, str],
    click_ids: Mapping[str, str],
    referrer: str,
    landing_page: str,
    at: datetime,
) -> Touch:
    """Keep where somebody came from; an unknown `utm_campaign` becomes a marketing campaign."""
    return Touch.objects.create(
        lead_id=lead_id,
        inquiry=inquiry,
        channel=channel,
        campaign=_campaign(utm.get("utm_campaign", ""), channel),
        click_ids=dict(click_ids),
        referrer=referrer,
        landing_page=landing_page,
        occurred_at=at,
        **utm,
    )


def _campaign(tag: str, channel: str) -> MarketingCampaign | None:
    if not tag:
        return None
    name = tag.replace("_", " ").replace("-", " ").strip()[:100] or tag[:100]
    campaign, _ = MarketingCampaign.objects.get_or_create(
        utm_campaign=tag, defaults={"name": name.capitalize(), "channel": channel}
    )
    return campaign
