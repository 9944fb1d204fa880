"""Deals: the list with its forecast, and one deal with its lines."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from pipeline import actions
from pipeline.actions.deals import NewLine
from pipeline.forms import show_refusal
from pipeline.forms.deals import DealPageForm, LineForm, initial_of, line_forms
from pipeline.models import Deal, Product
from pipeline.queries import selling
from pipeline.views.doors import done

PAGE_SIZE = 50
VIEWS = {
    "open": "Open",
    "commit": "Commit",
    "best_case": "Best case",
    "won": "Won",
    "lost": "Lost",
}


@require_GET
def deal_list(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("view", "open")
    chosen = chosen if chosen in VIEWS else "open"
    mine = request.GET.get("owner") == "me"
    deals = selling.deals_for(request.user)
    if mine:
        deals = deals.filter(lead__owner=user_of(request))
    found = deals.filter(state=chosen if chosen in {"won", "lost"} else Deal.State.OPEN)
    if chosen in {"commit", "best_case"}:
        found = found.filter(forecast=chosen)
    ordering = ["-closed_at", "-pk"] if chosen in {"won", "lost"} else ["expected_close", "pk"]
    cursor = request.GET.get("cursor")
    context = {
        "page": keyset_page(found, ordering=ordering, size=PAGE_SIZE, cursor=cursor),
        "outlooks": selling.outlooks(deals),
        "views": VIEWS,
        "chosen": chosen,
        "mine": mine,
        "today": timezone.localdate(),
    }
    return render(request, "pipeline/deals.html", context)


def find_deal(request: HttpRequest, deal_id: int) -> Deal:
    deal = selling.deals_for(request.user).filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    return deal


@require_http_methods(["GET", "POST"])
def deal_page(request: HttpRequest, deal_id: int) -> HttpResponse:
    deal = find_deal(request, deal_id)
    form = DealPageForm(request.POST or None, initial=initial_of(deal))
    status = 200
    if form.is_valid():
        try:
            actions.update_deal(deal.pk, at=timezone.now(), actor=user_of(request), **form.changes)
        except DomainError as error:
            show_refusal(form, error)
            status = error.status
        else:
            return done(request, "Saved the deal.", to=f"/deals/{deal.pk}/")
    status = 422 if form.errors and status == 200 else status
    return show_deal(request, deal, form, line_forms(deal), status=status)


def show_deal(
    request: HttpRequest,
    deal: Deal,
    form: DealPageForm,
    lines: list[LineForm],
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    if deal.lines.exists():
        form.fields["amount"].disabled = True
        form.fields["amount"].help_text = "What the products come to over the term."
    context: dict[str, Any] = {
        "deal": deal,
        "lead": deal.lead,
        "form": form,
        "lines": lines,
        "kept": list(deal.lines.order_by("position", "pk")),
        "mistakes": errors or {},
        "is_open": deal.state == Deal.State.OPEN,
        "chance": deal.probability
        if deal.probability is not None
        else (deal.lead.stage.probability if deal.lead.stage else 0),
    }
    return render(request, "pipeline/deal.html", context, status=status)


@require_POST
def deal_lines(request: HttpRequest, deal_id: int) -> HttpResponse:
    """All lines at once, as they stand on the page; empty ones fall away."""
    deal = find_deal(request, deal_id)
    forms = line_forms(deal, request.POST)
    version = request.POST.get("version", "")
    valid = [form.is_valid() for form in forms]  # all of them, so that each shows its errors
    if all(valid):
        try:
            actions.update_deal(
                deal.pk,
                at=timezone.now(),
                actor=user_of(request),
                version=int(version) if version.isascii() and version.isdigit() else None,
                lines=new_lines(forms),
            )
        except Invalid as error:
            wrong = {item.field: item.message for item in error.errors}
            form = DealPageForm(None, initial=initial_of(deal))
            return show_deal(
                request, deal, form, forms, errors=wrong or {"lines": error.detail}, status=422
            )
        return done(request, "Saved the products.", to=f"/deals/{deal.pk}/")
    form = DealPageForm(None, initial=initial_of(deal))
    return show_deal(request, deal, form, forms, status=422)


def new_lines(forms: list[LineForm]) -> list[NewLine]:
    filled = [form for form in forms if form.is_filled]
    keys = {form.cleaned_data["product"] for form in filled} - {""}
    products = {each.public_id: each for each in Product.objects.filter(public_id__in=keys)}
    return [form.line(products) for form in filled]


@require_POST
def deal_delete(request: HttpRequest, deal_id: int) -> HttpResponse:
    deal = find_deal(request, deal_id)
    if deal.state == Deal.State.WON:
        raise Invalid("A deal that was won stays. Reopen the lead to change it.")
    actions.delete_deal(deal.pk)
    return done(request, f"Deleted “{deal.name}”.", to=f"/leads/{deal.lead.public_id}/")
