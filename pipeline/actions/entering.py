"""What must hold before a lead comes into a stage: one check for pages, programs and rules."""

from dataclasses import dataclass

from leadcrm.lib.errors import FieldError, Invalid
from leads.models import Lead, Stage
from pipeline import queries
from pipeline.models import Deal, Task


class StageRefused(Invalid):
    """A rule of the stage is broken. `errors` names what is missing."""

    code = "stage_refused"


class NextStepMissing(Invalid):
    """The pipeline wants a next step for every open lead."""

    code = "next_step_missing"


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody means to do. `amount` comes with a win."""

    note: str = ""
    has_amount: bool = False


def check_entry(lead: Lead, target: Stage, move: Move) -> None:
    """:raises StageRefused: saying what is in the way and how to get past it."""
    _check_way(lead, target)
    _check_way_back(lead, target, move)
    _check_fields(lead, target)
    _check_condition(lead, target)
    if target.category == Stage.Category.WON:
        _check_worth(lead, move)


def _check_way(lead: Lead, target: Stage) -> None:
    here = lead.stage
    if here is None or not target.allowed_from or here.key in target.allowed_from:
        return
    before = Stage.objects.filter(
        pipeline=target.pipeline_id, key__in=target.allowed_from, archived_at=None
    ).order_by("position")
    names = [f"“{stage.name}”" for stage in before]
    if not names:
        return
    known = " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    raise StageRefused.field(
        "stage",
        f"“{target.name}” is reached from {known} only, and this lead is in “{here.name}”. "
        "Move it there first.",
        StageRefused.code,
    )


def _check_way_back(lead: Lead, target: Stage, move: Move) -> None:
    here = lead.stage
    goes_back = (
        here is not None
        and target.is_open
        and here.is_open
        and here.pipeline_id == target.pipeline_id
        and target.position < here.position
    )
    if goes_back and target.pipeline.back_needs_note and not move.note.strip():
        raise StageRefused.field(
            "note",
            f"Say why the lead goes back to “{target.name}”: the pipeline asks for a reason.",
            "required",
        )


def _check_fields(lead: Lead, target: Stage) -> None:
    missing = queries.missing_fields(lead, target.required_fields)
    if not missing:
        return
    words = [word for _, word in missing]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    raise StageRefused(
        f"“{target.name}” needs {listed}. Add what is missing to {lead.name}, "
        "then move the lead again.",
        errors=[FieldError(key, f"“{target.name}” needs {word}.") for key, word in missing],
    )


def _check_condition(lead: Lead, target: Stage) -> None:
    failing = queries.failing_leaf(target.condition, lead.pk)
    if failing is None:
        return
    has = f" It has {failing['actual']}." if failing["actual"] else ""
    raise StageRefused.field(
        "stage",
        f"“{target.name}” takes only leads for whom this holds: {failing['text']}.{has} "
        "Change the lead, or ask whoever keeps the pipeline.",
        StageRefused.code,
    )


def _check_worth(lead: Lead, move: Move) -> None:
    if move.has_amount or Deal.objects.filter(lead=lead, state=Deal.State.OPEN).exists():
        return
    raise StageRefused.field(
        "amount", "Say what it is worth; 0 when no money is involved.", "required"
    )


def check_next_step(lead: Lead, *, planned: bool = False, leaving: int | None = None) -> None:
    """Whether a next step stays after what is being done, where the pipeline wants one.

    :param leaving: a task that is being ticked off.
    :raises NextStepMissing:
    """
    stage = lead.stage
    if planned or stage is None or not stage.is_open or not stage.pipeline.needs_next_step:
        return
    others = Task.objects.filter(lead=lead, done_at=None)
    if (others if leaving is None else others.exclude(pk=leaving)).exists():
        return
    raise NextStepMissing.field(
        "follow_up",
        f"{lead.name} would be left without a next step. Plan one with this: "
        f"the pipeline “{stage.pipeline.name}” asks for it.",
        "required",
    )
