"""Routing rules: read by everybody, changed by managers in a draft that is then published."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role, Team
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leads.models import Lead
from pipeline import actions, queries
from pipeline.forms.rules import FallbackForm, RuleForm, initial_of
from pipeline.models import Pool, RoutingRule, RuleSet
from pipeline.queries import trial
from pipeline.views.doors import done, find_lead, is_fragment

PAGE = "/routing/"
editors = role_required(Role.MANAGER)


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    published = actions.ensure_default_routing()
    draft = queries.draft_rule_set() if may_edit(request) else None
    shown = published if draft is None or request.GET.get("set") == "published" else draft
    context = {
        "shown": shown,
        "published": published,
        "draft": draft,
        "may_edit": may_edit(request),
        "rows": trial.rule_rows(shown, at=at),
        "verdicts": trial.room_for_more(shown, at=at),
        "pools": Pool.objects.order_by("name"),
        "changes": trial.changes(published, draft) if draft and shown == draft else [],
        "fallback": fallback_of(shown),
        "teams": Team.objects.order_by("name") if may_edit(request) else [],
        **trying(request, shown, at=at),
    }
    template = "pipeline/routing.html#try" if is_fragment(request) else "pipeline/routing.html"
    return render(request, template, context)


def fallback_of(rule_set: RuleSet) -> dict[str, Any]:
    """The queue that answers for the rest, and who is told."""
    team = rule_set.fallback_queue or actions.fallback_queue()
    told = queries.responsible_for(Lead(team=team))
    return {"team": team, "told": ", ".join(user.name for user in told)}


def may_edit(request: HttpRequest) -> bool:
    return user_of(request).has_role(Role.MANAGER)


def trying(request: HttpRequest, rule_set: RuleSet, *, at: datetime) -> dict[str, Any]:
    """One lead played through the rules, found by its name or its id."""
    words, chosen = request.GET.get("q", "").replace("\x00", ""), request.GET.get("lead", "")
    found: list[Lead] = []
    if words and not chosen:
        visible = Lead.objects.visible_to(request.user).search(words)
        found = list(visible.select_related("score_row").order_by("-created_at", "-pk")[:8])
    lead = find_lead(request, chosen) if chosen else found[0] if len(found) == 1 else None
    played = trial.try_lead(rule_set, lead, at=at) if lead else None
    return {"q": words, "found": found if lead is None else [], "trial": played}


# ---- changing the draft ----


def as_new(rule: RoutingRule, **changes: Any) -> actions.NewRule:
    target = rule.target
    values = {
        "name": rule.name,
        "target_kind": rule.target_kind,
        "target_id": target.pk if target else None,
        "condition": rule.condition,
        "skills": rule.skills,
        "enabled": rule.enabled,
        "key": rule.key,
    }
    return actions.NewRule(**{**values, **changes})


def draft_rules(at: datetime) -> list[RoutingRule]:
    """The rules of the draft, which is made when there is none."""
    draft = actions.start_draft(at=at)
    found = draft.rules.select_related("target_user", "target_pool", "target_queue")
    return list(found.order_by("order"))


def present_rule(key: str) -> RoutingRule:
    """A rule as the next draft would have it, without making one."""
    rule_set = queries.draft_rule_set() or actions.ensure_default_routing()
    rule = rule_set.rules.filter(key=key).first()
    if rule is None:
        raise NotFound
    return rule


@editors
def rule_new(request: HttpRequest) -> HttpResponse:
    form = RuleForm(request.POST or None, initial={"enabled": True})
    return edit(request, form, lambda kept, new: [*kept, new])


@editors
def rule_edit(request: HttpRequest, key: str) -> HttpResponse:
    rule = present_rule(key)
    form = RuleForm(request.POST or None, initial=initial_of(rule))
    return edit(request, form, replacing(key), rule=rule)


Change = Callable[[list[actions.NewRule], actions.NewRule], list[actions.NewRule]]


def replacing(key: str) -> Change:
    return lambda kept, new: [new if rule.key == key else rule for rule in kept]


def edit(
    request: HttpRequest, form: RuleForm, change: Change, *, rule: RoutingRule | None = None
) -> HttpResponse:
    status = 200
    if form.is_bound and form.is_valid():
        try:
            return saved(request, form, change, key=rule.key if rule else "")
        except DomainError as error:
            form.add_error(None, error.detail)
            status = error.status
    status = 422 if form.errors and status == 200 else status
    return render(request, "pipeline/rule_form.html", {"form": form, "rule": rule}, status=status)


def saved(request: HttpRequest, form: RuleForm, change: Change, *, key: str) -> HttpResponse:
    kind, target_id = form.aim
    new = actions.NewRule(
        name=form.cleaned_data["name"],
        target_kind=kind,
        target_id=target_id,
        condition=form.tree,
        skills=form.wanted_skills,
        enabled=form.cleaned_data["enabled"],
        key=key,
    )
    queries.check_condition(new.condition)
    at = timezone.now()
    actions.save_draft(change([as_new(rule) for rule in draft_rules(at)], new), at=at)
    return done(request, f"“{new.name}” is in the draft. Publish it to let it decide.", to=PAGE)


@editors
@require_POST
def rule_change(request: HttpRequest, key: str) -> HttpResponse:
    """Move a rule up or down, switch it on or off, or take it out; in the draft."""
    at, what = timezone.now(), request.POST.get("do", "")
    found = [as_new(rule) for rule in draft_rules(at)]
    index = next((i for i, rule in enumerate(found) if rule.key == key), None)
    if index is None:
        raise NotFound
    rule = found.pop(index)
    if what in {"up", "down"}:
        found.insert(max(0, index - 1 if what == "up" else index + 1), rule)
    elif what in {"on", "off"}:
        found.insert(index, switched(rule, on=what == "on"))
    elif what != "remove":
        raise Invalid.field("do", "A rule can move up or down, go on or off, or be removed.")
    actions.save_draft(found, at=at)
    return done(request, f"Changed “{rule.name}” in the draft.", to=PAGE)


def switched(rule: actions.NewRule, *, on: bool) -> actions.NewRule:
    return actions.NewRule(
        name=rule.name,
        target_kind=rule.target_kind,
        target_id=rule.target_id,
        condition=rule.condition,
        skills=rule.skills,
        key=rule.key,
        enabled=on,
    )


@editors
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    note = request.POST.get("note", "")
    made = actions.publish_draft(at=timezone.now(), actor=user_of(request), note=note)
    return done(request, f"Rules v{made.number} decide from now on.", to=PAGE)


@editors
@require_POST
def discard(request: HttpRequest) -> HttpResponse:
    actions.discard_draft()
    return done(request, "The draft is gone. The published rules stay in force.", to=PAGE)


@editors
@require_POST
def fallback(request: HttpRequest) -> HttpResponse:
    """Whose queue takes what no rule takes; in the draft."""
    form = FallbackForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("team", "Choose a team: somebody must answer for every lead.")
    team = form.cleaned_data["team"]
    actions.set_fallback(team, at=timezone.now())
    return done(request, f"Everyone else goes to the queue of {team}, by the draft.", to=PAGE)
