"""Forms of the settings pages."""

from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.accounts.access import teams_below
from leadcrm.accounts.leaving import To
from leadcrm.accounts.models import ApiKey, Role, Team, User, Workspace
from leadcrm.accounts.scopes import SCOPES
from leadcrm.lib.errors import DomainError


def zones() -> list[tuple[str, str]]:
    """Places, not abbreviations: those survive summer time."""
    places = (zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in sorted(places))]


NO_ZONE = {
    "invalid_choice": "“%(value)s” is no time zone we know. Choose a place, such as "
    "Europe/Amsterdam: it knows about summer time."
}


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["name", "time_zone", "theme", "keyboard_shortcuts", "signature"]
        labels = {
            "name": "Your name",
            "theme": "Colours",
            "keyboard_shortcuts": "Single-key shortcuts, such as J and K",
        }
        help_texts = {
            "time_zone": "Times are shown in this zone, and your working hours are counted in it.",
            "signature": "Put under the e-mails you write from LeadCRM.",
        }
        widgets = {
            "theme": forms.RadioSelect,
            "signature": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = forms.ChoiceField(
            choices=zones(),
            help_text=self.fields["time_zone"].help_text,
            error_messages=NO_ZONE,
        )
        self.fields["theme"] = forms.ChoiceField(
            choices=User.Theme.choices, widget=forms.RadioSelect, required=False, label="Colours"
        )


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Workspace
        fields = ["name", "time_zone", "currency", "country", "postal_address"]
        help_texts = {
            "currency": "Three letters, such as EUR.",
            "country": "Two letters, such as NL: where phone numbers without a prefix are from.",
            "postal_address": "Printed under every campaign e-mail; the law asks for it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"] = forms.ChoiceField(choices=zones(), error_messages=NO_ZONE)

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()


class PersonForm(forms.Form):
    """`email` only where somebody is invited: an address is changed by its owner."""

    email = forms.EmailField(label="E-mail")
    name = forms.CharField(max_length=100)
    role = forms.ChoiceField(choices=Role.choices)
    teams = forms.ModelMultipleChoiceField(
        Team.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class ChangePersonForm(PersonForm):
    email = None  # type: ignore[assignment]


class LeavingForm(forms.Form):
    """What becomes of what somebody holds who leaves."""

    to = forms.ChoiceField(
        choices=To.choices, widget=forms.RadioSelect, label="Their open leads and tasks"
    )
    successor = forms.ChoiceField(required=False, label="Colleague")
    note = forms.CharField(
        required=False,
        max_length=500,
        label="Hand-over note",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown with each lead to whoever gets it.",
    )

    def __init__(self, *args: Any, leaving: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staying = User.objects.filter(
            is_active=True, role__in=[Role.REP, Role.MANAGER, Role.ADMIN]
        ).exclude(pk=leaving.pk)
        self.people = {user.public_id: user for user in staying.order_by("name", "pk")}
        names = [(key, user.name) for key, user in self.people.items()]
        self.fields["successor"].choices = [("", "Choose a colleague"), *names]  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {**given, "successor": self.people.get(given["successor"])}


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Team
        fields = ["name", "parent", "manager"]
        labels = {"parent": "Part of"}
        help_texts = {"manager": "Sees the leads of this team and of the teams below it."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managers = User.objects.filter(role__in=[Role.MANAGER, Role.ADMIN], is_active=True)
        self.fields["manager"] = forms.ModelChoiceField(
            managers.order_by("name"), required=False, help_text=self.fields["manager"].help_text
        )
        self.fields["parent"] = forms.ModelChoiceField(
            Team.objects.exclude(pk=self.instance.pk).order_by("name"),
            required=False,
            label="Part of",
        )

    def clean_parent(self) -> Team | None:
        """Escalations go up the teams: they must come to an end."""
        parent: Team | None = self.cleaned_data["parent"]
        if parent is not None and self.instance.pk:
            below = teams_below(frozenset({self.instance.pk}))
            if parent.pk in below:
                raise ValidationError(
                    f"{parent} is part of {self.instance} already. In a circle nobody would be "
                    "above, and escalations would never end. Choose a team outside it."
                )
        return parent


class ApiKeyForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="Where it is used, such as Booking site.")
    kind = forms.ChoiceField(
        choices=ApiKey.Kind.choices, widget=forms.RadioSelect, initial=ApiKey.Kind.SECRET
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, f"{text} ({scope})") for scope, text in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        label="May",
    )
    origins = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://www.example.com"}),
        required=False,
        label="Sites",
        help_text="One a line. A publishable key works only on these.",
    )
    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("name"),
        required=False,
        label="Sees the records of",
        empty_label="Everybody",
    )

    def clean_origins(self) -> list[str]:
        origins = str(self.cleaned_data["origins"]).split()
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValidationError(f"Write {origin} as https://www.example.com.")
        return [origin.rstrip("/") for origin in origins]


def show_refusal(form: forms.BaseForm, error: DomainError) -> None:
    """Put what an action refused beside the fields it concerns."""
    for problem in error.errors:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
    if not error.errors:
        form.add_error(None, error.detail)
