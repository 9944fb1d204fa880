"""The scoring page: rules, thresholds, qualification, and what publishing would change."""

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
from scoring import actions, queries
from scoring.forms import QualificationForm, RowForm, RuleForm, ThresholdsForm, initial_of
from scoring.models import ModelVersion, Rule, ScoringModel
from scoring.views.page import ScoringPage, default_model, home_of

Door = Callable[..., HttpResponse]


def for_editors(view: Door) -> Door:
    """Marketers and administrators change models; everybody may read them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not cast(User, request.user).has_role(Role.MARKETER):
            raise Forbidden("Only marketers and administrators change scoring rules.")
        return view(request, *args, **kwargs)

    return guarded


def model_of(request: HttpRequest) -> ScoringModel:
    """The model that `?model=` names; the lead score when it is left out."""
    key = request.GET.get("model", "")
    if not key:
        return default_model()
    found = ScoringModel.objects.filter(key=key[:40].replace("\0", ""), archived_at=None).first()
    if found is None:
        raise NotFound
    return found


def page_of(request: HttpRequest, **how: bool) -> ScoringPage:
    return ScoringPage(cast(User, request.user), model=model_of(request), at=timezone.now(), **how)


@require_GET
def scoring(request: HttpRequest) -> HttpResponse:
    return render(request, "scoring/scoring.html", page_of(request).context())


@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    """The aside: what would change, worked out on up to 100,000 leads."""
    is_part = bool(request.headers.get("HX-Request"))
    page = page_of(request, is_part=is_part, look_ahead=True)
    template = "scoring/scoring.html#ahead" if is_part else "scoring/scoring.html"
    return render(request, template, page.context())


def _draft(request: HttpRequest) -> ModelVersion:
    """The draft to change; made from the published version by the first change."""
    return actions.create_draft(
        model_of(request).pk, at=timezone.now(), user=cast(User, request.user)
    )


def _changed(request: HttpRequest, message: str = "") -> HttpResponse:
    """After a change: the rules again, and a word to the aside to look ahead anew."""
    if not request.headers.get("HX-Request"):
        if message:
            messages.success(request, message)
        return redirect(home_of(model_of(request)))
    response = _part(request)
    response["HX-Trigger-After-Settle"] = "scoring-changed"
    return toast(response, message) if message else response


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The rules as they are, with the reason."""
    if not request.headers.get("HX-Request"):
        messages.error(request, error.detail)
        return redirect(home_of(model_of(request)))
    return toast(_part(request), error.detail, tone="bad")


def _part(request: HttpRequest) -> HttpResponse:
    page = page_of(request, is_part=True, inline=False)
    return render(request, "scoring/scoring.html#rules", page.context())


@require_POST
@for_editors
def save_row(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The switch, the points or the place of one rule, from its row."""
    form = RowForm(request.POST)
    if not form.is_valid():
        return _refused(request, DomainError("Points are a whole number from −100 to 100."))
    try:
        with transaction.atomic():  # a refused change leaves no draft behind
            rule = _rule(_draft(request), uid)
            if form.cleaned_data["move"]:
                actions.move_rule(rule.version_id, rule.pk, by=form.cleaned_data["move"])
            else:
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
    model = model_of(request)
    start = {"group": request.GET.get("group", "fit"), "weight_class": "valid", "points": 2}
    start |= {"kind": "did" if start["group"] == "engagement" else "is", "decay_days": 60}
    form = RuleForm(request.POST or None, initial=start, in_category=bool(model.category))
    if form.is_valid():
        try:
            with transaction.atomic():
                actions.save_rule(_draft(request).pk, form.rule_values)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Rule added to the draft.")
    return _rule_page(request, form)


@require_http_methods(["GET", "POST"])
@for_editors
def edit_rule(request: HttpRequest, uid: UUID) -> HttpResponse:
    page = page_of(request)
    shown = _rule(page.version, uid)
    in_category = bool(page.model.category)
    form = RuleForm(request.POST or None, initial=initial_of(shown), in_category=in_category)
    if form.is_valid():
        try:
            with transaction.atomic():
                rule = _rule(_draft(request), uid)
                actions.save_rule(rule.version_id, form.rule_values, rule_id=rule.pk)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Rule changed in the draft.")
    return _rule_page(request, form, rule=shown)


def _rule_page(request: HttpRequest, form: RuleForm, rule: Rule | None = None) -> HttpResponse:
    status = 422 if form.is_bound and not form.is_arranging else 200
    model = model_of(request)
    context = {
        "form": form,
        "rule": rule,
        "broken": queries.broken(rule) if rule else "",
        "model": model,
        "home": home_of(model),
        "section": "scoring",
    }
    return render(request, "scoring/rule.html", context, status=status)


def _saved(request: HttpRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect(home_of(model_of(request)))


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
        with transaction.atomic():
            actions.set_thresholds(_draft(request).pk, form.thresholds)
    except DomainError as error:
        return _refused(request, error)
    return _changed(request)


@require_http_methods(["GET", "POST"])
@for_editors
def qualification(request: HttpRequest) -> HttpResponse:
    shown = page_of(request)
    if not shown.model.is_default:
        raise NotFound("Leads qualify by the lead score, not by the score of a category.")
    names = QualificationForm.base_fields
    start = {name: getattr(shown.version, name) for name in names}
    form = QualificationForm(request.POST or None, initial=start)
    if form.is_valid():
        try:
            with transaction.atomic():
                actions.set_thresholds(_draft(request).pk, form.thresholds)
        except DomainError as error:
            form.take(error)
        else:
            return _saved(request, "Changed in the draft.")
    context = {"form": form, "version": shown.version, "section": "scoring"}
    status = 422 if form.is_bound and not form.is_arranging else 200
    return render(request, "scoring/qualification.html", context, status=status)
