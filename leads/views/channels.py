"""Settings → Channels: what channels there are, and which touch belongs to which."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, NotFound
from leads.actions import channels as actions
from leads.attribution import channels, store
from leads.attribution.rules import OF_SOURCE, Rule, RuleSet
from leads.forms.channels import (
    FIELD_CHOICES,
    OP_CHOICES,
    ChannelForm,
    RuleForm,
    SettingsForm,
    TryForm,
    lines,
)
from leads.models import AttributionSettings
from leads.queries import channels as queries

PAGE = "channels"
office = role_required(Role.MARKETER, Role.MANAGER)


@office
@require_GET
def channel_page(request: HttpRequest) -> HttpResponse:
    draft = actions.draft()
    rules = store.rules_of(draft) if draft else store.current_rules()
    form = TryForm(request.GET or None)
    context = {
        "rules": [_shown(rule) for rule in rules.rules],
        "rule_set": rules,
        "draft": draft,
        "preview": _previewed(rules) if draft and "preview" in request.GET else None,
        "try_form": form,
        "tried": _tried(form, rules),
        "regrouping": queries.latest_regrouping(),
        "versions": queries.versions(),
        "other": channels.label_of("other"),
    }
    return render(request, "leads/channels/rules.html", context)


def _shown(rule: Rule) -> dict[str, Any]:
    of_source = rule.channel == OF_SOURCE
    return {
        "rule": rule,
        "channel": "Its source’s channel" if of_source else channels.label_of(rule.channel),
        "icon": "inbox" if of_source else channels.icon_of(rule.channel),
    }


def _previewed(rules: RuleSet) -> dict[str, Any]:
    found = queries.preview(rules)
    label = channels.label_of
    moves = [(move.touches, label(move.before), label(move.after)) for move in found.moves]
    return {"seen": found.seen, "moving": found.moving, "sampled": found.sampled, "moves": moves}


def _tried(form: TryForm, rules: RuleSet) -> dict[str, Any] | None:
    if not form.was_asked or not form.is_valid():
        return None
    context = {"page_url": form.cleaned_data["url"], "referrer": form.cleaned_data["referrer"]}
    found = queries.try_out(rules, context, form.cleaned_data["source"])
    return {
        "found": found,
        "channel": channels.label_of(found.decision.channel),
        "icon": channels.icon_of(found.decision.channel),
        "tags": {name: value for name, value in found.origin.utm.items() if value},
    }


@office
@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, key: str = "") -> HttpResponse:
    rule = _rule(key) if key else None
    form = RuleForm(request.POST if request.method == "POST" else None, rule)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_rule(key, form.given)
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Kept in the draft. Publish it when you are done.")
            return redirect(PAGE)
    context = {"form": form, "rule": rule, "fields": FIELD_CHOICES, "ops": OP_CHOICES}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "leads/channels/rule.html", context, status=status)


def _rule(key: str) -> Rule:
    draft = actions.draft()
    rules = store.rules_of(draft) if draft else store.current_rules()
    rule = next((rule for rule in rules.rules if rule.key == key), None)
    if rule is None:
        raise NotFound
    return rule


@office
@require_POST
def rule_move(request: HttpRequest, key: str) -> HttpResponse:
    actions.move_rule(key, up=request.POST.get("way") == "up")
    return redirect(PAGE)


@office
@require_POST
def rule_delete(request: HttpRequest, key: str) -> HttpResponse:
    actions.delete_rule(key)
    messages.success(request, "Taken out of the draft.")
    return redirect(PAGE)


@office
@require_POST
def rules_change(request: HttpRequest) -> HttpResponse:
    """Publish or discard the draft, take an earlier version up again, name own sites, regroup."""
    do = request.POST.get("do", "")
    try:
        messages.success(request, _do(request, do))
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect(PAGE)


def _do(request: HttpRequest, do: str) -> str:
    if do == "publish":
        regroup = "regroup" in request.POST
        actions.publish(at=timezone.now(), user=user_of(request), regroup=regroup)
        return "Published." + (" Touches of the past are being grouped anew." if regroup else "")
    if do == "discard":
        actions.discard_draft()
        return "The draft is gone; the published rules hold."
    if do == "hosts":
        actions.set_own_hosts(lines(request.POST.get("own_hosts", "")))
        return "Kept in the draft. Publish it when you are done."
    if do == "restore" and request.POST.get("number", "").isdecimal():
        actions.restore(int(request.POST["number"][:9]))
        return "The draft has the rules of that version now. Look at it, then publish."
    raise NotFound


@office
@require_http_methods(["GET", "POST"])
def channel_list(request: HttpRequest) -> HttpResponse:
    """The channels themselves, and how credit is shared among touches."""
    posted = request.POST if request.method == "POST" else None
    saving = posted is not None and posted.get("do") == "settings"
    form = SettingsForm(posted if saving else None, instance=AttributionSettings.load())
    channel_form = ChannelForm(posted if posted is not None and not saving else None)
    if posted is not None and _saved(request, form if saving else channel_form):
        return redirect("channel-list")
    context = {"channels": channels.all_channels(), "form": form, "channel_form": channel_form}
    return render(
        request, "leads/channels/list.html", context, status=422 if posted is not None else 200
    )


def _saved(request: HttpRequest, form: SettingsForm | ChannelForm) -> bool:
    if not form.is_valid():
        return False
    try:
        if isinstance(form, SettingsForm):
            form.save()
            messages.success(request, "Saved. Reports share credit like this from now on.")
        else:
            data = form.cleaned_data
            actions.save_channel(
                request.POST.get("key", "")[:20], name=data["name"], icon=data["icon"]
            )
            messages.success(request, f"Saved the channel “{data['name']}”.")
    except DomainError as error:
        form.add_error("name", error.detail)
        return False
    return True


@office
@require_POST
def channel_change(request: HttpRequest, key: str) -> HttpResponse:
    """Move a channel in the list, archive it or take it back."""
    do = request.POST.get("do", "")
    if do in {"up", "down"}:
        actions.move_channel(key, up=do == "up")
    elif do in {"archive", "restore"}:
        actions.archive_channel(key, archived=do == "archive")
    else:
        raise NotFound
    return redirect("channel-list")
