"""Where routing names segments: rules, published or in the draft."""

from collections.abc import Iterator

from leads.segments import Use, uses
from pipeline.models import RoutingRule, RuleSet


@uses
def routing_rules() -> Iterator[Use]:
    live = RoutingRule.objects.exclude(rule_set__state=RuleSet.State.ARCHIVED)
    found = live.order_by("key", "pk").values_list("key", "name", "condition")
    for key, name, condition in found:
        yield Use("Routing rule", name, f"/routing/rules/{key}/", condition)
