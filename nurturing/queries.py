"""What the pages and the API show of drip campaigns, the people in them, and their mails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from leadcrm.lib.errors import NotFound
from leads.models import Form, Lead
from nurturing.models import (
    DripCampaign,
    DripVersion,
    EmailTemplate,
    Enrollment,
    Send,
    Step,
)

SENT = Q(state__in=Send.GONE)
WAIT_UNITS = {"minutes": 1, "hours": 60, "days": 1440, "weeks": 10080}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of mails. Opens and clicks are those of people; machines are left out."""

    planned: int = 0
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    skipped: int = 0
    failed: int = 0
    in_doubt: int = 0

    def share(self, count: int) -> float | None:
        return count / self.sent if self.sent else None

    @property
    def open_share(self) -> float | None:
        return self.share(self.opened)

    @property
    def click_share(self) -> float | None:
        return self.share(self.clicked)

    @property
    def reply_share(self) -> float | None:
        return self.share(self.replied)

    @property
    def unsubscribe_share(self) -> float | None:
        return self.share(self.unsubscribed)


COUNTS: dict[str, Any] = {
    "planned": Count("pk", filter=Q(state__in=Send.WAITING)),
    "sent": Count("pk", filter=SENT),
    "opened": Count("opened_at"),
    "clicked": Count("clicked_at"),
    "replied": Count("replied_at"),
    "unsubscribed": Count("unsubscribed_at"),
    "skipped": Count("pk", filter=Q(state=Send.State.SKIPPED)),
    "failed": Count("pk", filter=Q(state__in=[Send.State.FAILED, Send.State.BOUNCED])),
    "in_doubt": Count("pk", filter=Q(state=Send.State.UNKNOWN)),
}


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: DripCampaign
    inside: int
    entered: int
    goals: int
    numbers: Numbers

    @property
    def goal_share(self) -> float | None:
        return self.goals / self.entered if self.entered else None


def campaign_rows(campaigns: "Sequence[DripCampaign] | None" = None) -> list[CampaignRow]:
    """Campaigns with their numbers in three statements, running ones first."""
    found = list(campaigns if campaigns is not None else listed_campaigns())
    ids = [campaign.pk for campaign in found]
    mails = _by(Send.objects.filter(campaign__in=ids), "campaign", COUNTS)
    people = _by(
        Enrollment.objects.filter(campaign__in=ids),
        "campaign",
        {
            "inside": Count("pk", filter=Enrollment.INSIDE),
            "entered": Count("pk"),
            "goals": Count("reached_goal_at"),
        },
    )
    nobody = {"inside": 0, "entered": 0, "goals": 0}
    return [
        CampaignRow(
            campaign=campaign,
            numbers=Numbers(**mails.get(campaign.pk, {})),
            **people.get(campaign.pk, nobody),
        )
        for campaign in found
    ]


def listed_campaigns() -> "QuerySet[DripCampaign]":
    """Running, paused, drafts, archived; by name within."""
    return DripCampaign.objects.select_related("published", "topic").order_by("state", "name", "pk")


def _by(rows: "QuerySet[Any]", column: str, counts: dict[str, Any]) -> dict[Any, dict[str, int]]:
    grouped = rows.order_by().values(column).annotate(**counts)
    return {row.pop(column): row for row in grouped}


def find_campaign(key: str) -> DripCampaign:
    """:raises NotFound:"""
    campaign = DripCampaign.objects.select_related("published", "topic").filter(key=key).first()
    if campaign is None:
        raise NotFound
    return campaign


def find_template(key: str) -> EmailTemplate:
    """:raises NotFound:"""
    template = (
        EmailTemplate.objects.select_related("current__created_by", "topic").filter(key=key).first()
    )
    if template is None:
        raise NotFound
    return template


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step with what happened at it, over all versions."""

    step: Step
    number: int  # of the e-mail among e-mails; 0 for other kinds
    here: int
    numbers: Numbers

    @property
    def wait_unit(self) -> str:
        """The largest unit that holds the wait exactly."""
        return next(
            unit for unit, size in reversed(WAIT_UNITS.items()) if not self.step.wait_minutes % size
        )

    @property
    def wait_amount(self) -> int:
        return self.step.wait_minutes // WAIT_UNITS[self.wait_unit]


@dataclass(frozen=True, slots=True)
class CampaignSteps:
    version: DripVersion | None
    rows: list[StepRow]
    is_draft: bool
    leaving: int = 0  # people at steps that publishing removes
    moved: int = 0
    mails: list[StepRow] = field(default_factory=list)


def steps_of(campaign: DripCampaign, *, draft: bool) -> CampaignSteps:
    """The steps to show: the draft's for its editors when there is one, else the published."""
    version = campaign.versions.filter(published_at=None).first() if draft else None
    is_draft = version is not None
    version = version or campaign.published
    if version is None:
        return CampaignSteps(None, [], is_draft)
    steps = list(version.steps.select_related("template__current").order_by("position"))
    mails = _by(Send.objects.filter(campaign=campaign), "step_key", COUNTS)
    inside = Enrollment.objects.filter(Enrollment.INSIDE, campaign=campaign)
    here = _by(inside, "step__key", {"n": Count("pk")})
    rows = _numbered(steps, here, mails)
    kept = {step.key for step in steps}
    return CampaignSteps(
        version,
        rows,
        is_draft,
        leaving=sum(row["n"] for key, row in here.items() if key not in kept),
        moved=sum(row["n"] for row in here.values()),
        mails=[row for row in rows if row.number],
    )


