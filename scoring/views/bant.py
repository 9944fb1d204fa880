"""What is known of a lead by the framework in use: one click for a level, a form for the words."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import DomainError
from leadcrm.lib.toasts import toast
from leads.models import Lead
from leads.queries import record
from scoring import actions, bantcard, frameworks, standing, values
from scoring.models import BantAnswer


@require_http_methods(["GET", "POST"])
def lead_bant(request: HttpRequest, lead_id: str) -> HttpResponse:
    """The card alone, with one answer as a form or without; as a page also the history."""
    lead = record.find(request.user, lead_id)
    if request.method == "GET":
        return _card(request, lead, editing=request.GET.get("edit", ""))
    key = request.POST.get("dimension", "").replace("\0", "")
    try:
        changed = actions.answer_bant(
            lead.pk,
            {key: _answer(request, key)},
            source=BantAnswer.Source.REP,
            at=timezone.now(),
            user=user_of(request),
        )
    except DomainError as error:
        if key not in frameworks.known():
            raise
        return _card(request, lead, editing=key, error=error.detail, status=422)
    return _answered(request, lead, changed)


def _answer(request: HttpRequest, key: str) -> Any:
    """A click gives a level only. Words without a level are at least part of an answer."""
    given = {n: request.POST[n] for n in ("level", "value", "evidence") if n in request.POST}
    criterion = frameworks.known().get(key)
    if given.get("level") or criterion is None or "value" not in given:
        return given or {"level": None}
    details = values.details_of(
        criterion.kind, given["value"], today=timezone.now().date(), options=criterion.options
    )
    level = values.level_of(details, criterion.options)
    return given | {"level": level or ("partial" if given["value"].strip() else "unknown")}


def _answered(request: HttpRequest, lead: Lead, changed: list[str]) -> HttpResponse:
    words, undo = "Nothing new was said.", ""
    if changed:
        words, undo = "Saved. The score follows in a moment.", _undo_path(lead, changed[0])
    if not request.headers.get("HX-Request"):
        messages.success(request, words, extra_tags=f"undo:{undo}" if undo else "")
        return redirect(f"/leads/{lead.public_id}/")
    return toast(_card(request, lead), words, undo=undo)


def _undo_path(lead: Lead, key: str) -> str:
    answer = lead.bant_answers.filter(dimension=key, superseded_at=None).values_list("pk").get()
    return f"/leads/{lead.public_id}/bant/{answer[0]}/undo/"


@require_POST
def take_back(request: HttpRequest, lead_id: str, answer_id: int) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    taken = actions.take_back_answer(lead.pk, answer_id, at=timezone.now(), user=user_of(request))
    criterion = frameworks.known().get(taken.dimension)
    words = f"{criterion.label if criterion else taken.dimension} is as it was."
    if not request.headers.get("HX-Request"):
        messages.success(request, words)
        return redirect(f"/leads/{lead.public_id}/")
    return toast(HttpResponse(headers={"HX-Refresh": "true"}), words)


def _card(
    request: HttpRequest, lead: Lead, *, editing: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    data = bantcard.context_of(lead, editing=editing) | {"error": error}
    context: dict[str, Any] = {"lead": lead, "data": data, "section": "leads"}
    if request.headers.get("HX-Request"):
        return render(request, "scoring/bant.html#section", context, status=status)
    known = frameworks.known()
    context["history"] = [
        (answer, known[answer.dimension].label if answer.dimension in known else answer.dimension)
        for answer in standing.history_of(lead)
    ]
    return render(request, "scoring/lead_bant.html", context, status=status)
