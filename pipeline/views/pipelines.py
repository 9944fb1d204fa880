"""Settings of pipelines: stages in order, what each asks for, moves by rule, and reasons."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leads.conditions import describe
from leads.models import Pipeline, Segment, Stage
from pipeline import queries
from pipeline.actions import funnels
from pipeline.forms import show_refusal
from pipeline.forms.pipelines import (
    AutoMoveForm,
    NewPipelineForm,
    PipelineForm,
    ReasonForm,
    StageForm,
    initial_of,
    reason_initial,
)
from pipeline.models import AutoMove, CloseReason
from pipeline.views.doors import done

PAGE = "/settings/pipelines/"
keepers = role_required(Role.MANAGER)
get_or_post = require_http_methods(["GET", "POST"])


def path_of(pipeline: Pipeline) -> str:
    return f"{PAGE}{pipeline.key}/"


def find_pipeline(key: str) -> Pipeline:
    found = Pipeline.objects.filter(key=key).first()
    if found is None:
        raise NotFound
    return found


def find_stage(key: str, stage: str) -> Stage:
    found = queries.stages(find_pipeline(key)).select_related("pipeline").filter(key=stage).first()
    if found is None:
        raise NotFound
    return found


# Pipelines ----------------------------------------------------------------------------------------


@keepers
@get_or_post
def pipeline_list(request: HttpRequest) -> HttpResponse:
    form = NewPipelineForm(request.POST or None)
    if form.is_valid():
        made = funnels.create_pipeline(name=form.cleaned_data["name"], copy_of=form.source)
        return done(request, f"Made the pipeline “{made}”.", to=path_of(made))
    reasons = [(label, kind, queries.reasons(kind)) for kind, label in CloseReason.Kind.choices]
    context = {"pipelines": queries.with_counts(), "form": form, "reasons": reasons}
    status = 422 if form.errors else 200
    return render(request, "pipeline/settings/pipelines.html", context, status=status)


@keepers
@get_or_post
def pipeline_page(request: HttpRequest, key: str) -> HttpResponse:
    pipeline = find_pipeline(key)
    initial = {name: getattr(pipeline, name) for name in PipelineForm.base_fields}
    form = PipelineForm(posted(request), initial=initial)
    if form.is_valid():
        try:
            funnels.update_pipeline(pipeline.pk, **form.changes)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, "Saved.", to=path_of(pipeline))
    rules = list(queries.auto_moves(pipeline))
    segments = dict(Segment.objects.values_list("public_id", "name"))
    context = {
        "pipeline": pipeline,
        "rows": [stage_row(stage, rules, segments) for stage in queries.stages(pipeline)],
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "pipeline/settings/pipeline.html", context, status=status)


def stage_row(stage: Stage, rules: list[AutoMove], segments: dict[str, str]) -> dict[str, Any]:
    words = dict(queries.requirable())
    return {
        "stage": stage,
        "needs": [words[key] for key in stage.required_fields if key in words],
        "condition": describe(stage.condition) if stage.condition else "",
        "moves": [sentence(rule, segments) for rule in rules if rule.stage_id == stage.pk],
    }


def sentence(rule: AutoMove, segments: dict[str, str]) -> str:
    """“To Lost when nothing happens for 30 days”."""
    when = rule.get_trigger_display()
    if rule.trigger in AutoMove.TIMED:
        when = when.replace("some days", f"{rule.days} days")
    if rule.trigger == AutoMove.Trigger.SEGMENT:
        when = f"it enters the segment “{segments.get(rule.segment, 'one that is gone')}”"
    return f"To {rule.to_stage} when {when}"


@keepers
@require_POST
def pipeline_change(request: HttpRequest, key: str) -> HttpResponse:
    pipeline, deed = find_pipeline(key), request.POST.get("do")
    if deed == "default":
        funnels.update_pipeline(pipeline.pk, is_default=True)
        return done(request, f"New leads begin in “{pipeline}” from now on.", to=PAGE)
    if deed == "restore":
        funnels.restore_pipeline(pipeline.pk)
        return done(request, f"“{pipeline}” is in use again.", to=PAGE)
    funnels.archive_pipeline(pipeline.pk, at=timezone.now())
    return done(request, f"“{pipeline}” is archived.", to=PAGE)


# Stages -------------------------------------------------------------------------------------------


@keepers
@get_or_post
def stage_new(request: HttpRequest, key: str) -> HttpResponse:
    pipeline = find_pipeline(key)
    start = {"type": "research", "category": "open", "probability": 30, "rot_days": 14}
    form = StageForm(posted(request), others=list(queries.stages(pipeline)), initial=start)
    if form.is_valid():
        try:
            funnels.create_stage(pipeline.pk, form.rules)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, "Added the stage.", to=path_of(pipeline))
    return stage_form(request, pipeline, form)


@keepers
@get_or_post
def stage_page(request: HttpRequest, key: str, stage: str) -> HttpResponse:
    found = find_stage(key, stage)
    others = [each for each in queries.stages(found.pipeline) if each.pk != found.pk]
    form = StageForm(posted(request), others=others, initial=initial_of(found))
    if form.is_valid():
        try:
            saved = funnels.update_stage(found.pk, form.rules)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, f"Saved “{saved}”.", to=path_of(found.pipeline))
    return stage_form(request, found.pipeline, form, found, others)


def posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def stage_form(
    request: HttpRequest,
    pipeline: Pipeline,
    form: StageForm,
    stage: Stage | None = None,
    others: list[Stage] | None = None,
) -> HttpResponse:
    segments = dict(Segment.objects.values_list("public_id", "name"))
    rules = queries.auto_moves(pipeline).filter(stage=stage) if stage else []
    context = {
        "pipeline": pipeline,
        "stage": stage,
        "form": form,
        "moves": [(rule, sentence(rule, segments)) for rule in rules],
        "move_form": AutoMoveForm(others=others or [], auto_id="rule-%s") if stage else None,
        "open_others": [each for each in others or [] if each.is_open],
        "held": queries.leads_in(stage) if stage else 0,
    }
    status = 422 if form.errors else 200
    return render(request, "pipeline/settings/stage.html", context, status=status)


@keepers
@require_POST
def stage_change(request: HttpRequest, key: str, stage: str) -> HttpResponse:
    """Its place among the others, or the end of it."""
    found, deed = find_stage(key, stage), request.POST.get("do")
    to = path_of(found.pipeline)
    if deed in {"left", "right"}:
        funnels.shift_stage(found.pk, by=-1 if deed == "left" else 1)
        return redirect(to)
    moved = funnels.archive_stage(
        found.pk,
        at=timezone.now(),
        actor=user_of(request),
        move_to=request.POST.get("move_to", ""),
    )
    words = f" {moved:,} leads moved on." if moved else ""
    return done(request, f"“{found}” is out of the pipeline.{words}", to=to)


@keepers
@require_POST
def auto_moves(request: HttpRequest, key: str, stage: str) -> HttpResponse:
    found = find_stage(key, stage)
    to = f"{path_of(found.pipeline)}stages/{found.key}/#moves"
    if rule := request.POST.get("remove", ""):
        known = found.auto_moves.filter(pk=int(rule) if rule.isascii() and rule.isdigit() else 0)
        if not known.exists():
            raise NotFound
        funnels.remove_auto_move(known[0].pk)
        return done(request, "The rule is gone.", to=to)
    others = [each for each in queries.stages(found.pipeline) if each.pk != found.pk]
    form = AutoMoveForm(request.POST, others=others)
    if not form.is_valid():
        first = next(iter(form.errors.items()))
        raise Invalid.field(first[0], str(first[1][0]))
    funnels.add_auto_move(found.pk, **form.cleaned_data)
    return done(request, "Leads move by this rule from now on.", to=to)


# Reasons ------------------------------------------------------------------------------------------


@keepers
@get_or_post
def reason_new(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in CloseReason.Kind.values:
        raise NotFound
    return reason_form(request, ReasonForm(posted(request)), kind)


@keepers
@get_or_post
def reason_page(request: HttpRequest, kind: str, reason_id: int) -> HttpResponse:
    reason = CloseReason.objects.filter(pk=reason_id, kind=kind, archived_at=None).first()
    if reason is None:
        raise NotFound
    deed = request.POST.get("do", "")
    if deed in {"up", "down"}:
        funnels.shift_reason(reason.pk, by=-1 if deed == "up" else 1)
        return redirect(f"{PAGE}#reasons")
    if deed == "archive":
        funnels.archive_reason(reason.pk, at=timezone.now())
        return done(request, f"“{reason}” cannot be chosen any more.", to=f"{PAGE}#reasons")
    form = ReasonForm(posted(request), initial=reason_initial(reason))
    return reason_form(request, form, kind, reason)


def reason_form(
    request: HttpRequest, form: ReasonForm, kind: str, reason: CloseReason | None = None
) -> HttpResponse:
    if form.is_valid():
        try:
            funnels.save_reason(kind=kind, reason=reason, **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, "Saved.", to=f"{PAGE}#reasons")
    words = CloseReason.Kind(kind).label.lower()
    context = {"form": form, "reason": reason, "kind": kind, "words": words}
    status = 422 if form.errors else 200
    return render(request, "pipeline/settings/reason.html", context, status=status)
