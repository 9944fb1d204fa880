"""What people type on the pages of the pipeline."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError
from leads.models import Lead, Source, Stage, Temperature
from pipeline import queries
from pipeline.actions import CallOutcome, FollowUp
from pipeline.actions.letters import Draft
from pipeline.actions.meetings import Plan
from pipeline.actions.work import suggestion_for
from pipeline.models import LetterTemplate, Task

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
    pipeline = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    expected = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    reason = forms.ChoiceField(required=False, label="Why was it lost?")
    competitor = forms.CharField(required=False, max_length=120, label="Which competitor?")
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
        fields: Any = self.fields
        fields["stage"].choices = [(s.key, s.name) for s in stages]
        reasons = [(reason.key, reason.label) for reason in queries.reasons()]
        fields["reason"].choices = [("", "Choose a reason"), *reasons]


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


class FollowUpForm(forms.Form):
    """What comes next: as is usual after the outcome, on a morning, or nothing."""

    follow_up_days = forms.CharField(required=False, max_length=10)

    def clean_follow_up_days(self) -> str:
        value: str = self.cleaned_data["follow_up_days"]
        known = value in {"", SUGGESTED} or (value.isascii() and value.isdigit())
        if not known or (value.isdigit() and int(value) > 365):
            raise forms.ValidationError("Choose when to follow up, within a year.")
        return value

    def follow_up(self, lead: Lead, deed: str) -> FollowUp | None:
        """:param deed: the outcome, or what was done."""
        chosen, usual = self.cleaned_data["follow_up_days"], suggestion_for(deed, lead)
        if not chosen:
            return None
        if chosen == SUGGESTED:
            return usual.follow_up(timezone.localtime()) if usual else None
        title, kind = (usual.title, usual.kind) if usual else (f"Call {lead.name} again", "call")
        return FollowUp(title=title, due_at=morning_in(int(chosen)), kind=kind)


class CallForm(FollowUpForm):
    outcome = forms.ChoiceField(choices=CallOutcome.choices)
    note = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea)
    minutes = forms.IntegerField(required=False, min_value=0, max_value=1440)


class EmailForm(FollowUpForm):
    subject = forms.CharField(max_length=200)
    body = forms.CharField(max_length=20_000, widget=forms.Textarea)
    template = forms.ModelChoiceField(
        LetterTemplate.objects.filter(archived_at=None), required=False
    )
    answers = forms.CharField(required=False, max_length=250)
    untracked = forms.BooleanField(required=False)

    @property
    def draft(self) -> Draft:
        given = self.cleaned_data
        return Draft(
            given["subject"],
            given["body"],
            template=given["template"],
            is_tracked=not given["untracked"],
            answers=given["answers"],
        )


LOCAL_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class MeetingForm(forms.Form):
    title = forms.CharField(required=False, max_length=120, label="What about")
    starts_at = forms.DateTimeField(
        label="When",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=LOCAL_TIMES,
    )
    minutes = forms.IntegerField(min_value=5, max_value=1440, initial=30)
    place = forms.CharField(
        required=False, max_length=300, help_text="A room, a number or a link to the call."
    )
    agenda = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea)
    invites = forms.BooleanField(required=False, label="Send an invitation")

    @property
    def plan(self) -> Plan:
        return Plan(**self.cleaned_data)


class MeetingOutcomeForm(FollowUpForm):
    outcome = forms.ChoiceField(choices=[("held", "We met"), ("no_show", "Did not come")])
    note = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea)


class LetterTemplateForm(forms.Form):
    name = forms.CharField(max_length=80)
    subject = forms.CharField(max_length=200)
    body = forms.CharField(max_length=20_000, widget=forms.Textarea(attrs={"rows": 10}))
    shared = forms.BooleanField(required=False, label="Everybody may use it")


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


SUGGESTED = "usual"
LENGTHS = [
    (15, "15 minutes"),
    (30, "30 minutes"),
    (45, "45 minutes"),
    (60, "1 hour"),
    (90, "1½ hours"),
    (120, "2 hours"),
]
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
