"""Drip campaigns on the page of one lead: whoever sees the lead may start and stop them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads.queries import record
from nurturing import actions, queries


@require_POST
def lead_enrol(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    campaign = queries.find_campaign(request.POST.get("campaign", ""))
    actions.enrol_by_hand(lead, campaign, at=timezone.now())
    messages.success(request, f"{lead.name} is in “{campaign.name}” now.")
    return redirect(f"/leads/{lead.public_id}/")


@require_POST
def lead_stop(request: HttpRequest, lead_id: str, key: str) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    campaign = queries.find_campaign(key)
    actions.stop(lead.pk, campaign, at=timezone.now())
    messages.success(request, f"“{campaign.name}” sends nothing more to {lead.name}.")
    return redirect(f"/leads/{lead.public_id}/")
