"""What people choose for a backtest."""

from datetime import datetime, time, timedelta, tzinfo

from django import forms


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PeriodForm(forms.Form):
    since = forms.DateField(label="Closed since", widget=_day_input())
    until = forms.DateField(label="Until", widget=_day_input())
    moment = forms.ChoiceField(
        label="Judged as of the day it", choices=[("mql", "first qualified"), ("sql", "became SQL")]
    )

    def clean_since(self) -> object:
        return _sensible(self.cleaned_data["since"])

    def clean_until(self) -> object:
        return _sensible(self.cleaned_data["until"])

    def moments(self, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
        """From the start of the first day to the end of the last, at most until now."""
        since = datetime.combine(self.cleaned_data["since"], time(), tzinfo=zone)
        until = datetime.combine(self.cleaned_data["until"], time(), tzinfo=zone)
        return since, min(until + timedelta(days=1), now)


def _sensible(day: object) -> object:
    year = getattr(day, "year", 0)
    if not 2000 <= year <= 2200:
        raise forms.ValidationError("Choose a day between the years 2000 and 2200.")
    return day
