"""The score and BANT of one lead."""

from datetime import datetime, time, timedelta
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_http_methods

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.toasts import toast
from leads.models import Lead
from leads.queries import record
from scoring import actions, queries
from scoring.models import BantAnswer, Dimension, Rule
from scoring.panels import bant_context, bars_of

GROUPS = {**dict(Rule.Group.choices), "total": "Score"}


@require_GET
def lead_score(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Every contribution, now or at the end of a day."""
    lead = record.find(request.user, lead_id)
    version = queries.published_version()
    if version is None:
        raise NotFound("No scoring model is published yet.")
    user = cast(User, request.user)
    day, at = _moment(request.GET.get("as_of", ""), user)
    explanation = queries.explanation_by(version, lead, at=at)
    rows = [(row, GROUPS[row.group], queries.detail_of(row)) for row in explanation.contributions]
    context = {
        "lead": lead,
        "explanation": explanation,
        "rows": rows,
        "bars": bars_of(explanation.groups, version.total_cap),
        "day": day,
        "history": queries.history_of(lead),
        "section": "leads",
    }
    return render(request, "scoring/lead_score.html", context)


def _moment(raw: str, user: User) -> tuple[str, datetime]:
    """The end of the day in the reader's zone; now when no day can be read."""
    try:
        day = parse_date(raw) if len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        return "", timezone.now()
    end = datetime.combine(day, time(), tzinfo=user.zone) + timedelta(days=1)
    return day.isoformat(), end


@require_http_methods(["GET", "POST"])
def lead_bant(request: HttpRequest, lead_id: str) -> HttpResponse:
    """The BANT section of the lead's page, with one answer as a form or without."""
    lead = record.find(request.user, lead_id)
    if request.method == "GET":
        return _section(request, lead, bant_context(lead, editing=request.GET.get("edit", "")))
    dimension = request.POST.get("dimension", "").replace("\0", "")
    answer: Any = {"level": request.POST.get("level"), "value": request.POST.get("value", "")}
    user = cast(User, request.user)
    try:
        actions.answer_bant(
            lead.pk,
            {dimension: answer},
            source=BantAnswer.Source.REP,
            at=timezone.now(),
            user=user,
        )
    except DomainError as error:
        if dimension not in Dimension.values:
            raise
        context = bant_context(lead, editing=dimension) | {"error": error.detail}
        return _section(request, lead, context, status=422)
    return _answered(request, lead)


def _answered(request: HttpRequest, lead: Lead) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        messages.success(request, "Saved. The score follows in a moment.")
        return redirect(f"/leads/{lead.public_id}/")
    response = _section(request, lead, bant_context(lead))
    return toast(response, "Saved. The score follows in a moment.")


def _section(
    request: HttpRequest, lead: Lead, data: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    is_part = bool(request.headers.get("HX-Request"))
    template = "scoring/bant.html#section" if is_part else "scoring/lead_bant.html"
    context = {"lead": lead, "data": data, "section": "leads"}
    return render(request, template, context, status=status)
