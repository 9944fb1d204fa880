from typing import Any

from django import forms

from leads.models import InboxItem, Source


class InboxFilter(forms.Form):
    """Which captures to show. What cannot be meant is left out, not refused."""

    state = forms.ChoiceField(
        widget=forms.Select(attrs={"class": "inl"}),
        required=False,
        choices=[("", "Every state"), *InboxItem.State.choices],
    )
    source = forms.ModelChoiceField(
        Source.objects.order_by("name"),
        to_field_name="key",
        required=False,
        widget=forms.Select(attrs={"class": "inl"}),
        empty_label="Every source",
    )
    day = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date", "class": "inl"})
    )

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
