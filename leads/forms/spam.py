from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib import normalise
from leads.models import SpamPolicy, SpamRule

STRICTNESS = [
    (3, "Strict: quarantine from 3 points"),
    (5, "Usual: quarantine from 5 points"),
    (8, "Lenient: quarantine from 8 points"),
]
MOST_DAYS = 3650
EFFORT = [
    (20_000, "Light: about half a second"),
    (50_000, "Usual: about a second"),
    (200_000, "Heavy: some seconds, more on old phones"),
]


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    threshold = forms.TypedChoiceField(choices=STRICTNESS, coerce=int, label="How strict")
    proof_effort = forms.TypedChoiceField(
        choices=EFFORT, coerce=int, label="Proof of work that a browser does"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("keep_days", "keep_unproven_days"):
            self.fields[name].required = False

    class Meta:
        model = SpamPolicy
        fields = (
            "threshold",
            "most_links",
            "judges_language",
            "judges_disposable",
            "judges_repetition",
            "proof_effort",
            "keep_days",
            "keep_unproven_days",
        )
        labels = {
            "most_links": "Links that are not suspicious yet",
            "judges_language": "Judge letters: noise for names, mixed alphabets, another alphabet "
            "than the form’s",
            "judges_disposable": "Count throw-away addresses against a capture",
            "judges_repetition": "Count the same message from many addresses against it",
            "keep_days": "Delete what is in quarantine after … days",
            "keep_unproven_days": "Delete what does not prove where it comes from after … days",
        }
        help_texts = {
            "keep_days": "0: never. How many there were is still counted in Reconciliation.",
            "keep_unproven_days": "Posts to a source with a wrong signature or secret. 0: never.",
        }

    def clean_keep_days(self) -> int:
        return self._days("keep_days")

    def clean_keep_unproven_days(self) -> int:
        return self._days("keep_unproven_days")

    def _days(self, name: str) -> int:
        """Nothing said is nothing changed; zero is for ever."""
        said = self.cleaned_data[name]
        days = int(getattr(self.instance, name) if said is None else said)
        if days > MOST_DAYS:
            raise ValidationError(f"At most {MOST_DAYS} days; 0 keeps it for ever.")
        return days

    def clean_most_links(self) -> int:
        links = int(self.cleaned_data["most_links"])
        if links > 20:
            raise ValidationError("More than 20 links would never be suspicious.")
        return links


class RuleForm(forms.Form):
    """An address or a domain, and what happens to what comes from there."""

    kind = forms.ChoiceField(choices=SpamRule.Kind.choices, label="What happens")
    value = forms.CharField(
        max_length=254,
        label="Address or domain",
        widget=forms.TextInput(attrs={"placeholder": "bob@example.com or example.com"}),
    )
    note = forms.CharField(max_length=200, required=False, label="Note")

    def clean_value(self) -> str:
        text = normalise.clean_text(self.cleaned_data["value"]).strip().lower().lstrip("@")
        address = normalise.email(text if "@" in text else f"someone@{text}")
        if address is None:
            raise ValidationError("Write an address like bob@example.com or a domain like x.com.")
        known: Any = address.canonical
        return str(known if "@" in text else known.rpartition("@")[2])
