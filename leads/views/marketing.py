"""Insights → Campaigns & spend."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import role_required
from leadcrm.accounts.models import Role, Workspace
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.pagination import keyset_page
from leads import spendfile
from leads.actions import marketing as actions
from leads.attribution import channels
from leads.forms.marketing import CampaignForm, RateForm, SpendFileForm, SpendForm
from leads.models import ExchangeRate, MarketingCampaign, SpendEntry
from leads.queries import marketing as queries

office = role_required(Role.MARKETER, Role.MANAGER)
get_or_post = require_http_methods(["GET", "POST"])


def _status(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


@office
@get_or_post
def campaign_list(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.save_campaign(form.cleaned_data)  # type: ignore[arg-type]
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, f"Added the campaign “{made}”.")
            return redirect("marketing")
    archived = "archived" in request.GET
    found = queries.with_spend(queries.campaigns(archived=archived), Workspace.load().currency)
    page = keyset_page(found, ordering=["name", "pk"], size=50, cursor=request.GET.get("cursor"))
    context = {
        "page": page,
        "rows": [_campaign_row(row) for row in page],
        "form": form,
        "archived": archived,
        "alike": [] if archived else queries.look_alike(),
        "currency": Workspace.load().currency,
    }
    return render(request, "leads/marketing/campaigns.html", context, status=_status(form))


def _campaign_row(row: Any) -> dict[str, Any]:
    return {
        "campaign": row,
        "channel": channels.label_of(row.channel),
        "icon": channels.icon_of(row.channel),
        "used": float(row.spent / row.budget) if row.budget else None,
    }


@office
@get_or_post
def campaign_page(request: HttpRequest, campaign_id: int) -> HttpResponse:
    campaign = _find(campaign_id)
    form = CampaignForm(request.POST if request.method == "POST" else None, campaign)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_campaign(form.cleaned_data, campaign_id)  # type: ignore[arg-type]
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Saved.")
            return redirect("marketing")
    context = {
        "campaign": campaign,
        "form": form,
        "aliases": campaign.aliases.order_by("spelling"),
        "others": MarketingCampaign.objects.exclude(pk=campaign_id).order_by("name")[:1000],
        "spend": [_spend_row(row) for row in campaign.spend.order_by("-first_day", "-pk")[:20]],
    }
    return render(request, "leads/marketing/campaign.html", context, status=_status(form))


def _find(campaign_id: int) -> MarketingCampaign:
    found = MarketingCampaign.objects.filter(pk=campaign_id).first()
    if found is None:
        raise NotFound
    return found


@office
@require_POST
def campaign_change(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Archive, restore, delete, merge, or split a spelling off."""
    campaign = _find(campaign_id)
    try:
        messages.success(request, _changed(request, campaign))
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("marketing-campaign", campaign_id=campaign_id)
    return redirect("marketing")


def _changed(request: HttpRequest, campaign: MarketingCampaign) -> str:
    do = request.POST.get("do", "")
    if do in {"archive", "restore"}:
        actions.save_campaign({"is_archived": do == "archive"}, campaign.pk)
        return f"Archived “{campaign}”." if do == "archive" else f"“{campaign}” is back."
    if do == "delete":
        actions.delete_campaign(campaign.pk)
        return f"Deleted “{campaign}”."
    if do == "merge":
        into = request.POST.get("into", "")
        kept = actions.merge_campaigns(campaign.pk, into=int(into[:9]) if into.isdecimal() else 0)
        return f"“{campaign}” is part of “{kept}” now."
    if do == "split":
        made = actions.split_spelling(campaign.pk, request.POST.get("spelling", "")[:200])
        return f"“{made}” is a campaign of its own again."
    raise NotFound


# ---- spend ----


@office
@get_or_post
def spend_list(request: HttpRequest) -> HttpResponse:
    form = SpendForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_spend(form.values)
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Added. Reports spread it evenly over its days.")
            return redirect("spend")
    page = keyset_page(
        SpendEntry.objects.select_related("campaign"),
        ordering=["-first_day", "-pk"],
        size=50,
        cursor=request.GET.get("cursor"),
    )
    context = {"page": page, "rows": [_spend_row(row) for row in page], "form": form}
    return render(request, "leads/marketing/spend.html", context, status=_status(form))


def _spend_row(entry: SpendEntry) -> dict[str, Any]:
    return {
        "entry": entry,
        "channel": channels.label_of(entry.channel),
        "icon": channels.icon_of(entry.channel),
        "days": (entry.last_day - entry.first_day).days + 1,
    }


@office
@get_or_post
def spend_edit(request: HttpRequest, entry_id: int) -> HttpResponse:
    entry = SpendEntry.objects.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound
    form = SpendForm(request.POST if request.method == "POST" else None, entry)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_spend(form.values, entry_id=entry_id)
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Saved.")
            return redirect("spend")
    context = {"entry": entry, "form": form}
    return render(request, "leads/marketing/spend_edit.html", context, status=_status(form))


@office
@require_POST
def spend_delete(request: HttpRequest, entry_id: int) -> HttpResponse:
    actions.delete_spend(entry_id)
    messages.success(request, "Deleted.")
    return redirect("spend")


@office
@get_or_post
def spend_file(request: HttpRequest) -> HttpResponse:
    """Read a file, show what was understood, and keep it when somebody says so."""
    if request.method == "GET":
        return render(request, "leads/marketing/spend_file.html", {"form": SpendFileForm()})
    form = SpendFileForm(request.POST, request.FILES)
    reading = None
    if form.is_valid():
        reading = spendfile.read_spend(form.cleaned_data["text"], Workspace.load().currency)
        if request.POST.get("do") == "keep" and reading.good and (kept := _kept(request, reading)):
            return kept
    context = {"form": form, "reading": reading, "text": form.cleaned_data.get("text", "")}
    status = 422 if form.errors or (reading and reading.problem) else 200
    return render(request, "leads/marketing/spend_file.html", context, status=status)


def _kept(request: HttpRequest, reading: spendfile.Reading) -> HttpResponse | None:
    rows = reading.good
    try:
        count = actions.add_rows(
            [line.values for line in rows], {n: line.tag for n, line in enumerate(rows) if line.tag}
        )
    except DomainError as error:
        messages.error(request, f"Nothing was kept: {error.detail}")
        return None
    messages.success(request, f"Kept {count} row{'' if count == 1 else 's'}.")
    return redirect("spend")


@office
@get_or_post
def rates(request: HttpRequest) -> HttpResponse:
    form = RateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.save_rate(data["currency"], data["month"], data["rate"])
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Saved. Reports use it from now on.")
            return redirect("rates")
    context = {
        "form": form,
        "rates": ExchangeRate.objects.order_by("currency", "-month")[:500],
        "currency": Workspace.load().currency,
    }
    return render(request, "leads/marketing/rates.html", context, status=_status(form))


@office
@require_POST
def rate_delete(request: HttpRequest, rate_id: int) -> HttpResponse:
    actions.delete_rate(rate_id)
    messages.success(request, "Deleted.")
    return redirect("rates")
