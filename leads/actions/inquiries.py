"""One capture becoming part of a lead's story."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from leadcrm.eventlog.actions import publish
from leadcrm.lib import normalise
from leads.actions.activities import record_activity
from leads.actions.knowing import add_identifier, owner_of
from leads.actions.leads import ContactFields, EmailTaken, IdTaken, create_lead, update_lead
from leads.actions.uniques import free
from leads.events import LeadCaptured
from leads.models import (
    ClickId,
    FormVersion,
    InboxItem,
    Inquiry,
    Lead,
    LeadIdentifier,
    MarketingCampaign,
    Source,
    Touch,
)
from leads.models.attribution import Channel
from leads.queries.survivors import survivor_id


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
    match: dict[str, Any] = field(default_factory=dict)
    activity: str = "form_submit"
    is_test: bool = False
    channel: str = "system"


def lead_of_email(canonical: str) -> int | None:
    """The lead an address belongs to; of merged leads the one that is left."""
    return owner_of(LeadIdentifier.Kind.EMAIL, canonical)


def survivor(lead: Lead) -> Lead:
    """The lead that this one is now: itself, or what it was merged into."""
    if lead.merged_into_id is None:
        return lead
    left: Lead = Lead.objects.get(pk=survivor_id(lead.pk))
    return left


@transaction.atomic
def take_in(
    contact: ContactFields,
    *,
    source: Source | None,
    at: datetime,
    is_test: bool,
    external: str = "",
) -> tuple[int, bool]:
    """Make a lead, or find the one that another capture made at the same moment.

    :param external: an id of another system, see `knowing.external_id`.
    """
    try:
        lead = create_lead(
            contact, at=at, source=source, is_test=is_test, announce=False, external=external
        )
    except (EmailTaken, IdTaken) as taken:
        return survivor(taken.lead).pk, False
    return lead.pk, True


@dataclass(frozen=True, slots=True)
class Completed:
    """`said`: what the person now says differently, which changed nothing."""

    lead_id: int
    said: dict[str, Any]


@transaction.atomic
def complete_lead(
    lead_id: int,
    contact: ContactFields,
    custom: Mapping[str, Any],
    *,
    at: datetime,
    external: str = "",
) -> Completed:
    """Fill what is empty, of the lead or of the one it has been merged into since it was found.

    A deleted lead comes back: its person is knocking.
    """
    lead = _lock_survivor(lead_id)
    if lead.deleted_at is not None:
        Lead.objects.filter(pk=lead.pk).update(deleted_at=None, updated_at=Now())
    known = {name: getattr(lead, name) for name in contact}
    fresh = {name: value for name, value in contact.items() if known[name] in ("", None)}
    empty = {key: value for key, value in custom.items() if lead.custom.get(key) in ("", None)}
    added = free(empty, lead_id=lead.pk)  # a value that is another's is proposed, not taken
    if added:
        fresh["custom"] = added  # the others stay as they are
    if fresh:
        update_lead(lead.pk, fresh, at=at)  # type: ignore[arg-type]
    if external:
        add_identifier(lead.pk, LeadIdentifier.Kind.EXTERNAL, external)
    said = _conflicts(lead, contact, fresh) | {
        f"custom.{key}": value
        for key, value in custom.items()
        if key not in added and lead.custom.get(key) != value
    }
    if email := normalise.email(str(said.get("email") or "")):
        add_identifier(lead.pk, LeadIdentifier.Kind.EMAIL, email.canonical)  # theirs as well
    return Completed(lead.pk, said)


def _lock_survivor(lead_id: int) -> Lead:
    rows = Lead.objects.select_for_update(of=("self",), no_key=True)
    while True:
        lead: Lead = rows.get(pk=lead_id)
        if lead.merged_into_id is None:
            return lead
        lead_id = survivor_id(lead.pk)


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
        match=new.match,
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


@transaction.atomic
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
    is_stated: bool = False,
    referred_by: Lead | None = None,
) -> Touch:
    """Keep where somebody came from; an unknown `utm_campaign` becomes a marketing campaign.

    :param is_stated: somebody said the channel, so no rule will change it.
    """
    touch = Touch.objects.create(
        lead_id=lead_id,
        inquiry=inquiry,
        channel=channel,
        is_stated=is_stated,
        campaign=_campaign(utm.get("utm_campaign", ""), channel),
        click_ids=sorted(click_ids),
        referrer=referrer,
        landing_page=landing_page,
        referred_by=referred_by,
        occurred_at=at,
        **utm,
    )
    if click_ids:
        ClickId.objects.bulk_create(
            ClickId(touch=touch, name=name, value=value, seen_at=at)
            for name, value in click_ids.items()
            if value != ClickId.FORGOTTEN
        )
    return touch


def state_origin(
    lead_id: int, *, channel: str, campaign: str, referred_by: Lead | None, at: datetime
) -> Touch | None:
    """Keep how somebody is said to have come; None where nothing is said."""
    if not (channel or campaign or referred_by):
        return None
    return add_touch(
        lead_id,
        None,
        channel=channel or (Channel.REFERRAL if referred_by else Channel.EVENT),
        utm={"utm_campaign": campaign},
        click_ids={},
        referrer="",
        landing_page="",
        at=at,
        is_stated=True,
        referred_by=referred_by,
    )


def _campaign(tag: str, channel: str) -> MarketingCampaign | None:
    """The campaign of a tag, by its own or another spelling."""
    if not tag:
        return None
    campaigns = MarketingCampaign.objects
    known = (
        campaigns.filter(utm_campaign=tag).first()
        or campaigns.filter(aliases__spelling=tag.lower()).first()
    )
    if known is not None:
        return known
    name = tag.replace("_", " ").replace("-", " ").strip()[:100] or tag[:100]
    campaign, _ = MarketingCampaign.objects.get_or_create(
        utm_campaign=tag, defaults={"name": name.capitalize(), "channel": channel}
    )
    return campaign
