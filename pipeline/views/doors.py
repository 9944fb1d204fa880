"""What the views of this app share: finding a lead, going back, and undo."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import NotFound
from leads import undo
from leads.models import Lead


def find_lead(request: HttpRequest, public_id: str) -> Lead:
    """:raises NotFound: there is no such lead, or this person may not see it."""
    lead = (
        Lead.objects.visible_to(request.user)
        .select_related("stage", "owner", "team", "score_row", "company", "source")
        .filter(public_id=public_id)
        .first()
    )
    if lead is None:
        raise NotFound
    return lead


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx or a script asks for part of a page; history restores want all of it."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def next_of(request: HttpRequest, default: str) -> str:
    """Where to go afterwards: `next`, else the page one came from, if they are ours."""
    given = [request.POST.get("next"), request.GET.get("next"), request.headers.get("Referer")]
    for path in given:
        if path and url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()}):
            return path
    return default


def undo_path(request: HttpRequest, deed: str, at: datetime) -> str:
    return f"/pipeline/undo/{deed}/{undo.token_for(deed, user_of(request), at)}/"


def done(request: HttpRequest, words: str, *, to: str, undo: str = "") -> HttpResponse:
    """Say what was done on the next page; a form sent by htmx goes there, too."""
    messages.success(request, words, extra_tags=f"undo:{undo}" if undo else "")
    if is_fragment(request):
        return HttpResponse(headers={"HX-Redirect": to})
    return redirect(to)
