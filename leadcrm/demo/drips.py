"""The drip campaigns of the demo company, and who got which mail in two years."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from leadcrm.demo.load import bulk
from leadcrm.demo.story import Story
from leads.actions.consent import email_hash
from leads.models import Activity, Lead
from nurturing.defaults import (
    DAY_MINUTES,
    DefaultTemplate,
    ensure_template,
    ensure_topics,
    ensure_welcome_campaign,
)
from nurturing.models import DripCampaign, DripVersion, EmailTemplate, Enrollment, Send, Step

OPENS, CLICKS, REPLIES = 0.46, 0.13, 0.03
SIGNED = "\n\n{{ owner.name | default: workspace.name }}\n"
HELLO = 'Hello {{ lead.first_name | default: "there" }},\n\n'

GUIDE_MAILS = (
    DefaultTemplate(
        "guide-attached",
        "Your overtime guide",
        "Cut overtime in 90 days: your guide",
        "24 pages, and where to start.",
        HELLO + "Here is the guide you asked for. Start with page 7: the three numbers that show "
        "where overtime comes from.\n\nhttps://marlow.example/guides/overtime" + SIGNED,
    ),
    DefaultTemplate(
        "guide-numbers",
        "The three numbers",
        "Did you find your three numbers?",
        "What they were at a carrier with 260 drivers.",
        HELLO + "A carrier with 260 drivers found that swaps by phone caused a third of its "
        "overtime.\n\nhttps://marlow.example/customers/logistics" + SIGNED,
    ),
    DefaultTemplate(
        "guide-call",
        "Look at it together",
        "Twenty minutes with your own rota",
        "Bring last month's plan.",
        HELLO + "Bring last month's plan, and we show what the planner would have warned about."
        "\n\nhttps://marlow.example/demo" + SIGNED,
    ),
)
WEBINAR_MAILS = (
    DefaultTemplate(
        "webinar-recording",
        "Webinar recording",
        "The recording: rest rules without the spreadsheet",
        "And the answers to all questions.",
        HELLO + "Thank you for joining. The recording and all answers are here.\n\n"
        "https://marlow.example/webinars/rest-rules" + SIGNED,
        topic="events",
    ),
    DefaultTemplate(
        "webinar-checklist",
        "Rest-rule checklist",
        "The checklist we showed at minute 31",
        "One page, ready to print.",
        HELLO + "The checklist for your next works-council meeting.\n\n"
        "https://marlow.example/blog/rest-rules" + SIGNED,
        topic="events",
    ),
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail step with the time since entering at which it is due."""

    step: Step
    template: EmailTemplate
    after: timedelta


@dataclass(frozen=True, slots=True)
class Drip:
    campaign: DripCampaign
    version: DripVersion
    steps: tuple[Step, ...]
    mails: tuple[Mail, ...]


@transaction.atomic
def load_drips(told: Sequence[tuple[Story, Lead]], *, seed: int, now: datetime) -> None:
    """Three campaigns; each lead with consent went through the one of its form."""
    welcome = drip_of(ensure_welcome_campaign())
    drips = {
        "overtime-guide": make("overtime-guide", "Overtime guide", GUIDE_MAILS, (2, 5), now),
        "webinar": make(
            "webinar-follow-up", "Webinar follow-up", WEBINAR_MAILS, (3,), now, "webinar"
        ),
    }
    began = now - timedelta(days=730)
    DripCampaign.objects.update(activated_at=began, created_at=began)
    DripVersion.objects.update(published_at=began)
    histories = [
        History(
            story, lead, drips.get(story.origin.form, welcome), Random(f"{seed}:{lead.pk}"), now
        )
        for story, lead in told
        if story.origin.form and story.consents
    ]
    enrollments = bulk(history.enrollment() for history in histories)
    pairs = list(zip(histories, enrollments, strict=True))
    bulk(send for history, enrollment in pairs for send in history.sends(enrollment))
    bulk(activity for history in histories for activity in history.activities())


def make(
    key: str,
    name: str,
    mails: Sequence[DefaultTemplate],
    waits: Sequence[int],
    now: datetime,
    form: str = "",
) -> Drip:
    """A campaign that sends `mails` with `waits` (in days) between them."""
    templates = [ensure_template(mail) for mail in mails]
    campaign, made = DripCampaign.objects.get_or_create(
        key=key,
        defaults={
            "name": name,
            "trigger": {"on": "capture", "forms": [form or key]},
            "topic": ensure_topics()[mails[0].topic],
        },
    )
    if made:
        version = DripVersion.objects.create(campaign=campaign, number=1, published_at=now)
        Step.objects.bulk_create(steps_of(version, templates, waits))
        campaign.published, campaign.state = version, DripCampaign.State.ACTIVE
        campaign.save(update_fields=["published", "state"])
    return drip_of(campaign)


