"""The queue of leads that may be one person."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import NotFound
from leads.actions.duplicates import SearchRuns, ask_again, dismiss, start_search
from leads.actions.merging import counts_of, in_words, merge_pairs, unmerge_batch
from leads.models import DuplicateCandidate
from leads.queries import duplicates

OFFICE = (Role.MARKETER, Role.MANAGER)
MOST_CHOSEN = 100
REASONS = [
    ("mailbox", "Same mailbox"),
    ("phone", "Same phone"),
    ("name", "Same name"),
    ("similar_name", "Similar name"),
    ("company", "Same company"),
    ("external_id", "Same id"),
]


@require_GET
def duplicate_list(request: HttpRequest) -> HttpResponse:
    kind = "same" if request.GET.get("kind") == "same" else ""
    code = request.GET.get("why", "")
    code = code if code in dict(REASONS) else ""
    rows = duplicates.pairs(request.user, kind=kind, code=code)
    page = duplicates.page_of(rows, cursor=request.GET.get("cursor") or None)
    context = {
        "page": page,
        "pairs": duplicates.sided(page.rows),
        "kind": kind,
        "code": code,
        "reasons": REASONS,
        **_searching(request),
    }
    return render(request, "leads/duplicates/list.html", context)


def _searching(request: HttpRequest) -> dict[str, Any]:
    may = user_of(request).has_role(*OFFICE)
    return {"may_search": may, "search": duplicates.running_search() if may else None}


@role_required(*OFFICE)
@require_POST
def duplicate_search(request: HttpRequest) -> HttpResponse:
    """Look through everything, from the beginning."""
    try:
        start_search(user=user_of(request))
    except SearchRuns as error:
        messages.info(request, error.detail)
    else:
        messages.success(request, "Looking through all leads. What is found appears here.")
    return redirect("/duplicates/")


@require_POST
def duplicate_dismiss(request: HttpRequest, pair_id: int) -> HttpResponse:
    pair = duplicates.find_pair(request.user, pair_id)
    dismiss(pair.pk, at=timezone.now(), user=user_of(request))
    path = f"/duplicates/{pair.pk}/reopen/"
    words = f"{pair.lead_a.name} and {pair.lead_b.name} are two people. Nobody is asked again."
    messages.success(request, words, extra_tags=f"undo:{path}")
    return redirect(_back(request))


@require_POST
def duplicate_reopen(request: HttpRequest, pair_id: int) -> HttpResponse:
    pair = duplicates.find_pair(request.user, pair_id)
    ask_again(pair.pk)
    messages.success(request, "Back in the queue.")
    return redirect("/duplicates/")


@require_POST
def duplicate_merge(request: HttpRequest) -> HttpResponse:
    """Merge many pairs of the sure kind: first show what that would do."""
    pairs = _chosen(request)
    if "confirmed" not in request.POST:
        context = {"pairs": [(pair, in_words(counts_of(pair.loser.lead))) for pair in pairs]}
        return render(request, "leads/duplicates/bulk.html", context)
    batch = uuid.uuid4()
    done = merge_pairs(
        [(pair.survivor.lead.pk, pair.loser.lead.pk) for pair in pairs],
        at=timezone.now(),
        user=user_of(request),
        batch=batch,
    )
    words = "Merged 1 pair." if done == 1 else f"Merged {done} pairs."
    messages.success(request, words, extra_tags=f"undo:/duplicates/undo/{batch}/")
    return redirect("/duplicates/")


@require_POST
def duplicate_undo(request: HttpRequest, batch: uuid.UUID) -> HttpResponse:
    """Take apart what this person merged in one go."""
    done = unmerge_batch(batch, at=timezone.now(), user=user_of(request))
    if not done:
        raise NotFound
    messages.success(request, "They are leads of their own again.")
    return redirect("/duplicates/")


def _chosen(request: HttpRequest) -> list[duplicates.Pair]:
    ids = [text for text in request.POST.getlist("ids")[:MOST_CHOSEN] if text.isdecimal()]
    numbers = [int(text) for text in ids if len(text) < 19]
    rows = duplicates.pairs(request.user, kind="same").filter(pk__in=numbers)
    found: list[DuplicateCandidate] = list(rows.order_by("-score", "-pk"))
    if not found:
        raise NotFound("Nothing is selected, or somebody was faster. Look at the queue again.")
    return duplicates.sided(found)


def _back(request: HttpRequest) -> str:
    """To the lead's page, if the question was answered there."""
    path = request.POST.get("next", "")
    is_lead = path.startswith("/leads/") and path.rstrip("/").rpartition("/")[2].isalnum()
    return path if is_lead and path.count("/") == 3 else "/duplicates/"
