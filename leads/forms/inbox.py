from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from leads.capture import words
from leads.models import InboxItem, Source

SMALL = {"class": "inl"}


class InboxFilter(forms.Form):
    """Which captures to show. What cannot be meant is left out, not refused."""

    q = forms.CharField(
        required=False,
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "class": "inl",
                "type": "search",
                "placeholder": "E-mail or receipt",
                "aria-keyshortcuts": "/",
            }
        ),
    )
    state = forms.ChoiceField(
        widget=forms.Select(attrs=SMALL),
        required=False,
        choices=[("", "Every state"), *InboxItem.State.choices],
    )
    source = forms.ModelChoiceField(
        Source.objects.order_by("name"),
        to_field_name="key",
        required=False,
        widget=forms.Select(attrs=SMALL),
        empty_label="Every source",
    )
    door = forms.ChoiceField(
        widget=forms.Select(attrs=SMALL),
        required=False,
        choices=[("", "Every way in"), *words.DOORS.items()],
    )
    reason = forms.ChoiceField(
        widget=forms.Select(attrs=SMALL),
        required=False,
        choices=[("", "Every reason"), *sorted(words.REASONS.items(), key=lambda pair: pair[1])],
    )
    after = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date", **SMALL}))
    before = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date", **SMALL})
    )
    day = forms.DateField(required=False, widget=forms.HiddenInput)
    # A day as reconciliation counts it: of universal time.
    utc_day = forms.DateField(required=False, widget=forms.HiddenInput)
    unknown = forms.BooleanField(required=False, widget=forms.HiddenInput)
    deed = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def conditions(self) -> dict[str, Any]:
        """The same as plain JSON, for `leads.queries.captures.narrowed`."""
        chosen = self.chosen
        found: dict[str, Any] = {
            name: chosen[name]
            for name in ("state", "door", "reason", "q", "unknown", "deed")
            if name in chosen
        }
        if "source" in chosen:
            found["source"] = chosen["source"].pk
        since, until = self._times(chosen)
        if since:
            found["since"] = since.isoformat()
        if until:
            found["until"] = until.isoformat()
        return found

    def _times(self, chosen: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
        if "utc_day" in chosen:
            start = datetime.combine(chosen["utc_day"], time.min, tzinfo=UTC)
            return start, start + timedelta(days=1)
        first, last = chosen.get("after"), chosen.get("before")
        if "day" in chosen:
            first = last = chosen["day"]
        return (
            midnight(first) if first else None,
            midnight(last + timedelta(days=1)) if last else None,
        )


def midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
