"""Campaigns, spend and exchange rates as people enter them."""

from typing import Any

from django import forms

from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import DomainError
from leads.attribution import channels
from leads.models import MarketingCampaign, SpendEntry
from leads.spendfile import MOST_BYTES


class TakesErrors(forms.Form):
    def take(self, error: DomainError) -> None:
        """Show what the action refused beside what it is about."""
        for mistake in error.errors:
            self.add_error(mistake.field if mistake.field in self.fields else None, mistake.message)
        if not error.errors:
            self.add_error(None, error.detail)

    def choose(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells the types
        field.choices = choices


def channel_choices(current: str = "") -> list[tuple[str, str]]:
    found = [("", "Choose a channel"), *channels.offered_choices()]
    if current and current not in dict(found):
        found.append((current, channels.label_of(current)))
    return found


class CampaignForm(TakesErrors):
    name = forms.CharField(max_length=100)
    utm_campaign = forms.CharField(
        max_length=200,
        required=False,
        label="Tag",
        help_text="What utm_campaign says in its links. Empty: the name.",
    )
    channel = forms.ChoiceField()
    budget = forms.DecimalField(max_digits=12, decimal_places=2, min_value=0, required=False)

    def __init__(self, data: Any, campaign: MarketingCampaign | None = None) -> None:
        names = ("name", "utm_campaign", "channel", "budget")
        start = {name: getattr(campaign, name) for name in names} if campaign else {}
        super().__init__(data, initial=start)
        self.choose("channel", channel_choices(campaign.channel if campaign else ""))


class SpendForm(TakesErrors):
    channel = forms.ChoiceField()
    campaign = forms.ModelChoiceField(
        MarketingCampaign.objects.order_by("is_archived", "name"),
        required=False,
        empty_label="None",
    )
    first_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="From")
    last_day = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}),
        required=False,
        label="To",
        help_text="Included. Empty: one day.",
    )
    amount = forms.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    currency = forms.CharField(max_length=3)
    note = forms.CharField(max_length=200, required=False)

    def __init__(self, data: Any, entry: SpendEntry | None = None) -> None:
        names = (*self.base_fields,)
        start = {name: getattr(entry, name) for name in names} if entry else {}
        start = start or {"currency": Workspace.load().currency}
        super().__init__(data, initial=start)
        self.choose("channel", channel_choices(entry.channel if entry else ""))

    @property
    def values(self) -> Any:
        campaign = self.cleaned_data["campaign"]
        return {**self.cleaned_data, "campaign": campaign.pk if campaign else None}


class SpendFileForm(forms.Form):
    file = forms.FileField(label="CSV file", required=False)
    text = forms.CharField(required=False, max_length=MOST_BYTES, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        file = data.get("file")
        if file is not None and file.size > MOST_BYTES:
            self.add_error("file", "The file is larger than 1 MB. Split it.")
        elif file is not None:
            data["text"] = decoded(file.read())
        elif not data.get("text"):
            self.add_error("file", "Choose a file.")
        return data


def decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


class RateForm(TakesErrors):
    currency = forms.CharField(max_length=3)
    month = forms.DateField(
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
        input_formats=["%Y-%m", "%Y-%m-%d"],
        help_text="It holds from here until the next rate.",
    )
    rate = forms.DecimalField(max_digits=16, decimal_places=8)
