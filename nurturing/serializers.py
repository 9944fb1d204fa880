"""Drip campaigns, templates, enrollments and mails as programs see and write them."""

from typing import Any

from rest_framework import serializers

from nurturing.actions.campaigns import TRIGGERS
from nurturing.actions.steps import LONGEST_WAIT_MINUTES
from nurturing.models import DripCampaign, EmailTemplate, Enrollment, Send, Step
from nurturing.queries import CampaignRow


class TriggerShape(serializers.Serializer[Any]):
    on = serializers.ChoiceField(choices=list(TRIGGERS))
    forms = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    kinds = serializers.ListField(child=serializers.CharField(max_length=10), required=False)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=12), required=False, help_text="Ids of segments."
    )


class StepShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    position = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Step.Kind.choices)
    wait_minutes = serializers.IntegerField(allow_null=True)
    template = serializers.CharField(allow_null=True)


class CampaignNumbers(serializers.Serializer[Any]):
    inside = serializers.IntegerField()
    entered = serializers.IntegerField()
    goals = serializers.IntegerField()
    sent = serializers.IntegerField()
    opened = serializers.IntegerField(help_text="By people; machines are left out.")
    clicked = serializers.IntegerField(help_text="By people; machines are left out.")
    replied = serializers.IntegerField()
    unsubscribed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    in_doubt = serializers.IntegerField()


class CampaignSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=DripCampaign.State.choices)
    trigger = TriggerShape()
    goal = serializers.ChoiceField(choices=DripCampaign.Goal.choices)
    exit_mode = serializers.ChoiceField(choices=DripCampaign.ExitMode.choices)
    stop_on = serializers.ListField(child=serializers.CharField())
    topic = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    numbers = CampaignNumbers()


class CampaignDetailSerializer(CampaignSerializer):
    steps = StepShape(many=True)


class CampaignPageSerializer(serializers.Serializer[Any]):
    results = CampaignSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class StepInput(serializers.Serializer[Any]):
    """`email` needs `template`, `wait` needs `wait_minutes`."""

    kind = serializers.ChoiceField(choices=Step.Kind.choices)
    template = serializers.SlugField(required=False)
    wait_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=LONGEST_WAIT_MINUTES
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {Step.Kind.EMAIL: "template", Step.Kind.WAIT: "wait_minutes"}.get(attrs["kind"])
        if needed and needed not in attrs:
            raise serializers.ValidationError({needed: f"A step “{attrs['kind']}” needs this."})
        return attrs


class CampaignCreate(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    key = serializers.SlugField(max_length=50, required=False)
    trigger = TriggerShape(required=False)
    steps = StepInput(many=True, required=False)
    publish = serializers.BooleanField(default=False)


class TemplateSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    topic = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    subject = serializers.CharField()
    preheader = serializers.CharField()
    html = serializers.CharField()
    text = serializers.CharField()
    updated_at = serializers.DateTimeField(allow_null=True)


class TemplatePageSerializer(serializers.Serializer[Any]):
    results = TemplateSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TemplateContent(serializers.Serializer[Any]):
    """Liquid. Mistakes are refused with their line."""

    subject = serializers.CharField(max_length=300)
    preheader = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    html = serializers.CharField(max_length=64_000, trim_whitespace=False)
    text = serializers.CharField(
        max_length=64_000, required=False, allow_blank=True, default="", trim_whitespace=False
    )


class TemplateCreate(TemplateContent):
    name = serializers.CharField(max_length=80)
    key = serializers.SlugField(max_length=50, required=False)
    topic = serializers.SlugField(required=False)


class EnrollmentSerializer(serializers.Serializer[Any]):
    campaign = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Enrollment.State.choices)
    step = serializers.CharField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    cause = serializers.CharField()
    exit_reason = serializers.CharField(allow_blank=True)
    exit_words = serializers.CharField(allow_blank=True)
    entered_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class EnrollmentPageSerializer(serializers.Serializer[Any]):
    results = EnrollmentSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class EnrollmentCreate(serializers.Serializer[Any]):
    campaign = serializers.SlugField(max_length=60)


class MailSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    lead = serializers.CharField()
    campaign = serializers.CharField()
    step = serializers.CharField()
    subject = serializers.CharField()
    state = serializers.ChoiceField(choices=Send.State.choices)
    reason_code = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    message_id = serializers.CharField()
    planned_at = serializers.DateTimeField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True, help_text="First time, by a person.")
    clicked_at = serializers.DateTimeField(allow_null=True, help_text="First time, by a person.")
    replied_at = serializers.DateTimeField(allow_null=True)
    unsubscribed_at = serializers.DateTimeField(allow_null=True)


class MailPageSerializer(serializers.Serializer[Any]):
    results = MailSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


# Shapes ---------------------------------------------------------------------------------------


def campaign_shape(row: CampaignRow) -> dict[str, Any]:
    campaign, numbers = row.campaign, row.numbers
    return {
        "key": campaign.key,
        "name": campaign.name,
        "state": campaign.state,
        "trigger": campaign.trigger,
        "goal": campaign.goal,
        "exit_mode": campaign.exit_mode,
        "stop_on": campaign.stop_on,
        "topic": campaign.topic.key if campaign.topic else None,
        "version": campaign.published.number if campaign.published else None,
        "created_at": campaign.created_at,
        "numbers": {
            "inside": row.inside,
            "entered": row.entered,
            "goals": row.goals,
            "sent": numbers.sent,
            "opened": numbers.opened,
            "clicked": numbers.clicked,
            "replied": numbers.replied,
            "unsubscribed": numbers.unsubscribed,
            "skipped": numbers.skipped,
            "in_doubt": numbers.in_doubt,
        },
    }


def step_shape(step: Step) -> dict[str, Any]:
    return {
        "key": step.key,
        "position": step.position,
        "kind": step.kind,
        "wait_minutes": step.wait_minutes or None,
        "template": step.template.key if step.template else None,
    }


def template_shape(template: EmailTemplate) -> dict[str, Any]:
    said = template.current
    return {
        "key": template.key,
        "name": template.name,
        "topic": template.topic.key if template.topic else None,
        "version": said.number if said else None,
        "subject": said.subject if said else "",
        "preheader": said.preheader if said else "",
        "html": said.html if said else "",
        "text": said.text if said else "",
        "updated_at": said.created_at if said else None,
    }


def enrollment_shape(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "campaign": enrollment.campaign.key,
        "name": enrollment.campaign.name,
        "state": enrollment.state,
        "step": enrollment.step.key if enrollment.step else None,
        "next_at": enrollment.due_at,
        "cause": enrollment.cause,
        "exit_reason": enrollment.exit_reason,
        "exit_words": enrollment.exit_words,
        "entered_at": enrollment.entered_at,
        "ended_at": enrollment.ended_at,
    }


def mail_shape(send: Send) -> dict[str, Any]:
    return {
        "id": send.public_id,
        "lead": send.lead.public_id,
        "campaign": send.campaign.key,
        "step": send.step_key,
        "subject": send.subject,
        "state": send.state,
        "reason_code": send.reason_code,
        "reason": send.reason,
        "message_id": send.message_id,
        "planned_at": send.planned_at,
        "next_try_at": send.due_at if send.is_waiting else None,
        "accepted_at": send.accepted_at,
        "opened_at": send.opened_at,
        "clicked_at": send.clicked_at,
        "replied_at": send.replied_at,
        "unsubscribed_at": send.unsubscribed_at,
    }
