"""Where leads stand: pipelines, stages, cycles and moves."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from leadcrm.lib import memo
from leads.models import Lead, Pipeline, Stage
from pipeline.models import Deal, SalesCycle, Transition


def default_pipeline() -> Pipeline | None:
    return Pipeline.objects.filter(is_default=True).first()


def stages(pipeline: Pipeline | None = None) -> QuerySet[Stage]:
    """The stages of a pipeline (the default one) from left to right."""
    of_pipeline = {"pipeline": pipeline} if pipeline else {"pipeline__is_default": True}
    return Stage.objects.filter(archived_at=None, **of_pipeline).order_by("position")


def stage_list(pipeline_id: int | None = None) -> list[Stage]:
    """The stages of a pipeline (the default one), read once for each request."""
    if pipeline_id is None:
        return memo.once("stages", lambda: list(stages()))
    found = Stage.objects.filter(pipeline=pipeline_id, archived_at=None).order_by("position")
    return memo.once(f"stages:{pipeline_id}", lambda: list(found))


def all_stages() -> QuerySet[Stage]:
    return (
        Stage.objects.filter(archived_at=None, pipeline__archived_at=None)
        .select_related("pipeline")
        .order_by("pipeline_id", "position")
    )


def open_cycle_of(lead_id: int) -> SalesCycle | None:
    return SalesCycle.objects.filter(SalesCycle.OPEN, lead_id=lead_id).first()


def current_cycle_of(lead_id: int) -> SalesCycle | None:
    """The open cycle, else the last one."""
    return (
        SalesCycle.objects.filter(lead_id=lead_id)
        .select_related("pipeline", "source", "first_response_by", "owner_at_close")
        .order_by("-number")
        .first()
    )


def cycles_of(lead_id: int) -> QuerySet[SalesCycle]:
    return SalesCycle.objects.filter(lead_id=lead_id).order_by("-number")


def transitions_of(lead_id: int) -> QuerySet[Transition]:
    return (
        Transition.objects.filter(lead_id=lead_id)
        .select_related("from_stage", "to_stage", "actor")
        .order_by("-at", "-pk")
    )


def last_transition(lead_id: int) -> Transition | None:
    return transitions_of(lead_id).first()


def deals_visible_to(principal: Any) -> QuerySet[Deal]:
    return Deal.objects.filter(
        lead__in=Lead.objects.visible_to(principal).values("pk")
    ).select_related("lead", "cycle")


def deals_of(lead_id: int) -> QuerySet[Deal]:
    return Deal.objects.filter(lead_id=lead_id).order_by("-pk")


def visible_ids(principal: Any, public_ids: Collection[str]) -> list[int]:
    """The keys of those of these leads somebody may see, for actions on many."""
    return list(
        Lead.objects.visible_to(principal)
        .filter(public_id__in=list(public_ids))
        .values_list("pk", flat=True)
    )
