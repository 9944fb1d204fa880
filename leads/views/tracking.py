"""Settings of tracked websites, and a lead's browsers on its page."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import NotFound
from leads.actions import record_consent
from leads.forms.tracking import PolicyForm, SiteForm
from leads.models import Consent, Lead, TrackedSite, TrackingPolicy
from leads.panels import Place, panel
from leads.queries import record, visitors
from leads.tracking import refusals, sites, stitching, storing

marketers = role_required(Role.MARKETER)


@marketers
def tracking_settings(request: HttpRequest) -> HttpResponse:
    """All sites, and what is kept of their visitors."""
    policy = TrackingPolicy.load()
    form = PolicyForm(request.POST or None, instance=policy)
    if request.method == "POST" and form.is_valid():
        form.save()
        storing.forget_rules()
        messages.success(request, "Saved for all sites.")
        return redirect("tracking-settings")
    context = {"form": form, "sites": visitors.sites(), "policy": policy}
    return _page(request, "settings/tracking.html", form, context)


@marketers
def site_new(request: HttpRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        site = sites.add_site(
            given["name"], origins=given["addresses"], created_by=user_of(request)
        )
        SiteForm(request.POST, instance=site).save()
        return redirect("tracked-site", site.pk)
    return _page(request, "settings/tracking_new.html", form, {"form": form})


@marketers
def site_page(request: HttpRequest, site_id: int) -> HttpResponse:
    """The snippet, whether it works, and the site's options."""
    site = _site(site_id)
    form = SiteForm(request.POST or None, instance=site)
    if request.method == "POST" and form.is_valid():
        form.save()
        sites.change_origins(site, form.cleaned_data["addresses"])
        messages.success(request, "Saved. Pages follow within ten minutes.")
        return redirect("tracked-site", site.pk)
    context = {"form": form, "site": _site(site_id), **_check(request, site)}
    return _page(request, "settings/tracking_site.html", form, context)


@marketers
@require_GET
def site_check(request: HttpRequest, site_id: int) -> HttpResponse:
    """What has arrived by now; the page asks again and again."""
    site = _site(site_id)
    if not request.headers.get("HX-Request"):
        return redirect("tracked-site", site.pk)
    context = {"site": site, **_check(request, site)}
    return render(request, "settings/tracking_site.html#check", context)


@marketers
@require_POST
def site_secret(request: HttpRequest, site_id: int) -> HttpResponse:
    site = _site(site_id)
    sites.renew_secret(site)
    messages.success(request, "A new secret is in force. Put it on the site’s server.")
    return redirect("tracked-site", site.pk)


@marketers
@require_POST
def site_stop(request: HttpRequest, site_id: int) -> HttpResponse:
    site = _site(site_id)
    sites.stop_site(site, at=timezone.now())
    messages.success(request, f"“{site.name}” is no longer tracked. What it sent stays.")
    return redirect("tracking-settings")


def _site(site_id: int) -> TrackedSite:
    return get_object_or_404(visitors.sites(), pk=site_id)


def _check(request: HttpRequest, site: TrackedSite) -> dict[str, Any]:
    return {
        "events": visitors.last_events(site),
        "refused": refusals.newest(site.pk),
        "server": request.build_absolute_uri("/").rstrip("/"),
        "secret": sites.secret_of(site),
    }


def _page(request: HttpRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context, status=422 if form.errors else 200)


# ---- on a lead's page ----


@panel(
    "website",
    place=Place.DETAILS,
    position=40,
    template="leads/website.html",
    later="On the website",
)
def website(lead: Lead, user: Any, at: datetime) -> dict[str, Any] | None:
    found = visitors.behaviour_of(lead)
    return {"lead": lead, "found": found} if found else None


@require_POST
def browser_cut(request: HttpRequest, lead_id: str, link_id: int) -> HttpResponse:
    """This browser was somebody else's: what it did leaves the timeline."""
    lead = record.find(request.user, lead_id)
    link = visitors.linked_to(lead, link_id)
    if link is None:
        raise NotFound
    stitching.cut(link, at=timezone.now(), user=user_of(request))
    messages.success(request, "Cut. What this browser did is no longer told here.")
    return redirect(f"/leads/{lead.public_id}/")


@require_POST
def browser_confirm(request: HttpRequest, lead_id: str, link_id: int) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    link = visitors.linked_to(lead, link_id)
    if link is None:
        raise NotFound
    confirmed = stitching.confirm_hint(link, at=timezone.now())
    words = "Confirmed. Its visits are told here now." if confirmed else "Not linked."
    messages.success(request, words)
    return redirect(f"/leads/{lead.public_id}/")


@require_POST
def lead_tracking(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Do not track this person, or do so again: a receipt like any other."""
    lead = record.find(request.user, lead_id)
    granted = request.POST.get("do") == "allow"
    record_consent(
        lead.pk,
        Consent.Purpose.TRACKING,
        granted=granted,
        at=timezone.now(),
        source=f"by {user_of(request)}"[:80],
    )
    messages.success(request, "May be tracked again." if granted else "No longer tracked.")
    return redirect(f"/leads/{lead.public_id}/")
