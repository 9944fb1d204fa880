"""The shapes of custom fields, for programs."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from leads.models import FieldDefinition
from leads.serializers.leads import KnownFieldsMixin


class OptionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="What leads store; it never changes.")
    label = serializers.CharField()
    archived = serializers.BooleanField(help_text="Not offered any more.")


@extend_schema_serializer(component_name="Field")
class FieldSerializer(serializers.Serializer[Any]):
    """A field that the company added to its leads."""

    key = serializers.CharField(help_text="Its name in `custom` of a lead.")
    name = serializers.CharField(help_text="`custom.<key>`, as conditions and filters say.")
    label = serializers.CharField()
    type = serializers.ChoiceField(choices=FieldDefinition.Type.choices)
    options = OptionSerializer(many=True)
    currency = serializers.CharField(allow_blank=True)
    required = serializers.BooleanField(help_text="In forms filled in by hand.")
    help = serializers.CharField(allow_blank=True)
    default = serializers.JSONField(allow_null=True)
    group = serializers.CharField(allow_blank=True)
    is_sensitive = serializers.BooleanField()
    is_unique = serializers.BooleanField(help_text="No two leads may have the same value.")
    is_searched = serializers.BooleanField(help_text="`?search=` looks at its words.")
    is_active = serializers.BooleanField(help_text="False: archived.")


class OptionInput(KnownFieldsMixin, serializers.Serializer[Any]):
    key = serializers.CharField(max_length=40, required=False)
    label = serializers.CharField(max_length=80)
    archived = serializers.BooleanField(required=False)


class FieldInput(KnownFieldsMixin, serializers.Serializer[Any]):
    """What is left out stays as it is. Options are sent whole; keep their keys."""

    label = serializers.CharField(max_length=60, required=False)
    type = serializers.ChoiceField(
        choices=FieldDefinition.Type.choices,
        required=False,
        help_text="Another type is refused while leads have values that it cannot hold.",
    )
    options = OptionInput(many=True, required=False)
    currency = serializers.CharField(max_length=3, required=False, allow_blank=True)
    required = serializers.BooleanField(required=False)
    help = serializers.CharField(max_length=200, required=False, allow_blank=True)
    default = serializers.JSONField(required=False, allow_null=True)
    group = serializers.CharField(max_length=40, required=False, allow_blank=True)
    is_sensitive = serializers.BooleanField(required=False)
    is_unique = serializers.BooleanField(required=False)
    is_searched = serializers.BooleanField(required=False)


class FieldCreate(FieldInput):
    key = serializers.CharField(
        max_length=40, required=False, help_text="Made of the label when left out."
    )
    label = serializers.CharField(max_length=60)
    type = serializers.ChoiceField(choices=FieldDefinition.Type.choices)


class FieldPatch(FieldInput):
    is_active = serializers.BooleanField(required=False, help_text="False archives the field.")


def field_shape(definition: FieldDefinition) -> dict[str, Any]:
    names = (
        "key", "name", "label", "type", "currency", "required", "help", "default", "group",
        "is_sensitive", "is_unique", "is_searched", "is_active",
    )  # fmt: skip
    shape = {name: getattr(definition, name) for name in names}
    shape["options"] = [{"archived": False, **option} for option in definition.options]
    return shape
