"""Settings → Channels: a rule with its conditions, and an address to try."""

from typing import Any

from django import forms
from django.http import QueryDict

from leadcrm.lib.errors import DomainError
from leads.actions.channels import RuleValues
from leads.attribution import channels
from leads.attribution.rules import FIELDS, OF_SOURCE, OPS, WITHOUT_VALUES, Rule
from leads.models import AttributionSettings, Source

SPARE_ROWS = 2
FIELD_CHOICES = [("", "No condition"), *((asked.key, asked.label) for asked in FIELDS.values())]
OP_CHOICES = list(OPS.items())


def target_choices() -> list[tuple[str, str]]:
    return [*channels.offered_choices(), (OF_SOURCE, "The channel its source declares")]


class ChannelForm(forms.Form):
    name = forms.CharField(max_length=40, label="Name")
    icon = forms.ChoiceField(
        required=False, choices=[(name, name.replace("-", " ")) for name in channels.OWN_ICONS]
    )


class RuleForm(forms.Form):
    """The name and channel; conditions are rows of three fields with the same names."""

    name = forms.CharField(max_length=80, label="Name")
    channel = forms.ChoiceField(label="Channel")

    def __init__(self, data: QueryDict | None, rule: Rule | None) -> None:
        start = {"name": rule.name, "channel": rule.channel} if rule else {}
        super().__init__(data, initial=start)
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells the types
        field.choices = [("", "Choose a channel"), *target_choices()]
        if rule is not None and rule.channel not in dict(field.choices):
            field.choices = [*field.choices, (rule.channel, channels.label_of(rule.channel))]
        self.rows = _posted(data) if data is not None else _stored(rule)
        self.rows += [("", "is", "")] * SPARE_ROWS

    @property
    def given(self) -> RuleValues:
        return {
            "name": self.cleaned_data["name"],
            "channel": self.cleaned_data["channel"],
            "conditions": [(f, op, _words(said)) for f, op, said in self.rows if f],
        }

    def take(self, error: DomainError) -> None:
        """Show what the action refused beside what it is about."""
        for mistake in error.errors:
            self.add_error(mistake.field if mistake.field in self.fields else None, mistake.message)
        if not error.errors:
            self.add_error(None, error.detail)


def _posted(data: QueryDict) -> list[tuple[str, str, str]]:
    columns = [data.getlist(name) for name in ("field", "op", "values")]
    return [row for row in zip(*columns, strict=False) if row[0]]


def _stored(rule: Rule | None) -> list[tuple[str, str, str]]:
    return [(c.field, c.op, ", ".join(c.values)) for c in rule.conditions] if rule else []


def _words(said: str) -> list[str]:
    return [word.strip() for word in said.replace("\n", ",").split(",")]


class TryForm(forms.Form):
    """GET only: what was tried stands in the address."""

    url = forms.CharField(max_length=2000, required=False, label="Address of the page")
    referrer = forms.CharField(max_length=1000, required=False, label="Came from")
    source = forms.ModelChoiceField(
        Source.objects.order_by("name"),
        required=False,
        to_field_name="key",
        label="Source",
        empty_label="None",
    )

    @property
    def was_asked(self) -> bool:
        return bool(self.is_bound and (self.data.get("url") or self.data.get("referrer")))


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = AttributionSettings
        fields = [
            "window_days",
            "half_life_days",
            "ends_percent",
            "ignore_direct",
            "click_id_days",
            "conversion_consent",
        ]
        labels = {
            "window_days": "Look-back window, days",
            "half_life_days": "Time decay: half of the weight after, days",
            "ends_percent": "Position-based: percent for the first and the last touch each",
            "ignore_direct": "Direct visits get credit only when there is no other touch",
            "click_id_days": "Keep the values of click ids, days",
            "conversion_consent": "Tell advertisers of conversions of those who agreed to",
        }
        help_texts = {
            "window_days": "Older touches get no credit.",
            "click_id_days": "Afterwards only their names are kept, such as gclid.",
            "conversion_consent": "Empty: of everybody who did not refuse tracking.",
        }


def needs_values(op: str) -> bool:
    return op not in WITHOUT_VALUES


def lines(text: Any) -> list[str]:
    return [line.strip() for line in str(text).replace(",", "\n").splitlines() if line.strip()]
