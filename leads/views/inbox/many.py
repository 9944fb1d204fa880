"""The same for many captures: the ticked ones, or all that a filter means."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import DomainError, NotFound
from leads.capture import deeds, reviewing
from leads.forms.inbox import InboxFilter
from leads.models import InboxDeed
from leads.views.inbox.rows import OFFICE

MOST_CHOSEN = 1000
SAID = {
    "process": "Processed {n}; {c} became part of a lead.",
    "release": "Let {n} through; {c} became part of a lead.",
    "reject": "Rejected {c}.",
    "restore": "Took back {c}.",
}


@role_required(*OFFICE)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    kind, back = request.POST.get("do", ""), f"{reverse('inbox')}?{query_of(request).urlencode()}"
    if kind not in {"process", "release", "reject"}:
        raise NotFound("Choose what to do with them.")
    words = request.POST.get("reason" if kind == "reject" else "trust", "")
    if kind == "release" and words not in {reviewing.ADDRESS, ""}:
        words = ""
    try:
        deed = deeds.begin(kind, conditions_of(request), by=user_of(request), words=words)
    except DomainError as error:
        messages.error(request, reviewing.refusal_of(error))
        return redirect(back)
    tell(request, deed)
    return redirect(back)


def query_of(request: HttpRequest) -> QueryDict:
    """The filter of the page the form was on."""
    return QueryDict(request.POST.get("query", "")[:2000].replace("\x00", ""))


def conditions_of(request: HttpRequest) -> dict[str, Any]:
    if "all" in request.POST:
        return InboxFilter(query_of(request)).conditions
    return {"receipts": [text for text in request.POST.getlist("ids")[:MOST_CHOSEN] if is_id(text)]}


def is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def tell(request: HttpRequest, deed: InboxDeed) -> None:
    if deed.finished_at is None:
        messages.info(request, "It is being done in the background; this page shows how far it is.")
        return
    words = SAID[deed.kind].format(n=f"{deed.seen:,}", c=f"{deed.changed:,}")
    can_undo = deed.kind == InboxDeed.Kind.REJECT and deed.changed
    path = reverse("inbox-deed-undo", args=[deed.pk])
    messages.success(request, words, extra_tags=f"undo:{path}" if can_undo else "")


@role_required(*OFFICE)
@require_POST
def undo_bulk(request: HttpRequest, deed_id: int) -> HttpResponse:
    try:
        tell(request, deeds.undo(deed_id, by=user_of(request)))
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("inbox")
