"""The definitions at hand."""

from leadcrm.lib import memo
from leads.models.fields import FieldDefinition

MEMO = "field-definitions"


def all_definitions() -> list[FieldDefinition]:
    """Every field in its order, archived ones too; read once for each request."""
    return memo.once(MEMO, lambda: list(FieldDefinition.objects.order_by("position", "pk")))


def definitions() -> list[FieldDefinition]:
    """The fields in use, in their order."""
    return [definition for definition in all_definitions() if definition.is_active]


def definition_of(key: str) -> FieldDefinition | None:
    """The field of this key, also when it is archived."""
    return next((definition for definition in all_definitions() if definition.key == key), None)


def forget() -> None:
    """After a definition was written."""
    memo.forget(MEMO)