def steps_of(
    version: DripVersion, templates: Sequence[EmailTemplate], waits: Sequence[int]
) -> Iterator[Step]:
    position = 0
    for index, template in enumerate(templates):
        if index:
            yield Step(
                version=version,
                key=f"wait-{index}",
                position=position,
                kind=Step.Kind.WAIT,
                wait_minutes=waits[index - 1] * DAY_MINUTES,
            )
            position += 1
        yield Step(
            version=version,
            key=template.key[:20],
            position=position,
            kind=Step.Kind.EMAIL,
            template=template,
        )
        position += 1


def drip_of(campaign: DripCampaign) -> Drip:
    version = campaign.published
    if version is None:
        raise ValueError(f"{campaign} is not published")
    steps = tuple(version.steps.select_related("template__current").order_by("position"))
    mails, after = [], timedelta(0)
    for step in steps:
        after += timedelta(minutes=step.wait_minutes)
        if step.template is not None:
            mails.append(Mail(step, step.template, after))
    return Drip(campaign, version, steps, tuple(mails))


class History:
    """One lead's way through one drip campaign."""

    def __init__(self, story: Story, lead: Lead, drip: Drip, random: Random, now: datetime) -> None:
        self.lead = lead
        self.drip = drip
        self.now = now
        self.entered_at = story.created_at + timedelta(seconds=2)
        talks = [h.at for h in story.happenings if h.type == "call_connected"]
        ends = [at for at in [*talks, story.closed_at] if at and at > self.entered_at]
        self.left_at = min(ends, default=None)
        self.reason = "taken_over" if talks else "lead_closed"
        self.qualified_at = next((at for stage, at in story.path if stage == "sql"), None)
        self.sent = [
            (mail, at, random.random(), random.random())
            for mail in drip.mails
            if (at := self.entered_at + mail.after) < now
            and (not self.left_at or at < self.left_at)
        ]

    @property
    def is_over(self) -> bool:
        return self.left_at is not None or len(self.sent) == len(self.drip.mails)

    def enrollment(self) -> Enrollment:
        complete = len(self.sent) == len(self.drip.mails)
        state = Enrollment.State.ACTIVE
        if complete:
            state = Enrollment.State.COMPLETED
        elif self.left_at:
            state = Enrollment.State.EXITED
        waiting = None if self.is_over else self.drip.mails[len(self.sent)]
        return Enrollment(
            campaign=self.drip.campaign,
            version=self.drip.version,
            lead=self.lead,
            step=self.waits_at(waiting) if waiting else None,
            state=state,
            cause="capture",
            exit_reason=self.reason if state == Enrollment.State.EXITED else "",
            entered_at=self.entered_at,
            step_since=self.sent[-1][1] if self.sent else self.entered_at,
            ended_at=self.ended_at() if self.is_over else None,
            reached_goal_at=self.qualified_at,
            due_at=self.entered_at + waiting.after if waiting else None,
        )

    def waits_at(self, mail: Mail) -> Step:
        """The wait before the next mail; a lead that just came stands at the first mail."""
        return self.drip.steps[max(mail.step.position - 1, 0)]

    def ended_at(self) -> datetime:
        if len(self.sent) == len(self.drip.mails):
            return self.sent[-1][1]
        return self.left_at or self.now

    def sends(self, enrollment: Enrollment) -> Iterator[Send]:
        for mail, at, opens, clicks in self.sent:
            yield Send(
                enrollment=enrollment,
                campaign=self.drip.campaign,
                step=mail.step,
                step_key=mail.step.key,
                lead=self.lead,
                template_version=mail.template.current,
                topic=mail.template.topic.key if mail.template.topic else "",
                message_id=f"<demo-{enrollment.pk}-{mail.step.key}@marlow.example>",
                email_hash=email_hash(self.lead.email),
                to_address=self.lead.email,
                subject=mail.template.name,
                state=Send.State.DELIVERED,
                planned_at=at,
                handed_off_at=at,
                accepted_at=at,
                settled_at=at,
                opened_at=self.at_or_none(at, 3, opens, OPENS),
                clicked_at=self.at_or_none(at, 4, clicks, CLICKS),
                replied_at=self.at_or_none(at, 5, clicks, REPLIES),
                due_at=None,
            )

    def at_or_none(self, at: datetime, hours: int, luck: float, chance: float) -> datetime | None:
        moment = at + timedelta(hours=hours)
        return moment if luck < chance and moment < self.now else None

    def activities(self) -> Iterator[Activity]:
        for mail, at, opens, clicks in self.sent:
            told = [
                ("email_sent", at),
                ("email_open", self.at_or_none(at, 3, opens, OPENS)),
                ("email_click", self.at_or_none(at, 4, clicks, CLICKS)),
                ("email_reply", self.at_or_none(at, 5, clicks, REPLIES)),
            ]
            for type_, moment in told:
                if moment:
                    yield Activity(
                        lead=self.lead,
                        type=type_,
                        occurred_at=moment,
                        received_at=moment,
                        properties={
                            "subject": mail.template.name,
                            "campaign": self.drip.campaign.name,
                        },
                    )
