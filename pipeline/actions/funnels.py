"""Keeping pipelines: their stages in order, what each asks for, and why leads are lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.models import Lead, Pipeline, Stage
from pipeline import queries
from pipeline.actions.automation import retime_stage
from pipeline.actions.ledger import open_cycle_of, recount_reached
from pipeline.actions.stages import move_to_stage
from pipeline.models import AutoMove, CloseReason, SalesCycle, Transition

MOST_STAGES = 30
MOST_AT_ONCE = 5000
STARTING_STAGES = [
    ("new", "New", "awareness", "open", 10),
    ("talking", "In talks", "research", "open", 30),
    ("offer", "Offer", "purchase", "open", 60),
    ("won", "Won", "retention", "won", 100),
    ("lost", "Lost", "retention", "lost", 0),
]


class StageInUse(Conflict):
    """Leads stand in it, or the pipeline cannot do without it."""

    code = "stage_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRules:
    """Everything about a stage but its place."""

    name: str
    short_name: str = ""
    type: str = Stage.Type.RESEARCH
    category: str = Stage.Category.OPEN
    probability: int = 0
    rot_days: int = 14
    sla_hours: int | None = None
    condition: dict[str, Any] = field(default_factory=dict)
    required_fields: Sequence[str] = ()
    allowed_from: Sequence[str] = ()


# Pipelines ----------------------------------------------------------------------------------------


@transaction.atomic
def create_pipeline(*, name: str, copy_of: Pipeline | None = None) -> Pipeline:
    """A pipeline with the usual stages, or with those of another one.

    :raises Invalid: no name.
    """
    title = _name(name, limit=60, what="the pipeline")
    last = Pipeline.objects.order_by("-position").first()
    made = Pipeline.objects.create(
        key=_free_key(title, set(Pipeline.objects.values_list("key", flat=True))),
        name=title,
        position=last.position + 1 if last else 0,
    )
    stages = list(queries.stages(copy_of)) if copy_of else _starting_stages()
    for position, stage in enumerate(stages):
        stage.pk, stage.pipeline, stage.position = None, made, position
        stage._state.adding = True
    Stage.objects.bulk_create(stages)
    return made


def _starting_stages() -> list[Stage]:
    return [
        Stage(
            key=key, name=name, short_name=name, type=type_, category=category, probability=percent
        )
        for key, name, type_, category, percent in STARTING_STAGES
    ]


@transaction.atomic
def update_pipeline(pipeline_id: int, *, is_default: bool = False, **changes: Any) -> Pipeline:
    """Change name, condition, needs_next_step or back_needs_note; `is_default` takes over.

    :raises Invalid: no name, or a condition that cannot be meant.
    """
    pipeline = _pipeline(pipeline_id)
    if "name" in changes:
        changes["name"] = _name(changes["name"], limit=60, what="the pipeline")
    if "condition" in changes:
        queries.check_condition(changes["condition"])
    for name, value in changes.items():
        setattr(pipeline, name, value)
    pipeline.save(update_fields=[*changes, "name"])
    if is_default and not pipeline.is_default:
        Pipeline.objects.filter(is_default=True).update(is_default=False)
        Pipeline.objects.filter(pk=pipeline.pk).update(is_default=True, archived_at=None)
    return pipeline


@transaction.atomic
def archive_pipeline(pipeline_id: int, *, at: datetime) -> None:
    """No new cycle runs in it; what is over stays in the reports.

    :raises StageInUse: it is the default one, or cycles still run in it.
    """
    pipeline = _pipeline(pipeline_id)
    if pipeline.is_default:
        raise StageInUse(
            f"“{pipeline.name}” is where new leads begin. Make another pipeline the default first."
        )
    running = SalesCycle.objects.filter(SalesCycle.OPEN, pipeline=pipeline).count()
    if running:
        leads = "1 open lead runs" if running == 1 else f"{running:,} open leads run"
        raise StageInUse(
            f"{leads} in “{pipeline.name}”. Move them to another pipeline or close them first."
        )
    Pipeline.objects.filter(pk=pipeline.pk).update(archived_at=at)


def restore_pipeline(pipeline_id: int) -> None:
    Pipeline.objects.filter(pk=_pipeline(pipeline_id).pk).update(archived_at=None)


# Stages -------------------------------------------------------------------------------------------


@transaction.atomic
def create_stage(pipeline_id: int, rules: StageRules) -> Stage:
    """A stage behind the last open one.

    :raises Invalid: a name that is taken, or rules that cannot be meant.
    """
    pipeline = _pipeline(pipeline_id)
    there = list(queries.stages(pipeline))
    if len(there) >= MOST_STAGES:
        raise Invalid(f"A pipeline has at most {MOST_STAGES} stages. Remove one first.")
    keys = set(Stage.objects.filter(pipeline=pipeline).values_list("key", flat=True))
    values = _clean(rules, there, stage=None)
    made = Stage(pipeline=pipeline, key=_free_key(rules.name, keys), position=_free_place(pipeline))
    for name, value in values.items():
        setattr(made, name, value)
    made.save()
    open_ones = [stage for stage in there if stage.is_open]
    rest = [stage for stage in there if not stage.is_open]
    _put_in_order(pipeline, [*open_ones, made, *rest] if made.is_open else [*there, made])
    return made


def _free_place(pipeline: Pipeline) -> int:
    last = Stage.objects.filter(pipeline=pipeline).order_by("-position").first()
    return last.position + 1 if last else 0


@transaction.atomic
def update_stage(stage_id: int, rules: StageRules) -> Stage:
    """:raises Invalid: see `create_stage`. :raises StageInUse: its kind cannot change any more."""
    stage = _stage(stage_id)
    there = list(queries.stages(stage.pipeline))
    values = _clean(rules, there, stage=stage)
    if values["category"] != stage.category:
        _check_kind(stage, there)
    for name, value in values.items():
        setattr(stage, name, value)
    stage.save()
    retime_stage(stage)
    return stage


def _check_kind(stage: Stage, there: Sequence[Stage]) -> None:
    if Lead.objects.filter(stage=stage).exists():
        raise StageInUse(
            f"Leads stand in “{stage.name}”, so it cannot change between open, won and lost. "
            "Add another stage instead."
        )
    _check_left([each for each in there if each.pk != stage.pk], stage)


def _clean(rules: StageRules, there: Sequence[Stage], *, stage: Stage | None) -> dict[str, Any]:
    errors = []
    name = clean_text(rules.name, limit=60)
    others = [each for each in there if stage is None or each.pk != stage.pk]
    if not name:
        errors.append(FieldError("name", "Give the stage a name.", "required"))
    if any(each.name.lower() == name.lower() for each in others):
        errors.append(FieldError("name", f"There is a stage “{name}” already.", "taken"))
    if not 0 <= rules.probability <= 100:
        errors.append(FieldError("probability", "Enter a percentage between 0 and 100."))
    if rules.sla_hours is not None and not 1 <= rules.sla_hours <= 24 * 3650:
        errors.append(FieldError("sla_hours", "Enter at least one hour, or leave it empty."))
    if not 1 <= rules.rot_days <= 3650:
        errors.append(FieldError("rot_days", "Enter a number of days between 1 and 3,650."))
    errors += _unknown(rules, others)
    for name_, choices in (("type", Stage.Type), ("category", Stage.Category)):
        if getattr(rules, name_) not in choices.values:
            known = ", ".join(choices.values)
            errors.append(FieldError(name_, f"Choose one of {known}.", "unknown"))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    queries.check_condition(rules.condition)
    is_over = rules.category != Stage.Category.OPEN
    percent = {"won": 100, "lost": 0}.get(rules.category, rules.probability)
    return {
        "name": name,
        "short_name": clean_text(rules.short_name, limit=20) or name[:20],
        "type": rules.type,
        "category": rules.category,
        "probability": percent,
        "rot_days": rules.rot_days,
        "sla_hours": None if is_over else rules.sla_hours,
        "condition": rules.condition,
        "required_fields": list(dict.fromkeys(rules.required_fields)),
        "allowed_from": list(dict.fromkeys(rules.allowed_from)),
    }


def _unknown(rules: StageRules, others: Sequence[Stage]) -> list[FieldError]:
    fields, keys = dict(queries.requirable()), {stage.key for stage in others}
    errors = [
        FieldError("required_fields", f"A stage cannot ask for “{key[:60]}”.", "unknown")
        for key in rules.required_fields
        if key not in fields
    ]
    return errors + [
        FieldError("allowed_from", f"There is no other stage “{key[:30]}”.", "unknown")
        for key in rules.allowed_from
        if key not in keys
    ]


@transaction.atomic
def shift_stage(stage_id: int, *, by: int) -> None:
    """One place to the left (-1) or right (1)."""
    stage = _stage(stage_id)
    order = list(queries.stages(stage.pipeline))
    here = next(i for i, each in enumerate(order) if each.pk == stage.pk)
    there = min(max(here + by, 0), len(order) - 1)
    order.insert(there, order.pop(here))
    _put_in_order(stage.pipeline, order)


@transaction.atomic
def order_stages(pipeline_id: int, keys: Sequence[str]) -> None:
    """Put the stages into the order of their keys.

    :raises Invalid: these are not its stages, each once.
    """
    pipeline = _pipeline(pipeline_id)
    stages = {stage.key: stage for stage in queries.stages(pipeline)}
    if sorted(keys) != sorted(stages):
        known = ", ".join(stages)
        raise Invalid.field("order", f"Name every stage of the pipeline once: {known}.")
    _put_in_order(pipeline, [stages[key] for key in keys])


def _put_in_order(pipeline: Pipeline, stages: Sequence[Stage]) -> None:
    """Positions without gaps; what was reached is counted anew."""
    rows = _with_archived(pipeline, stages)
    changed = [stage for place, stage in enumerate(rows) if stage.position != place]
    for place, stage in enumerate(rows):
        stage.position = place
    Stage.objects.bulk_update(changed, ["position"])
    if changed:
        recount_reached()


def _with_archived(pipeline: Pipeline, stages: Sequence[Stage]) -> list[Stage]:
    """Archived stages keep their place behind the one before them: leads have passed them."""
    rows = list(stages)
    archived = Stage.objects.filter(pipeline=pipeline, archived_at__isnull=False)
    for gone in archived.order_by("position"):
        before = [place for place, each in enumerate(rows) if each.position < gone.position]
        open_ones = [place for place, each in enumerate(rows) if each.is_open]
        last = max(open_ones, default=-1) if gone.is_open else len(rows) - 1
        rows.insert(min(max(before, default=-1), last) + 1, gone)
    return rows


@transaction.atomic
def archive_stage(
    stage_id: int, *, at: datetime, actor: User | None = None, move_to: str = ""
) -> int:
    """Take a stage out of its pipeline; its leads go to `move_to`, and how many those were.

    :raises StageInUse: leads stand in it and nobody said where to, or it is the last of its kind.
    """
    stage = _stage(stage_id)
    there = [each for each in queries.stages(stage.pipeline) if each.pk != stage.pk]
    _check_left(there, stage)
    moved = _clear(stage, there, move_to, at=at, actor=actor)
    stage.archived_at = at
    stage.save(update_fields=["archived_at"])
    AutoMove.objects.filter(stage=stage).delete()
    AutoMove.objects.filter(to_stage=stage).delete()
    for other in there:
        if stage.key in other.allowed_from:
            other.allowed_from = [key for key in other.allowed_from if key != stage.key]
            other.save(update_fields=["allowed_from"])
    _put_in_order(stage.pipeline, there)
    return moved


def _check_left(there: Sequence[Stage], stage: Stage) -> None:
    if any(each.category == stage.category for each in there):
        return
    kind = stage.get_category_display().lower()
    raise StageInUse(
        f"“{stage.name}” is the only {kind} stage of this pipeline, and a pipeline needs one. "
        "Add another first."
    )


def _clear(
    stage: Stage, there: Sequence[Stage], key: str, *, at: datetime, actor: User | None
) -> int:
    leads = list(
        Lead.objects.live().filter(stage=stage).order_by("pk").values_list("pk", flat=True)
    )
    if not leads or not stage.is_open:
        return 0
    target = next((each for each in there if each.key == key and each.is_open), None)
    if target is None:
        raise StageInUse(
            f"{len(leads):,} leads stand in “{stage.name}”. Choose the open stage they go to."
        )
    if len(leads) > MOST_AT_ONCE:
        raise StageInUse(
            f"{len(leads):,} leads stand in “{stage.name}”: too many to move at once. "
            f"Move all but {MOST_AT_ONCE:,} in the list of leads first."
        )
    for lead_id in leads:
        _move_out(lead_id, target, at=at, actor=actor)
    return len(leads)


def _move_out(lead_id: int, target: Stage, *, at: datetime, actor: User | None) -> None:
    lead = Lead.objects.get(pk=lead_id)
    if open_cycle_of(lead) is None:
        Lead.objects.filter(pk=lead_id).update(stage=target)
        return
    move_to_stage(
        lead_id,
        to=target.key,
        at=at,
        actor=actor,
        cause=Transition.Cause.BULK,
        note="Its stage was taken out of the pipeline.",
        enforce=False,
    )


# Moves by rule ------------------------------------------------------------------------------------


@transaction.atomic
def add_auto_move(
    stage_id: int,
    *,
    to: str,
    trigger: str,
    days: int | None = None,
    segment: str = "",
    reason: str = "",
) -> AutoMove:
    """Let leads of a stage move by themselves.

    :raises Invalid: a rule that could never work, or would run in a circle by itself.
    """
    stage = _stage(stage_id)
    target = queries.stages(stage.pipeline).filter(key=to).exclude(pk=stage.pk).first()
    errors = []
    if not stage.is_open:
        errors.append(FieldError("stage", "Leads that are won or lost do not move by themselves."))
    if target is None:
        errors.append(FieldError("to", "Choose another stage of this pipeline.", "unknown"))
    if trigger not in AutoMove.Trigger.values:
        known = ", ".join(AutoMove.Trigger.values)
        errors.append(FieldError("trigger", f"Choose one of {known}.", "unknown"))
    is_timed = trigger in AutoMove.TIMED
    if is_timed and not 1 <= (days or 0) <= 3650:
        errors.append(FieldError("days", "Say after how many days, from 1 to 3,650.", "required"))
    if trigger == AutoMove.Trigger.SEGMENT and not segment:
        errors.append(FieldError("segment", "Choose the segment.", "required"))
    is_loss = target is not None and target.category == Stage.Category.LOST
    if is_loss and queries.find_reason(reason) is None:
        errors.append(FieldError("reason", "Say why such a lead counts as lost.", "required"))
    if errors or target is None:
        raise Invalid(errors[0].message, errors=errors)
    if is_timed:
        _check_circle(stage, target)
    made = AutoMove.objects.create(
        stage=stage,
        to_stage=target,
        trigger=trigger,
        days=days if is_timed else None,
        segment=segment if trigger == AutoMove.Trigger.SEGMENT else "",
        reason=reason if is_loss else "",
    )
    retime_stage(stage)
    return made


def _check_circle(stage: Stage, target: Stage) -> None:
    """Time alone must not carry leads around for ever."""
    ways = AutoMove.objects.filter(trigger__in=AutoMove.TIMED, stage__pipeline=stage.pipeline_id)
    edges: dict[int, set[int]] = {}
    for start, end in ways.values_list("stage_id", "to_stage_id"):
        edges.setdefault(start, set()).add(end)
    seen, todo = set(), [target.pk]
    while todo:
        here = todo.pop()
        if here == stage.pk:
            raise Invalid.field(
                "to",
                f"Other rules bring leads from “{target.name}” back to “{stage.name}” by time "
                "alone, so they would go round in a circle. Choose another stage.",
                "circle",
            )
        if here not in seen:
            seen.add(here)
            todo.extend(edges.get(here, ()))


@transaction.atomic
def remove_auto_move(rule_id: int) -> None:
    rule = AutoMove.objects.select_related("stage").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    rule.delete()
    retime_stage(rule.stage)


# Reasons ------------------------------------------------------------------------------------------


@transaction.atomic
def save_reason(
    *,
    kind: str,
    label: str,
    reason: CloseReason | None = None,
    needs_note: bool = False,
    asks_competitor: bool = False,
    disqualifies: bool = False,
) -> CloseReason:
    """:raises Invalid: no words for it, or there is one like it."""
    words = _name(label, limit=60, what="the reason")
    same = CloseReason.objects.filter(kind=kind, label__iexact=words, archived_at=None)
    if same.exclude(pk=reason.pk if reason else 0).exists():
        raise Invalid.field("label", f"There is a reason “{words}” already.", "taken")
    if reason is None:
        known = CloseReason.objects.filter(kind=kind)
        taken = set(known.values_list("key", flat=True))
        reason = CloseReason(kind=kind, key=_free_key(words, taken, 20), position=len(taken))
    reason.label, reason.needs_note = words, needs_note
    reason.asks_competitor, reason.disqualifies = asks_competitor, disqualifies
    reason.save()
    return reason


@transaction.atomic
def shift_reason(reason_id: int, *, by: int) -> None:
    reason = _reason(reason_id)
    order = queries.reasons(reason.kind)
    here = next((i for i, each in enumerate(order) if each.pk == reason.pk), 0)
    there = min(max(here + by, 0), len(order) - 1)
    order.insert(there, order.pop(here))
    for place, each in enumerate(order):
        each.position = place
    CloseReason.objects.bulk_update(order, ["position"])


@transaction.atomic
def archive_reason(reason_id: int, *, at: datetime) -> None:
    """It cannot be chosen any more; cycles that ended so keep it.

    :raises StageInUse: it is the last one.
    """
    reason = _reason(reason_id)
    if len(queries.reasons(reason.kind)) <= 1:
        raise StageInUse("This is the last reason, and one is needed. Add another first.")
    CloseReason.objects.filter(pk=reason.pk).update(archived_at=at)


# Finding and naming -------------------------------------------------------------------------------


def _pipeline(pipeline_id: int) -> Pipeline:
    found = Pipeline.objects.select_for_update().filter(pk=pipeline_id).first()
    if found is None:
        raise NotFound
    return found


def _stage(stage_id: int) -> Stage:
    found = Stage.objects.select_related("pipeline").filter(pk=stage_id, archived_at=None).first()
    if found is None:
        raise NotFound
    _pipeline(found.pipeline_id)  # one change of a pipeline at a time
    return found


def _reason(reason_id: int) -> CloseReason:
    found = CloseReason.objects.filter(pk=reason_id, archived_at=None).first()
    if found is None:
        raise NotFound
    return found


def _name(text: str, *, limit: int, what: str) -> str:
    name = clean_text(text, limit=limit)
    if not name:
        raise Invalid.field("name", f"Give {what} a name.", "required")
    return name


def _free_key(name: str, taken: set[str], limit: int = 30) -> str:
    """A short word for programs, the same for ever."""
    stem = slugify(name).replace("-", "_")[: limit - 4] or "item"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}_{number}", number + 1
    return key
