"""Points by hand, on the lead's page."""

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError, NotFound
from leads.models import Lead
from leads.queries import record
from scoring import actions, queries
from scoring.forms import AdjustmentForm


@require_http_methods(["GET", "POST"])
def adjustments(request: HttpRequest, lead_id: str) -> HttpResponse:
    """What colleagues added or took, and a form for more."""
    lead = record.find(request.user, lead_id)
    form = AdjustmentForm(request.POST or None)
    if form.is_valid():
        try:
            _adjust(lead, form.cleaned_data, user_of(request))
        except DomainError as error:
            for mistake in error.errors:
                place = {"expires_at": "until"}.get(mistake.field, mistake.field)
                form.add_error(place if place in form.fields else None, mistake.message)
        else:
            messages.success(request, "Adjusted. The score follows in a moment.")
            return redirect(f"/leads/{lead.public_id}/adjustments/")
    context = {
        "lead": lead,
        "form": form,
        "rows": queries.adjustments_of(lead, at=timezone.now()),
        "section": "leads",
    }
    status = 422 if form.is_bound else 200
    return render(request, "scoring/adjustments.html", context, status=status)


def _adjust(lead: Lead, data: dict[str, Any], user: User) -> None:
    """It counts until the end of the day in the person's zone."""
    until = data["until"]
    ends = None
    if until:
        ends = datetime.combine(until, time(), tzinfo=user.zone) + timedelta(days=1)
    actions.adjust_score(
        lead.pk,
        points=data["points"],
        reason=data["reason"],
        expires_at=ends,
        at=timezone.now(),
        user=user,
    )


@require_POST
def revoke(request: HttpRequest, lead_id: str, adjustment_id: int) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    if not lead.adjustments.filter(pk=adjustment_id).exists():
        raise NotFound
    try:
        actions.revoke_adjustment(adjustment_id, at=timezone.now(), user=user_of(request))
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "Taken back. The score follows in a moment.")
    return redirect(f"/leads/{lead.public_id}/adjustments/")
