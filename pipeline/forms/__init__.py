"""What people type on the pages of the pipeline."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError
from leads.models import Source, Stage, Temperature
from pipeline import queries
from pipeline.actions import CallOutcome
from pipeline.models import LostReason, Task

ANYBODY = [("", "All owners"), ("me", "Me"), ("none", "Nobody yet")]


def show_refusal(form: forms.BaseForm, error: DomainError) -> None:
    """Put what an action refused beside the fields it names."""
    for item in error.errors:
        form.add_error(item.field if item.field in form.fields else None, item.message)
    if not error.errors:
        form.add_error(None, error.detail)


class BoardFilterForm(forms.Form):
    """The same names as the list of leads has, so that a view carries over."""

    search = forms.CharField(required=False, max_length=200)
    owner = forms.ChoiceField(required=False)
    temperature = forms.ChoiceField(required=False, choices=[("", "Any"), *Temperature.choices])
    source = forms.ModelChoiceField(
        Source.objects.order_by("name"), required=False, to_field_name="key", empty_label="Any"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(user.public_id, user.name) for user in queries.assignable_users()]
        self.fields["owner"].choices = [*ANYBODY, *people]  # type: ignore[attr-defined]


class MoveForm(forms.Form):
    """Where to, and what a lost or won stage needs to know."""

    stage = forms.ChoiceField()
    expected = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    reason = forms.ChoiceField(
        required=False,
        label="Why was it lost?",
        choices=[("", "Choose a reason"), *LostReason.choices],
    )
    note = forms.CharField(required=False, max_length=500, label="What happened")
    amount = forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=2,
        label="What is it worth?",
    )

    def __init__(self, *args: Any, stages: list[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].choices = [(s.key, s.name) for s in stages]  # type: ignore[attr-defined]


class OwnerForm(forms.Form):
    """A colleague, or nobody: back into the queue."""

    owner = forms.ChoiceField(required=False)
    note = forms.CharField(required=False, max_length=500, label="Hand-over note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {user.public_id: user for user in queries.assignable_users()}
        names = [(key, user.name) for key, user in self.people.items()]
        self.fields["owner"].choices = [("", "Nobody: into the queue"), *names]  # type: ignore[attr-defined]

    @property
    def person(self) -> User | None:
        return self.people.get(self.cleaned_data["owner"])


class CallForm(forms.Form):
    outcome = forms.ChoiceField(choices=CallOutcome.choices)
    note = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea)
    minutes = forms.IntegerField(required=False, min_value=0, max_value=1440)
    follow_up_days = forms.IntegerField(required=False, min_value=0, max_value=365)

    @property
    def follow_up_at(self) -> datetime | None:
        days = self.cleaned_data.get("follow_up_days")
        return morning_in(days) if days is not None else None


class EmailForm(forms.Form):
    subject = forms.CharField(max_length=200)
    body = forms.CharField(max_length=20_000, widget=forms.Textarea)


class TaskForm(forms.Form):
    title = forms.CharField(max_length=200)
    kind = forms.ChoiceField(required=False, choices=Task.Kind.choices)
    due_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
    )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Task.Kind.TODO


class DealForm(forms.Form):
    name = forms.CharField(required=False, max_length=120)
    amount = forms.DecimalField(min_value=Decimal(0), max_digits=14, decimal_places=2)
    expected_close = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))


SNOOZES = [("hour", "In an hour"), ("tomorrow", "Tomorrow morning"), ("week", "In a week")]


class SnoozeForm(forms.Form):
    until = forms.ChoiceField(choices=SNOOZES)

    @property
    def moment(self) -> datetime:
        choice = self.cleaned_data["until"]
        if choice == "hour":
            return timezone.now() + timedelta(hours=1)
        return morning_in(1 if choice == "tomorrow" else 7)


def morning_in(days: int) -> datetime:
    """Nine o'clock in the reader's zone, `days` from now; today: in three hours."""
    now = timezone.localtime()
    if days == 0:
        return now + timedelta(hours=3)
    return (now + timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0)
