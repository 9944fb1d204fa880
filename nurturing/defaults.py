"""What a fresh installation starts with: topics, a welcome mail and a three-mail drip campaign."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from nurturing.models import (
    DripCampaign,
    DripVersion,
    EmailTemplate,
    Step,
    TemplateVersion,
    Topic,
)

WELCOME = "welcome"
DAY_MINUTES = 24 * 60

TOPICS = [
    ("tips", "Tips and guides", "How others solve what you are working on."),
    ("product", "Product news", "What is new, about once a month."),
    ("events", "Webinars and events", "Invitations, and recordings afterwards."),
]


@dataclass(frozen=True, slots=True)
class DefaultTemplate:
    key: str
    name: str
    subject: str
    preheader: str
    html: str
    topic: str = "tips"


TEMPLATES = [
    DefaultTemplate(
        WELCOME,
        "Welcome",
        "Welcome to {{ workspace.name }}",
        "What happens next, and how to reach us.",
        """Hello {{ lead.first_name | default: "there" }},

Thank you for getting in touch with {{ workspace.name }}. We read what you sent us and come back \
to you personally.

Until then: reply to this mail with anything that would help us prepare{% if lead.company %}, \
for example what matters most at {{ lead.company }}{% endif %}.

{{ owner.name | default: workspace.name }}
""",
    ),
    DefaultTemplate(
        "first-steps",
        "First steps",
        "Three questions worth asking first",
        "Before you compare products.",
        """Hello {{ lead.first_name | default: "there" }},

Before you compare products, three questions save most of the time:

1. Who decides, and who has to live with the result?
2. What does it cost to leave things as they are?
3. By when does it have to work?

Reply with your answers and we tell you honestly whether we fit.

{{ owner.name | default: workspace.name }}
""",
    ),
    DefaultTemplate(
        "your-turn",
        "Your turn",
        "{{ lead.first_name | default: 'Hello' }}, shall we look at it together?",
        "Fifteen minutes, no slides.",
        """Hello {{ lead.first_name | default: "there" }},

If this is still on your list{% if lead.company %} at {{ lead.company }}{% endif %}, take \
fifteen minutes with us: your situation, our honest opinion, no slides.

Just reply with two times that suit you. If the moment has passed, that is fine too; \
this is the last mail of this series.

{{ owner.name | default: workspace.name }}
""",
    ),
]

# (step key, kind, wait in minutes, template)
WELCOME_STEPS = [
    ("welcome", "email", 0, WELCOME),
    ("wait-3-days", "wait", 3 * DAY_MINUTES, None),
    ("first-steps", "email", 0, "first-steps"),
    ("wait-4-days", "wait", 4 * DAY_MINUTES, None),
    ("your-turn", "email", 0, "your-turn"),
]


def ensure_topics() -> dict[str, Topic]:
    for position, (key, name, description) in enumerate(TOPICS):
        Topic.objects.get_or_create(
            key=key, defaults={"name": name, "description": description, "position": position}
        )
    return {topic.key: topic for topic in Topic.objects.all()}


def ensure_template(default: DefaultTemplate) -> EmailTemplate:
    """The template by its key; one that exists keeps what people made of it."""
    template, _ = EmailTemplate.objects.get_or_create(
        key=default.key, defaults={"name": default.name, "topic": ensure_topics()[default.topic]}
    )
    if template.current is None:
        template.current = TemplateVersion.objects.create(
            template=template,
            number=1,
            subject=default.subject,
            preheader=default.preheader,
            html=default.html,
        )
        template.save(update_fields=["current"])
    return template


@transaction.atomic
def ensure_welcome_campaign() -> DripCampaign:
    """The drip campaign that every capture starts; made once, running at once."""
    templates = {default.key: ensure_template(default) for default in TEMPLATES}
    campaign, made = DripCampaign.objects.get_or_create(
        key=WELCOME,
        defaults={
            "name": "Welcome",
            "trigger": {"on": "capture", "forms": []},
            "topic": ensure_topics()["tips"],
        },
    )
    if not made:
        return campaign
    version = DripVersion.objects.create(campaign=campaign, number=1, published_at=Now())
    Step.objects.bulk_create(
        Step(
            version=version,
            key=key,
            position=position,
            kind=kind,
            wait_minutes=minutes,
            template=templates[template] if template else None,
        )
        for position, (key, kind, minutes, template) in enumerate(WELCOME_STEPS)
    )
    DripCampaign.objects.filter(pk=campaign.pk).update(
        published=version, state=DripCampaign.State.ACTIVE, activated_at=Now()
    )
    campaign.refresh_from_db()
    return campaign