def _numbered(
    steps: Sequence[Step], here: dict[Any, dict[str, int]], mails: dict[Any, dict[str, int]]
) -> list[StepRow]:
    rows, number = [], 0
    for step in steps:
        is_mail = step.kind == Step.Kind.EMAIL
        number += is_mail
        rows.append(
            StepRow(
                step,
                number if is_mail else 0,
                here.get(step.key, {}).get("n", 0),
                Numbers(**mails.get(step.key, {})),
            )
        )
    return rows


# Mails and people -----------------------------------------------------------------------------

LOG_FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "waiting": ("Waiting", Q(state__in=Send.WAITING)),
    "sent": ("Sent", SENT & ~Q(state=Send.State.UNKNOWN)),
    "skipped": ("Not sent", Q(state=Send.State.SKIPPED)),
    "failed": ("Failed", Q(state__in=[Send.State.FAILED, Send.State.BOUNCED])),
    "doubt": ("In doubt", Q(state=Send.State.UNKNOWN)),
}


def mails_of(principal: Any, *, campaign: DripCampaign, show: str = "") -> "QuerySet[Send]":
    """Mails to the leads this person may see, with their fate."""
    _, chosen = LOG_FILTERS.get(show, LOG_FILTERS[""])
    return (
        Send.objects.filter(chosen, campaign=campaign, lead__in=Lead.objects.visible_to(principal))
        .select_related("lead", "step", "template_version__template")
        .defer("html", "text")
    )


def people_of(principal: Any, *, campaign: DripCampaign) -> "QuerySet[Enrollment]":
    return Enrollment.objects.filter(
        campaign=campaign, lead__in=Lead.objects.visible_to(principal)
    ).select_related("lead", "step__template")


def enrollments_of(lead: Lead) -> "QuerySet[Enrollment]":
    return (
        Enrollment.objects.filter(lead=lead)
        .select_related("campaign", "step__template", "version")
        .order_by("-entered_at", "-pk")
    )


def mails_to(lead: Lead) -> "QuerySet[Send]":
    """All that was planned for a lead, newest first."""
    return (
        Send.objects.filter(lead=lead)
        .select_related("campaign", "step", "template_version__template")
        .defer("html", "text")
        .order_by("-pk")
    )


@dataclass(frozen=True, slots=True)
class LeadDrips:
    """What the lead's page says: campaigns, the last mails, and which could be started."""

    enrollments: list[Enrollment]
    mails: list[Send]
    startable: list[DripCampaign]


def drips_of(lead: Lead, *, most: int = 5) -> LeadDrips:
    enrollments = list(enrollments_of(lead)[:most])
    inside = {row.campaign_id for row in enrollments if row.is_inside}
    running = DripCampaign.objects.filter(state=DripCampaign.State.ACTIVE).order_by("name", "pk")
    return LeadDrips(
        enrollments=enrollments,
        mails=list(mails_to(lead)[:most]),
        startable=[campaign for campaign in running[:100] if campaign.pk not in inside],
    )


# Templates ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TemplateRow:
    template: EmailTemplate
    used_in: list[str]
    numbers: Numbers


def template_rows() -> list[TemplateRow]:
    templates = list(
        EmailTemplate.objects.filter(archived_at=None)
        .select_related("current", "topic")
        .order_by("name", "pk")
    )
    mails = _by(Send.objects.all(), "template_version__template", COUNTS)
    steps = Step.objects.filter(kind=Step.Kind.EMAIL, version__campaign__published=F("version"))
    used: dict[int, list[str]] = {}
    for template_id, name in steps.values_list("template", "version__campaign__name").distinct():
        used.setdefault(template_id, []).append(name)
    return [
        TemplateRow(t, sorted(used.get(t.pk, [])), Numbers(**mails.get(t.pk, {})))
        for t in templates
    ]


def preview_leads(principal: Any, *, most: int = 20) -> list[Lead]:
    """Real people to preview a mail with, the newest first."""
    leads = Lead.objects.visible_to(principal).select_related("company", "owner")
    return list(leads.exclude(email="").order_by("-created_at", "-pk")[:most])


def preview_lead(principal: Any, public_id: str) -> Lead | None:
    """The chosen lead, else any."""
    if public_id:
        leads = Lead.objects.visible_to(principal).select_related("company", "owner")
        chosen: Lead | None = leads.filter(public_id=public_id).first()
        if chosen is not None:
            return chosen
    return next(iter(preview_leads(principal, most=1)), None)


def published_forms() -> list[Form]:
    return list(Form.objects.exclude(published=None).order_by("name", "pk"))
