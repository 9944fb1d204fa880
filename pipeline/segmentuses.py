"""Where routing, stages and pipelines name segments."""

from collections.abc import Iterator

from leads.models import Pipeline, Stage
from leads.segments import Use, uses
from pipeline.models import AutoMove, ResponseTarget, RoutingRule, RuleSet


@uses
def routing_rules() -> Iterator[Use]:
    live = RoutingRule.objects.exclude(rule_set__state=RuleSet.State.ARCHIVED)
    found = live.order_by("key", "pk").values_list("key", "name", "condition")
    for key, name, condition in found:
        yield Use("Routing rule", name, f"/routing/rules/{key}/", condition)


@uses
def moves() -> Iterator[Use]:
    for move in AutoMove.objects.exclude(segment="").select_related("stage", "to_stage"):
        name = f"from {move.stage} to {move.to_stage}"
        yield Use("Automatic move", name, "/settings/pipelines/", {"segment": move.segment})


@uses
def stages() -> Iterator[Use]:
    found = Stage.objects.filter(archived_at=None).exclude(condition={})
    for stage in found.select_related("pipeline"):
        path = f"/settings/pipelines/{stage.pipeline.key}/stages/{stage.key}/"
        yield Use("Stage", f"{stage.pipeline}: {stage}", path, stage.condition)


@uses
def pipelines() -> Iterator[Use]:
    for pipeline in Pipeline.objects.filter(archived_at=None).exclude(condition={}):
        path = f"/settings/pipelines/{pipeline.key}/"
        yield Use("Pipeline", pipeline.name, path, pipeline.condition)


@uses
def response_targets() -> Iterator[Use]:
    for target in ResponseTarget.objects.filter(enabled=True):
        path = f"/routing/targets/{target.pk}/"
        yield Use("Response target", target.name, path, target.condition)
