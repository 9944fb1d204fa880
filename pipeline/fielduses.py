"""Where routing and stages name fields."""

from collections.abc import Iterator

from leads.fields.uses import Use, names_fields, naming
from leads.models import Stage
from pipeline.models import ResponseTarget, RoutingRule, RuleSet


@names_fields
def routing_rules(name: str) -> Iterator[Use]:
    live = RoutingRule.objects.exclude(rule_set__state=RuleSet.State.ARCHIVED)
    found = naming(live, "condition", name).order_by("key", "pk").distinct("key")
    for key, label in found.values_list("key", "name"):
        yield Use("routing rule", label, f"/routing/rules/{key}/")


@names_fields
def stages(name: str) -> Iterator[Use]:
    """Stages that ask for it, or whose condition does."""
    live = Stage.objects.filter(archived_at=None).select_related("pipeline")
    asking = live.filter(required_fields__contains=[name])
    for stage in {*naming(live, "condition", name), *asking}:
        path = f"/settings/pipelines/{stage.pipeline.key}/stages/{stage.key}/"
        yield Use("stage", f"{stage.pipeline}: {stage}", path)


@names_fields
def response_targets(name: str) -> Iterator[Use]:
    for target in naming(ResponseTarget.objects.all(), "condition", name).order_by("order", "pk"):
        yield Use("response target", target.name, f"/routing/targets/{target.pk}/")
