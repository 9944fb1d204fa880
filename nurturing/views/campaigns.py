"""Drip campaigns: their list, their steps, who is in them and what they sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.forms import show_refusal
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leadcrm.lib.pagination import capped_count, keyset_page
from leads.models import Lead
from nurturing import actions, queries
from nurturing.defaults import ensure_welcome_campaign
from nurturing.forms import (
    CampaignForm,
    EnrolForm,
    MailForm,
    PolicyForm,
    SettingsForm,
    WaitForm,
    usable_templates,
)
from nurturing.models import DripCampaign, FrequencyPolicy, Sender, Step

PAGE = 50
reader = role_required(Role.MARKETER, Role.MANAGER)
editor = role_required(Role.MARKETER)


@reader
@require_GET
def campaign_list(request: HttpRequest) -> HttpResponse:
    context = {"rows": queries.campaign_rows(), "may_edit": may_edit(request)}
    return render(request, "nurturing/campaigns.html", context)


@editor
@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    if request.POST.get("do") == "welcome":
        return redirect("campaign", ensure_welcome_campaign().key)
    form = CampaignForm(request.POST or None)
    if form.is_valid():
        try:
            campaign = actions.create_campaign(
                form.cleaned_data["name"],
                trigger=form.trigger,
                at=timezone.now(),
                user=user_of(request),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            return redirect("campaign", campaign.key)
    context = {"form": form}
    return render(request, "nurturing/campaign_new.html", context, status=status_of(form))


@reader
@require_GET
def campaign_steps(request: HttpRequest, key: str) -> HttpResponse:
    campaign = queries.find_campaign(key)
    editing = may_edit(request) and campaign.state != DripCampaign.State.ARCHIVED
    context = {
        **frame(request, campaign, "steps"),
        "steps": queries.steps_of(campaign, draft=may_edit(request)),
        "editing": editing,
        "mail_form": MailForm() if editing else None,
        "wait_form": WaitForm() if editing else None,
        "templates": list(usable_templates()) if editing else [],
        "stop_labels": stop_labels(campaign),
        "settings_form": SettingsForm.of(campaign) if editing else None,
    }
    return render(request, "nurturing/campaign.html", context)


@reader
@require_GET
def campaign_people(request: HttpRequest, key: str) -> HttpResponse:
    campaign = queries.find_campaign(key)
    people = queries.people_of(request.user, campaign=campaign)
    page = keyset_page(people, ordering=["-pk"], size=PAGE, cursor=request.GET.get("cursor"))
    context = {**frame(request, campaign, "people"), "page": page, "enrol_form": EnrolForm()}
    return render(request, "nurturing/people.html", context)


@reader
@require_GET
def campaign_log(request: HttpRequest, key: str) -> HttpResponse:
    """Every mail with its fate: why did she not get it?"""
    campaign, show = queries.find_campaign(key), request.GET.get("show", "")
    mails = queries.mails_of(request.user, campaign=campaign, show=show)
    page = keyset_page(mails, ordering=["-pk"], size=PAGE, cursor=request.GET.get("cursor"))
    filters = [(name, label) for name, (label, _) in queries.LOG_FILTERS.items()]
    context = {**frame(request, campaign, "log"), "page": page, "show": show, "filters": filters}
    return render(request, "nurturing/log.html", context)


@editor
@require_POST
def mail_again(request: HttpRequest, key: str) -> HttpResponse:
    """A mail in doubt, sent once more because somebody says so."""
    mails = queries.mails_of(request.user, campaign=queries.find_campaign(key))
    send = mails.filter(public_id=request.POST.get("send", "")).first()
    if send is None:
        raise NotFound
    actions.send_again(send)
    messages.success(request, f"The mail to {send.lead.name} goes out again.")
    return redirect("campaign-log", key)


@editor
@require_POST
def campaign_settings(request: HttpRequest, key: str) -> HttpResponse:
    campaign, form = queries.find_campaign(key), SettingsForm(request.POST)
    if not form.is_valid():
        raise Invalid(first_error(form))
    actions.change_settings(campaign.pk, form.settings)
    messages.success(request, "Saved.")
    return redirect("campaign", key)


STATES = {"pause": actions.pause, "resume": actions.resume, "archive": actions.archive}


@editor
@require_POST
def campaign_state(request: HttpRequest, key: str) -> HttpResponse:
    campaign, change = queries.find_campaign(key), STATES.get(request.POST.get("do", ""))
    if change is None:
        raise NotFound
    changed = change(campaign.pk, at=timezone.now())
    messages.success(request, f"“{campaign.name}” is {changed.get_state_display().lower()}.")
    return redirect("campaign", key)


@editor
@require_POST
def campaign_publish(request: HttpRequest, key: str) -> HttpResponse:
    campaign = queries.find_campaign(key)
    if request.POST.get("do") == "discard":
        actions.discard_draft(campaign.pk)
        messages.success(request, "The changes are gone.")
        return redirect("campaign", key)
    version = actions.publish(campaign.pk, at=timezone.now(), user=user_of(request))
    messages.success(request, f"Published as version {version.number}.")
    return redirect("campaign", key)


@editor
@require_POST
def campaign_enrol(request: HttpRequest, key: str) -> HttpResponse:
    campaign, form = queries.find_campaign(key), EnrolForm(request.POST)
    address = form.cleaned_data["email"] if form.is_valid() else ""
    lead = Lead.objects.visible_to(request.user).filter(email__iexact=address.strip()).first()
    if lead is None:
        raise Invalid(f"No lead has the address “{address}”. Add the lead first.")
    actions.enrol_by_hand(lead, campaign, at=timezone.now())
    messages.success(request, f"{lead.name} is in “{campaign.name}” now.")
    return redirect("campaign-people", key)


@editor
@require_POST
def step_add(request: HttpRequest, key: str) -> HttpResponse:
    campaign, now = queries.find_campaign(key), timezone.now()
    kind = request.POST.get("kind")
    if kind == Step.Kind.EMAIL:
        form = valid(MailForm(request.POST))
        actions.add_email(campaign.pk, form.cleaned_data["template"], at=now)
    elif kind == Step.Kind.WAIT:
        actions.add_wait(campaign.pk, valid(WaitForm(request.POST)).minutes, at=now)
    elif kind == Step.Kind.EXIT:
        actions.add_exit(campaign.pk, at=now)
    else:
        raise Invalid("A step is an e-mail, a wait or the end.")
    return redirect("campaign", key)


@editor
@require_POST
def step_change(request: HttpRequest, key: str, step: str) -> HttpResponse:
    campaign, now, do = queries.find_campaign(key), timezone.now(), request.POST.get("do")
    if do == "remove":
        actions.remove_step(campaign.pk, step, at=now)
    elif do in {"up", "down"}:
        actions.move_step(campaign.pk, step, by=-1 if do == "up" else 1, at=now)
    elif "amount" in request.POST:
        minutes = valid(WaitForm(request.POST)).minutes
        actions.change_step(campaign.pk, step, minutes=minutes, at=now)
    else:
        template = valid(MailForm(request.POST)).cleaned_data["template"]
        actions.change_step(campaign.pk, step, template=template, at=now)
    return redirect("campaign", key)


@editor
@require_http_methods(["GET", "POST"])
def sending_policy(request: HttpRequest) -> HttpResponse:
    """How often and when anybody is mailed, and whether our mail server takes mail."""
    form = PolicyForm(request.POST) if request.POST else PolicyForm.of(FrequencyPolicy.load())
    if form.is_valid():
        actions.change_policy(**form.cleaned_data)
        messages.success(request, "Saved. It counts from the next mail on.")
        return redirect("sending-policy")
    context = {"form": form, "sender": Sender.load(), "now": timezone.now()}
    return render(request, "nurturing/sending.html", context, status=status_of(form))


# Helpers --------------------------------------------------------------------------------------


def may_edit(request: HttpRequest) -> bool:
    return user_of(request).has_role(Role.MARKETER)


def frame(request: HttpRequest, campaign: DripCampaign, view: str) -> dict[str, Any]:
    """What the three pages of a campaign share."""
    [row] = queries.campaign_rows([campaign])
    return {
        "campaign": campaign,
        "row": row,
        "view": view,
        "may_edit": may_edit(request),
        "people_count": capped_count(queries.people_of(request.user, campaign=campaign)),
    }


def stop_labels(campaign: DripCampaign) -> list[str]:
    labels = dict(DripCampaign.StopOn.choices)
    return [str(labels[key]) for key in campaign.stop_on if key in labels]


def valid(form: Any) -> Any:
    """:raises Invalid: with the form's first complaint."""
    if not form.is_valid():
        raise Invalid(first_error(form))
    return form


def first_error(form: Any) -> str:
    field, errors = next(iter(form.errors.items()))
    label = form.fields[field].label or field.capitalize() if field in form.fields else ""
    return f"{label}: {errors[0]}" if label else str(errors[0])


def status_of(form: Any) -> int:
    return 422 if form.errors else 200
