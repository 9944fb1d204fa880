"""Where scoring names fields: rules and qualification, published or in the draft."""

from collections.abc import Iterator

from leads.fields.uses import Use, names_fields, naming
from scoring.models import ModelVersion, Rule

LIVE = (ModelVersion.State.DRAFT, ModelVersion.State.PUBLISHED)


@names_fields
def rules(name: str) -> Iterator[Use]:
    found = naming(Rule.objects.filter(version__state__in=LIVE), "condition", name)
    for uid, label in found.order_by("uid", "pk").distinct("uid").values_list("uid", "label"):
        yield Use("scoring rule", label, f"/scoring/rules/{uid}/edit/")


@names_fields
def qualification(name: str) -> Iterator[Use]:
    for kind in ("mql", "sql", "pql"):
        if naming(ModelVersion.objects.filter(state__in=LIVE), kind, name).exists():
            yield Use("qualification", kind.upper(), "/scoring/qualification/")
