"""What a person says of a source: its name, its secrets, its provider's own questions."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.accounts.models import Role, User
from leads.attribution.channels import offered_choices
from leads.forms.wishing import WishForm
from leads.models import Connection
from leads.providers import Option, Provider

HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
OPTION = "option_"


class NewSourceForm(forms.Form):
    """The provider decides what is asked."""

    name = forms.CharField(max_length=80, help_text="For you, such as “Facebook spring ads”.")
    channel = forms.ChoiceField(
        choices=offered_choices, help_text="Where a lead counts that carries no campaign tags."
    )

    def __init__(self, provider: Provider, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider = provider
        self.fields["name"].initial = provider.label
        self.fields["channel"].initial = provider.channel
        if provider.proof_label and not provider.proof_is_ours:
            self.fields["secret"] = secret_field(provider.proof_label, provider.proof_help)
        if provider.access_label:
            self.fields["access"] = secret_field(provider.access_label, provider.access_help)
        add_options(self, provider, {})

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "options": options_of(self)}


class SourceForm(WishForm):
    """Everything of a source but its secrets; what happens to its leads stands apart."""

    name = forms.CharField(max_length=80)
    channel = forms.ChoiceField(
        choices=offered_choices, help_text="Where a lead counts that carries no campaign tags."
    )
    is_test = forms.BooleanField(
        required=False,
        label="Test mode",
        help_text="What comes in is marked as a test and counts in no report.",
    )
    allowed_hosts = forms.CharField(
        required=False,
        label="Websites",
        help_text="One a line, such as www.example.com. Their visitors may be sent back there, "
        "and their scripts may read the answer.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    watchers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        label="Told of each new lead and of trouble",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, connection: Connection, provider: Provider, data: Any = None) -> None:
        super().__init__(data, wishes=connection.source.wishes)
        self.initial.update(initial_of(connection))
        people = User.objects.filter(is_active=True, role__in=(Role.MARKETER, Role.MANAGER))
        watchers: Any = self.fields["watchers"]
        watchers.queryset = (
            people | User.objects.filter(is_active=True, role=Role.ADMIN)
        ).order_by("name")
        add_options(self, provider, connection.options)

    @property
    def about_it(self) -> list[forms.BoundField]:
        """Without what happens to its leads, and who is told."""
        apart = {*WishForm.base_fields, "watchers"}
        return [bound for bound in self if bound.name not in apart]

    def clean_allowed_hosts(self) -> list[str]:
        given = str(self.cleaned_data["allowed_hosts"]).lower().split()
        hosts = [re.sub(r"^https?://", "", each).rstrip("/") for each in given]
        wrong = next((each for each in hosts if not HOST.fullmatch(each)), None)
        if wrong or len(hosts) > 50:
            raise ValidationError(f"“{wrong}” is not a website. It looks like www.example.com.")
        return hosts

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "options": options_of(self)}


def initial_of(connection: Connection) -> dict[str, Any]:
    return {
        "name": connection.source.name,
        "channel": connection.source.channel,
        "is_test": connection.is_test,
        "allowed_hosts": "\n".join(connection.allowed_hosts),
        "watchers": connection.watchers.all(),
    }


class SecretForm(forms.Form):
    """One secret, pasted; never shown again in full."""

    secret = forms.CharField(
        max_length=4000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def secret_field(label: str, help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    later = help_text or "You can also add it later."
    return forms.CharField(
        max_length=4000, required=False, label=label, help_text=later, widget=widget
    )


def add_options(form: forms.Form, provider: Provider, given: dict[str, Any]) -> None:
    for option in provider.options:
        form.fields[f"{OPTION}{option.name}"] = option_field(option, given.get(option.name))


def option_field(option: Option, given: Any) -> forms.Field:
    common: dict[str, Any] = {
        "label": option.label,
        "help_text": option.help,
        "required": option.required,
        "initial": given or option.default,
    }
    if option.choices:
        return forms.ChoiceField(choices=option.choices, **common)
    if "a line" in option.help:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=8000, **common)
    return forms.CharField(max_length=200, **common)


def options_of(form: forms.Form) -> dict[str, str]:
    return {
        name.removeprefix(OPTION): str(value)
        for name, value in form.cleaned_data.items()
        if name.startswith(OPTION) and value
    }
