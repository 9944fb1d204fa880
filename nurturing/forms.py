"""Forms of the nurturing pages."""

from typing import Any

from django import forms

from leads.models import Segment
from nurturing import queries
from nurturing.actions.campaigns import KINDS, TRIGGERS, Settings
from nurturing.models import DripCampaign, EmailTemplate, FrequencyPolicy, Topic


class TriggerForm(forms.Form):
    """When a campaign starts."""

    starts_on = forms.ChoiceField(choices=list(TRIGGERS.items()), label="Starts when")
    form_slugs = forms.MultipleChoiceField(
        required=False,
        label="Forms",
        help_text="None ticked: every form.",
        widget=forms.CheckboxSelectMultiple,
    )
    kinds = forms.MultipleChoiceField(
        required=False,
        label="Qualified as",
        choices=[(key, label.capitalize()) for key, label in KINDS.items()],
        widget=forms.CheckboxSelectMultiple,
    )

    segments = forms.MultipleChoiceField(
        required=False,
        label="Segments or lists",
        help_text="For campaigns that start when a lead enters one of them.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        segments = Segment.objects.filter(archived_at=None).order_by("name")
        known = list(segments.values_list("public_id", "name"))
        self.fields["segments"].choices = known  # type: ignore[attr-defined]
        if not known:
            del self.fields["segments"]
        choices = [(form.slug, form.name) for form in queries.published_forms()]
        self.fields["form_slugs"].choices = choices  # type: ignore[attr-defined]
        if not choices:
            del self.fields["form_slugs"]

    @property
    def trigger(self) -> dict[str, Any]:
        return {
            "on": self.cleaned_data["starts_on"],
            "forms": self.cleaned_data.get("form_slugs", []),
            "kinds": self.cleaned_data["kinds"],
            "segments": self.cleaned_data.get("segments", []),
        }


class CampaignForm(TriggerForm):
    name = forms.CharField(max_length=80, label="Name")
    field_order = ("name",)


class SettingsForm(TriggerForm):
    name = forms.CharField(max_length=80, label="Name")
    topic = forms.ModelChoiceField(Topic.objects.all(), required=False, empty_label="No topic")
    goal = forms.ChoiceField(choices=DripCampaign.Goal.choices)
    exit_mode = forms.ChoiceField(choices=DripCampaign.ExitMode.choices, label="Leaves at")
    stop_on = forms.MultipleChoiceField(
        choices=DripCampaign.StopOn.choices,
        required=False,
        label="Leaves early when the lead or its rep does this",
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("name", "topic")

    @classmethod
    def of(cls, campaign: DripCampaign) -> "SettingsForm":
        return cls(
            initial={
                "name": campaign.name,
                "topic": campaign.topic,
                "goal": campaign.goal,
                "exit_mode": campaign.exit_mode,
                "stop_on": campaign.stop_on,
                "starts_on": campaign.starts_on,
                "form_slugs": campaign.form_slugs,
                "kinds": campaign.trigger.get("kinds", []),
                "segments": campaign.segment_ids,
            }
        )

    @property
    def settings(self) -> Settings:
        data = self.cleaned_data
        return {
            "name": data["name"],
            "topic": data["topic"],
            "goal": data["goal"],
            "exit_mode": data["exit_mode"],
            "stop_on": data["stop_on"],
            "trigger": self.trigger,
        }


class WaitForm(forms.Form):
    amount = forms.IntegerField(min_value=1, max_value=9999, initial=3)
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in queries.WAIT_UNITS], initial="days")

    @property
    def minutes(self) -> int:
        return int(self.cleaned_data["amount"]) * queries.WAIT_UNITS[self.cleaned_data["unit"]]


def usable_templates() -> Any:
    rows = EmailTemplate.objects.filter(archived_at=None).exclude(current=None)
    return rows.order_by("name", "pk")


class MailForm(forms.Form):
    template = forms.ModelChoiceField(
        EmailTemplate.objects.none(), to_field_name="key", empty_label=None, label="E-mail"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].queryset = usable_templates()  # type: ignore[attr-defined]


WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class PolicyForm(forms.Form):
    """How often and when people may be mailed."""

    max_mails = forms.IntegerField(min_value=1, max_value=50, label="At most this many mails")
    per_hours = forms.IntegerField(
        min_value=1, max_value=24 * 30, label="to one person in this many hours"
    )
    opens_at = forms.TimeField(
        required=False,
        label="Not before",
        help_text="In the lead’s own time zone, else ours. Empty: at any hour.",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    closes_at = forms.TimeField(
        required=False,
        label="Not after",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    weekdays = forms.TypedMultipleChoiceField(
        choices=list(enumerate(WEEKDAYS)),
        coerce=int,
        label="On",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one day, or no mail is ever sent."},
    )

    @classmethod
    def of(cls, policy: FrequencyPolicy) -> "PolicyForm":
        return cls(initial={name: getattr(policy, name) for name in cls.base_fields})

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if (opens is None) != (closes is None):
            self.add_error("closes_at", "Give both hours, or neither.")
        elif opens is not None and closes is not None and closes <= opens:
            self.add_error("closes_at", "This must be later than the first hour.")
        return data


class EnrolForm(forms.Form):
    email = forms.CharField(max_length=254, label="E-mail address of the lead")


class NewTemplateForm(forms.Form):
    name = forms.CharField(max_length=80, label="Name")
    topic = forms.ModelChoiceField(Topic.objects.all(), required=False, empty_label="No topic")


class TemplateForm(forms.Form):
    subject = forms.CharField(max_length=300, label="Subject")
    preheader = forms.CharField(
        max_length=300,
        required=False,
        label="Preview line",
        help_text="Shown after the subject in the inbox.",
    )
    html = forms.CharField(
        label="Body",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono edbody", "spellcheck": "true"}),
    )
    text = forms.CharField(
        required=False,
        label="Plain text",
        strip=False,
        help_text="Left empty, it is written from the body.",
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono"}),
    )
