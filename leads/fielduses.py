"""Where forms and saved views name fields."""

from collections.abc import Iterator

from leadcrm.accounts.models import SavedView
from leads.fields.uses import Use, names_fields, naming
from leads.models import FormVersion

SHOWN = 20


@names_fields
def forms(name: str) -> Iterator[Use]:
    """Forms whose newest version asks for it; what older ones asked stays in their answers."""
    newest = FormVersion.objects.order_by("form", "-number").distinct("form").values("pk")
    asking = naming(FormVersion.objects.filter(pk__in=newest), "fields", name)
    for slug, label in asking.values_list("form__slug", "form__name")[:SHOWN]:
        yield Use("form", label, f"/forms/{slug}/")


@names_fields
def saved_views(name: str) -> Iterator[Use]:
    found = SavedView.objects.filter(query__contains=name).select_related("user").order_by("pk")
    for view in found[:SHOWN]:
        label = f"{view.name} ({view.user})"
        yield Use("saved view", label, f"/leads/?view=v{view.pk}&{view.query}")
