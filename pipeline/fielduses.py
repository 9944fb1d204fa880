"""Where routing names fields: rules, published or in the draft."""

from collections.abc import Iterator

from leads.fields.uses import Use, names_fields, naming
from pipeline.models import RoutingRule, RuleSet


@names_fields
def routing_rules(name: str) -> Iterator[Use]:
    live = RoutingRule.objects.exclude(rule_set__state=RuleSet.State.ARCHIVED)
    found = naming(live, "condition", name).order_by("key", "pk").distinct("key")
    for key, label in found.values_list("key", "name"):
        yield Use("routing rule", label, f"/routing/rules/{key}/")
