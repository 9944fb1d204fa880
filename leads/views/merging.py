"""Making two leads one from a lead's page, taking them apart, and deciding on proposed values."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leads.actions import knowing
from leads.actions.merging import counts_of, in_words, merge_leads, preview_unmerge, unmerge
from leads.merging.values import LOSER, OWNER, SURVIVOR, Pair, compare
from leads.models import FieldProposal, Lead
from leads.queries import duplicates, record

MOST_FOUND = 8
DEEDS = ("accept", "dismiss", "undo")


@require_http_methods(["GET", "POST"])
def lead_merge(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Choose another lead, compare, merge: the lead of the address is the one that is left."""
    lead = record.find(request.user, lead_id)
    named = request.POST.get("with") or request.GET.get("with") or ""
    if not named:
        return _choose(request, lead)
    other = record.find(request.user, named.replace("\x00", "")[:40])
    if other.pk == lead.pk:
        raise Invalid.field("with", "That is the same lead. Choose another one.", "same")
    if request.method == "POST":
        return _merge(request, lead, other)
    return render(request, "leads/duplicates/compare.html", comparison(lead, other))


def _choose(request: HttpRequest, lead: Lead) -> HttpResponse:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    found = Lead.objects.visible_to(request.user).search(text).exclude(pk=lead.pk)
    context = {
        "lead": lead,
        "q": text,
        "found": list(found.select_related("owner").order_by("-created_at")[:MOST_FOUND])
        if len(text) >= 2
        else [],
        "hints": duplicates.hints_for(request.user, lead),
    }
    return render(request, "leads/duplicates/choose.html", context)


def comparison(lead: Lead, other: Lead) -> dict[str, Any]:
    sides = duplicates.sides_of([lead, other])
    rows = [Row(pair, lead, other) for pair in compare(lead, other, {})]
    return {
        "lead": lead,
        "other": other,
        "mine": sides[lead.pk],
        "theirs": sides[other.pk],
        "differing": [row for row in rows if row.pair.differs],
        "alike": [row for row in rows if not row.pair.differs],
        "moving": in_words(counts_of(other)),
        "should_swap": duplicates.in_order(sides[lead.pk], sides[other.pk])[0].lead.pk != lead.pk,
    }


class Row:
    """One field of both, in words."""

    def __init__(self, pair: Pair, lead: Lead, other: Lead) -> None:
        self.pair = pair
        self.label = duplicates.label_of(pair.name)
        self.mine, self.theirs = (
            duplicates.text_of(pair.name, value) for value in (pair.survivor, pair.loser)
        )
        if pair.name == OWNER:
            self.mine, self.theirs = str(lead.owner or ""), str(other.owner or "")

    @property
    def keeps_mine(self) -> bool:
        return self.pair.keeps == SURVIVOR


def _merge(request: HttpRequest, lead: Lead, other: Lead) -> HttpResponse:
    user, name = user_of(request), other.name
    prefix = "keep-"
    choices = {
        key.removeprefix(prefix)[:60]: value
        for key, value in request.POST.items()
        if key.startswith(prefix) and value in (SURVIVOR, LOSER)
    }
    known = {pair.name for pair in compare(lead, other, {})}
    choices = {key: value for key, value in choices.items() if key in known}
    merge = merge_leads(lead.pk, other.pk, at=timezone.now(), user=user, choices=choices)
    path = f"/leads/{lead.public_id}/unmerge/{merge.pk}/"
    messages.success(request, f"Merged {name} into {lead.name}.", extra_tags=f"undo:{path}")
    return redirect(_after(request, f"/leads/{lead.public_id}/"))


def _after(request: HttpRequest, path: str) -> str:
    return "/duplicates/" if request.POST.get("next") == "/duplicates/" else path


@require_http_methods(["GET", "POST"])
def lead_unmerge(request: HttpRequest, lead_id: str, merge_id: int) -> HttpResponse:
    """What goes back and what stays; then do it."""
    lead = record.find(request.user, lead_id)
    merge = duplicates.find_merge(lead, merge_id)
    at = timezone.now()
    if request.method == "GET":
        context = {"lead": lead, "merge": merge, "parted": preview_unmerge(merge.pk, at=at)}
        return render(request, "leads/duplicates/unmerge.html", context)
    parted = unmerge(merge.pk, at=at, user=user_of(request))
    messages.success(request, f"{parted.loser.name} is a lead of its own again.")
    return redirect(f"/leads/{lead.public_id}/")


@require_POST
def decide_proposal(
    request: HttpRequest, lead_id: str, proposal_id: int, deed: str
) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    proposal = FieldProposal.objects.filter(pk=proposal_id, lead=lead).first()
    if proposal is None or deed not in DEEDS:
        raise NotFound
    try:
        words = _decide(request, proposal, deed)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        path = f"/leads/{lead.public_id}/proposals/{proposal.pk}/undo/"
        messages.success(request, words, extra_tags="" if deed == "undo" else f"undo:{path}")
    return redirect(f"/leads/{lead.public_id}/")


def _decide(request: HttpRequest, proposal: FieldProposal, deed: str) -> str:
    at, user, label = timezone.now(), user_of(request), duplicates.label_of(proposal.field)
    if deed == "accept":
        knowing.accept_proposal(proposal.pk, at=at, user=user)
        return f"{label} changed."
    if deed == "dismiss":
        knowing.dismiss_proposal(proposal.pk, at=at, user=user)
        return f"{label} stays as it was."
    knowing.undo_proposal(proposal.pk, at=at, user=user)
    return f"{label} is to be decided again."
