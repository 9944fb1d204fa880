"""What advertisers are told, as the office says it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone

from leads.actions.feedback import Telling
from leads.forms.marketing import TakesErrors
from leads.models import Connection, Feedback
from leads.queries.feedback import conversions
from leads.queries.offline import USUAL_NAMES, names

NAME = "name_"
DAYS = 30


class FeedbackForm(TakesErrors):
    is_on = forms.BooleanField(required=False, label="Tell Meta how far its leads come")
    dataset = forms.CharField(
        max_length=40,
        required=False,
        label="Dataset id",
        help_text="In Meta's Events Manager: the number of the dataset connected to your CRM.",
        validators=[RegexValidator(r"^[0-9]+\Z", "It is a number, such as 1234567890.")],
    )
    token = forms.CharField(
        max_length=4000,
        required=False,
        label="Access token",
        help_text="Events Manager makes it: Settings, Conversions API. Kept encrypted. "
        "Empty: the present one stays.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    sends_contact = forms.BooleanField(
        required=False,
        label="Send hashed contact data as well",
        help_text="E-mail, phone, name, city and country, each as a SHA-256 hash. "
        "Without it Meta gets its own lead id only.",
    )
    test_code = forms.CharField(
        max_length=40,
        required=False,
        label="Test event code",
        help_text="From “Test events”. While it is set, events show there and count nowhere.",
    )

    def __init__(self, connection: Connection, data: Any = None) -> None:
        feedback = Feedback.objects.filter(pk=connection.pk).first() or Feedback()
        kept = ("is_on", "dataset", "sends_contact", "test_code")
        super().__init__(data, initial={name: getattr(feedback, name) for name in kept})
        self._keys = []
        for number, (key, words) in enumerate(conversions()):
            self._keys.append(key)
            self.fields[f"{NAME}{number}"] = forms.CharField(
                max_length=100, required=False, label=words, initial=feedback.names.get(key, "")
            )

    @property
    def about_it(self) -> list[forms.BoundField]:
        return [self[name] for name in self.base_fields]

    @property
    def names(self) -> Iterator[forms.BoundField]:
        return (self[f"{NAME}{number}"] for number in range(len(self._keys)))

    @property
    def telling(self) -> Telling:
        given = self.cleaned_data
        called = {key: given[f"{NAME}{number}"] for number, key in enumerate(self._keys)}
        return Telling(names=called, **{name: given[name] for name in self.base_fields})


class PeriodForm(forms.Form):
    """Days in the workspace's time zone; without any the last thirty."""

    first_day = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))

    @classmethod
    def usual(cls) -> dict[str, date]:
        today = timezone.localdate()
        return {"first_day": today - timedelta(days=DAYS - 1), "last_day": today}


class ConversionNamesForm(TakesErrors):
    mql = forms.CharField(max_length=100, required=False, label="Marketing-qualified")
    sql = forms.CharField(max_length=100, required=False, label="Sales-qualified")
    won = forms.CharField(max_length=100, required=False, label="Won")

    def __init__(self, data: Any = None) -> None:
        known = names()
        super().__init__(data, initial={kind: known[kind] for kind in USUAL_NAMES})
