"""What forms give in return."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import DomainError
from leads.actions import assets as actions
from leads.forms.form_settings import AssetForm
from leads.models import Asset
from leads.queries import forms as queries
from leads.views.forms.shared import OFFICE, status_of


@role_required(*OFFICE)
@require_GET
def asset_list(request: HttpRequest) -> HttpResponse:
    return render(request, "leads/forms/assets.html", {"assets": queries.assets()})


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def asset_new(request: HttpRequest) -> HttpResponse:
    return edit(request, None)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def asset_edit(request: HttpRequest, asset_id: int) -> HttpResponse:
    return edit(request, get_object_or_404(Asset, pk=asset_id))


def edit(request: HttpRequest, asset: Asset | None) -> HttpResponse:
    posted = request.method == "POST"
    entry = AssetForm(
        request.POST if posted else None, request.FILES if posted else None, asset=asset
    )
    if posted and entry.is_valid():
        try:
            saved = actions.save_asset(entry.new, asset=asset, by=user_of(request))
        except DomainError as error:
            for each in error.errors:
                entry.add_error(each.field, each.message)
        else:
            messages.success(request, f"Saved “{saved.name}”. Choose it in a form, under After.")
            return redirect("asset-list")
    context = {"entry": entry, "asset": asset}
    return render(request, "leads/forms/asset.html", context, status=status_of(entry))


@role_required(*OFFICE)
@require_POST
def asset_archive(request: HttpRequest, asset_id: int) -> HttpResponse:
    asset = get_object_or_404(Asset, pk=asset_id)
    actions.archive_asset(asset.pk, at=timezone.now())
    messages.success(request, f"“{asset.name}” is archived. Links that were sent keep working.")
    return redirect("asset-list")
