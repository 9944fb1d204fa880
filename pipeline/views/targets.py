"""Response targets: read by everybody, changed by managers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, Invalid
from leads import conditions
from pipeline.actions import targets as actions
from pipeline.actions.defaults import TARGET_MINUTES
from pipeline.forms import show_refusal
from pipeline.forms.targets import TargetForm, initial_of
from pipeline.models import ResponseTarget
from pipeline.views.doors import done

PAGE = "/routing/targets/"
editors = role_required(Role.MANAGER)


@require_GET
def target_list(request: HttpRequest) -> HttpResponse:
    found = ResponseTarget.objects.prefetch_related("steps__person", "steps__pool")
    rows = [
        (
            target,
            conditions.describe(target.condition) if target.condition else "Every lead",
            sorted(target.steps.all(), key=lambda step: (step.minutes, step.pk)),
        )
        for target in found.order_by("order", "pk")
    ]
    context = {
        "rows": rows,
        "default_minutes": TARGET_MINUTES,
        "may_edit": user_of(request).has_role(Role.MANAGER),
    }
    return render(request, "pipeline/targets.html", context)


@editors
def target_edit(request: HttpRequest, target_id: int | None = None) -> HttpResponse:
    target = get_object_or_404(ResponseTarget, pk=target_id) if target_id else None
    form = TargetForm(request.POST or None, initial=initial_of(target))
    if form.is_valid():
        try:
            made = actions.save_target(target, form.terms)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, f"Saved “{made.name}” for clocks that start now.", to=PAGE)
    context = {"form": form, "target": target}
    return render(request, "pipeline/target.html", context, status=422 if form.errors else 200)


@editors
@require_POST
def target_change(request: HttpRequest, target_id: int) -> HttpResponse:
    """Move a target up or down, or take it away."""
    target, what = get_object_or_404(ResponseTarget, pk=target_id), request.POST.get("do", "")
    if what in {"up", "down"}:
        actions.move_target(target, up=what == "up")
    elif what == "remove":
        actions.delete_target(target)
    else:
        raise Invalid.field("do", "A target can move up or down, or be removed.")
    return done(request, f"Changed “{target.name}”.", to=PAGE)
