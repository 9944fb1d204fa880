"""The scoring page: rules, thresholds, and what publishing would change."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import DomainError, Forbidden, NotFound
from leadcrm.lib.toasts import toast
from scoring import actions
from scoring.forms import QualificationForm, RowForm, RuleForm, ThresholdsForm, initial_of
from scoring.models import ModelVersion, Rule, ScoringModel
from scoring.views.page import ScoringPage, default_model

Door = Callable[..., HttpResponse]


def for_editors(view: Door) -> Door:
    """Marketers and administrators change models; everybody may read them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not cast(User, request.user).has_role(Role.MARKETER):
            raise Forbidden("Only marketers and administrators change scoring rules.")
        return view(request, *args, **kwargs)

    return guarded


@require_GET
def scoring(request: HttpRequest) -> HttpResponse:
    page = ScoringPage(cast(User, request.user), at=timezone.now())
    return render(request, "scoring/scoring.html", page.context())


@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    """The aside: what would change, worked out on up to 100,000 leads."""
    is_part = bool(request.headers.get("HX-Request"))
    page = ScoringPage(
        cast(User, request.user), at=timezone.now(), is_part=is_part, look_ahead=True
    )
    template = "scoring/scoring.html#ahead" if is_part else "scoring/scoring.html"
    return render(request, template, page.context())


def _draft(request: HttpRequest) -> ModelVersion:
    """The draft to change; made from the published version by the first change."""
    return actions.create_draft(
        default_model().pk, at=timezone.now(), user=cast(User, request.user)
    )


def _changed(request: HttpRequest, message: str = "") -> HttpResponse:
    """After a change: the rules again, and a word to the aside to look ahead anew."""
    if not request.headers.get("HX-Request"):
        if message:
            messages.success(request, message)
        return redirect("/scoring/")
    response = _part(request)
    response["HX-Trigger-After-Settle"] = "scoring-changed"
    return toast(response, message) if message else response


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The rules as they are, with the reason."""
    if not request.headers.get("HX-Request"):
        messages.error(request, error.detail)
        return redirect("/scoring/")
    return toast(_part(request), error.detail, tone="bad")


def _part(request: HttpRequest) -> HttpResponse:
    page = ScoringPage(cast(User, request.user), at=timezone.now(), is_part=True, inline=False)
    return render(request, "scoring/scoring.html#rules", page.context())


@require_POST
@for_editors
def save_row(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The switch and the points of one rule, from its row."""
    form = RowForm(request.POST)
    if not form.is_valid():
        return _refused(request, DomainError("Points are a whole number from −100 to 100."))
    try:
        with transaction.atomic():  # a refused change leaves no draft behind
            rule = _rule(_draft(request), uid)
            actions.save_rule(rule.version_id, form.values_for(rule), rule_id=rule.pk)
    except DomainError as error:
        return _refused(request, error)
    return _changed(request)


def _rule(draft: ModelVersion, uid: UUID) -> Rule:
    rule = draft.rules.filter(uid=uid).first()
    if rule is None:
        raise NotFound
    return rule


@require_http_methods(["GET", "POST"])
@for_editors
def new_rule(request: HttpRequest) -> HttpResponse:
    start = {"group": request.GET.get("group", "fit"), "weight_class": "valid", "points": 2}
    start |= {"kind": "did" if start["group"] == "engagement" else "is", "decay_days": 60}
    form = RuleForm(request.POST or None, initial=start)
    if form.is_valid():
        try:
            actions.save_rule(_draft(request).pk, form.rule_values)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Rule added to the draft.")
    return _rule_page(request, form)


@require_http_methods(["GET", "POST"])
@for_editors
def edit_rule(request: HttpRequest, uid: UUID) -> HttpResponse:
    shown = _rule(ScoringPage(cast(User, request.user), at=timezone.now()).version, uid)
    form = RuleForm(request.POST or None, initial=initial_of(shown))
    if form.is_valid():
        rule = _rule(_draft(request), uid)
        try:
            actions.save_rule(rule.version_id, form.rule_values, rule_id=rule.pk)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Rule changed in the draft.")
    return _rule_page(request, form, rule=shown)


def _rule_page(request: HttpRequest, form: RuleForm, rule: Rule | None = None) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, "scoring/rule.html", {"form": form, "rule": rule}, status=status)


def _saved(request: HttpRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect("/scoring/")


@require_POST
@for_editors
def delete_rule(request: HttpRequest, uid: UUID) -> HttpResponse:
    rule = _rule(_draft(request), uid)
    actions.delete_rule(rule.version_id, rule.pk)
    return _saved(request, "Rule removed from the draft.")


@require_POST
@for_editors
def thresholds(request: HttpRequest) -> HttpResponse:
    form = ThresholdsForm(request.POST)
    if not form.is_valid():
        field, mistakes = next(iter(form.errors.items()))
        return _refused(request, DomainError(f"{form.fields[field].label}: {mistakes[0]}"))
    try:
        actions.set_thresholds(_draft(request).pk, form.thresholds)
    except DomainError as error:
        return _refused(request, error)
    return _changed(request)


@require_http_methods(["GET", "POST"])
@for_editors
def qualification(request: HttpRequest) -> HttpResponse:
    shown = ScoringPage(cast(User, request.user), at=timezone.now())
    start = {
        kind: json.dumps(tree, indent=2) for kind, tree in shown.version.qualifications.items()
    }
    form = QualificationForm(request.POST or None, initial=start)
    if form.is_valid():
        try:
            actions.set_thresholds(_draft(request).pk, form.thresholds)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Changed in the draft.")
    context = {"form": form, "words": shown.qualifications()}
    status = 422 if form.is_bound else 200
    return render(request, "scoring/qualification.html", context, status=status)


@require_POST
@for_editors
def publish(request: HttpRequest) -> HttpResponse:
    version = actions.publish_version(
        _existing_draft().pk, at=timezone.now(), user=cast(User, request.user)
    )
    return _saved(request, f"Published version {version.number}. Everybody is being scored anew.")


@require_POST
@for_editors
def discard(request: HttpRequest) -> HttpResponse:
    actions.discard_draft(_existing_draft().pk)
    return _saved(request, "The draft is gone. The published rules stay as they are.")


def _existing_draft() -> ModelVersion:
    model: ScoringModel = default_model()
    draft = model.versions.filter(state=ModelVersion.State.DRAFT).first()
    if draft is None:
        raise NotFound("There is no draft any more: it was published or discarded meanwhile.")
    return draft
