"""Forms about one lead."""

from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib import normalise
from leadcrm.lib.errors import NotFound
from leads.actions.leads import ContactFields
from leads.countries import countries
from leads.fields import definitions
from leads.forms.values import PREFIX, ValueField, name_in_form, seen
from leads.models import Lead


def country_choices() -> list[tuple[str, str]]:
    return [("", "Not known"), *countries()]


class LeadForm(forms.Form):
    """A lead's fields, each checked so that its error stands beside it.

    The company's own follow as `custom_<key>`; `lead` is whose they are, None for a new one.
    """

    first_name = forms.CharField(max_length=100, required=False)
    last_name = forms.CharField(max_length=100, required=False)
    email = forms.CharField(
        max_length=254,
        required=False,
        label="E-mail",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    phone = forms.CharField(
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        help_text="With the country code, such as +31 10 555 0142.",
    )
    job_title = forms.CharField(max_length=120, required=False)
    company_name = forms.CharField(max_length=200, required=False, label="Company")
    website = forms.CharField(max_length=300, required=False)
    industry = forms.CharField(max_length=80, required=False)
    company_size = forms.IntegerField(
        min_value=0, max_value=99_999_999, required=False, label="Staff"
    )
    country = forms.ChoiceField(choices=country_choices, required=False)
    region = forms.CharField(max_length=80, required=False)
    city = forms.CharField(max_length=80, required=False)
    language = forms.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,6})?$",
        max_length=10,
        required=False,
        help_text="A code, such as en or pt-BR.",
        error_messages={"invalid": "Write a language code, such as en or pt-BR."},
    )
    time_zone = forms.CharField(
        max_length=50, required=False, help_text="Such as Europe/Amsterdam."
    )

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for definition in definitions():
            present = lead.custom.get(definition.key) if lead else None
            name = name_in_form(definition)
            self.fields[name] = ValueField(definition, present=present)
            self.initial[name] = present if lead else definition.default

    def clean_email(self) -> str:
        text = str(self.cleaned_data["email"])
        if text and normalise.email(text) is None:
            raise ValidationError("This is no e-mail address. It looks like name@company.com.")
        return text

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        if zone and zone not in available_timezones():
            raise ValidationError("Write a zone such as Europe/Amsterdam.")
        return zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        names = ("first_name", "last_name", "email", "phone")
        if not self.errors and not any(data.get(name) for name in names):
            raise ValidationError("Fill in a name, an e-mail address or a phone number.")
        return data

    @property
    def contact(self) -> ContactFields:
        """What to write: the contact fields, and those custom fields that somebody touched."""
        values: dict[str, Any] = {}
        for name, value in self.cleaned_data.items():
            field = self.fields[name]
            if isinstance(field, ValueField):
                if value != field.present:
                    values.setdefault("custom", {})[field.definition.key] = value
            elif name in self.base_fields:
                values[name] = value
        return cast(ContactFields, values)

    @property
    def named(self) -> list[str]:
        """The names of a lead's fields, without what a form needs besides."""
        return [name for name in self.fields if name not in {"version", "was"}]

    @property
    def usual(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name in self.base_fields]

    @property
    def own(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The company's own fields by group, in the order of the settings."""
        groups: dict[str, list[forms.BoundField]] = {}
        for bound in self.visible_fields():
            if isinstance(bound.field, ValueField):
                groups.setdefault(bound.field.definition.group, []).append(bound)
        return list(groups.items())


class EditForm(LeadForm):
    """`version` is what the editor read, so that nobody's change is lost unseen."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    @property
    def contact(self) -> ContactFields:
        values = super().contact
        values.pop("version", None)  # type: ignore[typeddict-item]
        return values


class FieldForm(LeadForm):
    """One field, edited in its place. `was` is what the editor saw there."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    was = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        """:raises NotFound: there is no such field."""
        super().__init__(*args, **kwargs)
        if name not in self.named:
            raise NotFound
        self.name = name
        self.fields = {key: self.fields[key] for key in (name, "version", "was")}
        self.fields[name].help_text = ""
        self.fields[name].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        return self.cleaned_data

    @property
    def field(self) -> forms.BoundField:
        return self[self.name]

    @property
    def waits(self) -> bool:
        """Several boxes or lines are saved by a button; the others as soon as they change."""
        return isinstance(self.field.field.widget, (forms.CheckboxSelectMultiple, forms.Textarea))

    @property
    def contact(self) -> ContactFields:
        value, field = self.cleaned_data[self.name], self.fields[self.name]
        if isinstance(field, ValueField):
            return {"custom": {field.definition.key: value}}
        return cast(ContactFields, {self.name: value})


def values_of(lead: Lead) -> dict[str, Any]:
    """What a form about this lead starts with."""
    return {name: getattr(lead, name) for name in LeadForm.base_fields} | {"version": lead.version}


def seen_in(lead: Lead, name: str) -> str:
    """What an editor sees of one field, to be compared later with what is there.

    :raises NotFound: there is no such field.
    """
    if name.startswith(PREFIX):
        return seen(lead.custom.get(name.removeprefix(PREFIX)))
    if name not in LeadForm.base_fields:
        raise NotFound
    value = getattr(lead, name)
    return "" if value is None else str(value)


def differs(lead: Lead, name: str, mine: Any) -> bool:
    """Whether the lead has another value than this one."""
    if name.startswith(PREFIX):
        return bool(lead.custom.get(name.removeprefix(PREFIX)) != mine)
    return str(getattr(lead, name) or "") != str(mine or "")


class SaveViewForm(forms.Form):
    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autofocus": True}))
    shared = forms.BooleanField(required=False, label="Show it to everybody")
    query = forms.CharField(max_length=4000, required=False, widget=forms.HiddenInput)


class NoteForm(forms.Form):
    body = forms.CharField(
        max_length=20_000, label="Note", widget=forms.Textarea(attrs={"rows": 2})
    )
