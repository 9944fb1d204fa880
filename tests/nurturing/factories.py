"""Drip campaigns that run, and people with consent inside them."""

from datetime import datetime
from typing import Any

from leads.actions import record_consent
from leads.models import Lead
from nurturing import actions, engine
from nurturing.models import DripCampaign, EmailTemplate, Send, Topic
from tests.factories import NOON, LeadFactory

BODY = """Hello {{ lead.first_name | default: "there" }},

[Our guide](https://marlow.example/guide?a=1&b=2) helps planners at {{ lead.company }}.

[Prices](https://marlow.example/pricing) and [stories](https://marlow.example/stories).
"""


def make_topic(key: str = "tips") -> Topic:
    topic, _ = Topic.objects.get_or_create(key=key, defaults={"name": key.capitalize()})
    return topic


def make_template(name: str = "Your guide", *, body: str = BODY, **parts: Any) -> EmailTemplate:
    template = actions.create_template(name, at=NOON, topic=make_topic())
    actions.save_version(
        template.pk,
        subject=parts.pop("subject", "Your guide, {{ lead.first_name | default: 'friend' }}"),
        html=body,
        at=NOON,
        **parts,
    )
    template.refresh_from_db()
    return template


def make_campaign(
    name: str = "Overtime guide",
    *,
    waits: tuple[int, ...] = (),
    trigger: dict[str, Any] | None = None,
    template: EmailTemplate | None = None,
) -> DripCampaign:
    """A running campaign: an e-mail, then for each of `waits` that wait and another e-mail."""
    template = template or make_template()
    campaign = actions.create_campaign(name, at=NOON, trigger=trigger or {"on": "manual"})
    actions.add_email(campaign.pk, template, at=NOON)
    for minutes in waits:
        actions.add_wait(campaign.pk, minutes, at=NOON)
        actions.add_email(campaign.pk, template, at=NOON)
    actions.publish(campaign.pk, at=NOON)
    campaign.refresh_from_db()
    return campaign


def make_lead(*, consent: bool | None = True, at: datetime = NOON, **fields: Any) -> Lead:
    lead = LeadFactory(**fields)
    if consent is not None:
        record_consent(lead.pk, "marketing_email", granted=consent, at=at)
    return lead


def plan_mails(campaign: DripCampaign, *leads: Lead) -> list[Send]:
    """Put the leads in and plan their first mail, without sending it."""
    engine.enrol(campaign, [lead.pk for lead in leads], cause="manual", at=NOON)
    while engine.advance_due():
        pass
    return list(Send.objects.filter(campaign=campaign).order_by("pk"))
