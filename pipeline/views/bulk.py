"""Many leads at once, from the list of leads. Only those the person sees are changed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import Invalid
from pipeline import actions, queries
from pipeline.views.doors import done, next_of, undo_path

MOST_CHOSEN = 1000
LIST = "/leads/"


def chosen(request: HttpRequest) -> list[int]:
    """:raises Invalid: nothing was chosen, or too much."""
    ids = [value for value in request.POST.getlist("ids") if "\x00" not in value]
    if not ids:
        raise Invalid.field("ids", "Choose at least one lead first.", "required")
    if len(ids) > MOST_CHOSEN:
        raise Invalid.field("ids", f"Choose at most {MOST_CHOSEN:,} leads at once.", "too_many")
    return sorted(queries.visible_ids(request.user, ids))


@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    ids, at = chosen(request), timezone.now()
    key = request.POST.get("owner", "")
    owner = queries.assignable_users().filter(public_id=key).first() if key else None
    if key and owner is None:
        raise Invalid.field("owner", "Choose a colleague who can own leads.", "unknown")
    actions.bulk_assign(
        ids, owner=owner, at=at, actor=user_of(request), note=request.POST.get("note", "")
    )
    words = f"Assigned {leads(len(ids))} to {owner.name if owner else 'the queue'}"
    return done(request, words, to=next_of(request, LIST), undo=undo_path(request, "assign", at))


@require_POST
def stage(request: HttpRequest) -> HttpResponse:
    ids, at = chosen(request), timezone.now()
    results = actions.bulk_move(
        ids,
        to=request.POST.get("stage", ""),
        at=at,
        actor=user_of(request),
        reason=request.POST.get("reason", ""),
        note=request.POST.get("note", ""),
    )
    moved = [row for row in results if row.ok]
    refused = [row.message for row in results if not row.ok]
    if refused:
        messages.error(request, f"{leads(len(refused))} stayed: {refused[0]}")
    if not moved:
        return redirect(next_of(request, LIST))
    words = f"Moved {leads(len(moved))}"
    return done(request, words, to=next_of(request, LIST), undo=undo_path(request, "move", at))


def leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count:,} leads"
