"""What sales says of a lead: taken on, not qualified, or nothing to sell here."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import DomainError, Invalid
from leads.models import Lead
from pipeline import actions
from pipeline.actions import resting
from pipeline.models import CloseReason
from pipeline.models.resting import Rest
from pipeline.views.doors import done, find_lead

OTHER = "other"


def rejections() -> list[tuple[str, str]]:
    """The company's reasons to reject, and one in words."""
    kept = CloseReason.objects.filter(kind=CloseReason.Kind.REJECTED, archived_at=None)
    listed = list(kept.order_by("position", "pk").values_list("key", "label"))
    return [*((key, label) for key, label in listed if key != OTHER), (OTHER, "Something else")]


class RejectForm(forms.Form):
    reason = forms.ChoiceField(label="Why it is not sales-qualified", choices=rejections)
    note = forms.CharField(
        label="In your words", max_length=300, required=False,
        help_text="Marketing learns from it. Needed for “something else”.",
    )  # fmt: skip


class AsideForm(forms.Form):
    reason = forms.ChoiceField(label="Why", choices=Rest.Reason.choices)
    note = forms.CharField(label="In your words", max_length=500, required=False)
    wake_on = forms.DateField(
        label="Ask again on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="For “not now”: on that day the lead is back by itself.",
    )


@require_http_methods(["GET", "POST"])
def verdict(request: HttpRequest, lead_id: str) -> HttpResponse:
    """One page with all answers; `do` says which."""
    lead = find_lead(request, lead_id)
    posted = request.POST if request.method == "POST" else None
    rejecting = posted is not None and posted.get("do") == "reject"
    reject = RejectForm(posted if rejecting else None, prefix="reject")
    aside = AsideForm(posted if posted is not None and not rejecting else None, prefix="aside")
    form = reject if rejecting else aside
    if form.is_valid():
        act = _reject if rejecting else _lay_aside
        try:
            return act(request, lead, form.cleaned_data)
        except DomainError as error:
            _take(form, error)
    context: dict[str, Any] = {
        "lead": lead,
        "reject": reject,
        "aside": aside,
        "rest": resting.resting(lead.pk),
        "cycle": lead.cycles.filter(closed_at=None).first(),
        "is_mine": lead.owner == request.user,
        "section": "leads",
    }
    status = 422 if form.is_bound else 200
    return render(request, "pipeline/verdict.html", context, status=status)


def _take(form: forms.Form, error: DomainError) -> None:
    for mistake in error.errors:
        place = {"wake_at": "wake_on"}.get(mistake.field, mistake.field)
        form.add_error(place if place in form.fields else None, mistake.message)
    if not error.errors:
        form.add_error(None, error.detail)


def _reject(request: HttpRequest, lead: Lead, data: dict[str, Any]) -> HttpResponse:
    words = dict(rejections())[data["reason"]]
    note = data["note"].strip()
    if data["reason"] == OTHER and not note:
        raise Invalid.field("note", "Say in a few words what it is.", "required")
    reason = note if data["reason"] == OTHER else f"{words}: {note}" if note else words
    actions.reject(lead.pk, user=user_of(request), reason=reason, at=timezone.now())
    return done(request, f"{lead.name} is back with marketing.", to=f"/leads/{lead.public_id}/")


def _lay_aside(request: HttpRequest, lead: Lead, data: dict[str, Any]) -> HttpResponse:
    user, day = user_of(request), data["wake_on"]
    wake_at = datetime.combine(day, time(8), tzinfo=user.zone) if day else None
    resting.lay_aside(
        lead.pk,
        reason=data["reason"],
        note=data["note"],
        wake_at=wake_at,
        at=timezone.now(),
        user=user,
    )
    words = f"{lead.name} is laid aside" + (f" until {day:%-d %b %Y}." if day else ".")
    return done(request, words, to=f"/leads/{lead.public_id}/")


@require_POST
def bring_back(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = find_lead(request, lead_id)
    resting.bring_back(lead.pk, at=timezone.now(), user=user_of(request))
    return done(request, f"{lead.name} is back.", to=f"/leads/{lead.public_id}/")
