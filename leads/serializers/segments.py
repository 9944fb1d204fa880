"""Segments, and what their conditions may be about, as programs see them."""

from typing import Any

from rest_framework import serializers

from leads.actions.segments import DESCRIPTION_LIMIT, MOST_AT_ONCE, NAME_LIMIT
from leads.conditions import Explained, describe
from leads.models import Segment, SegmentMembership
from leads.serializers.leads import KnownFieldsMixin

CONDITIONS = 'A tree such as {"all": [{"field": "industry", "op": "is", "value": "Care"}]}.'


class SegmentSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(
        choices=Segment.Kind.choices, help_text="Live ones fill themselves; frozen ones are lists."
    )
    conditions = serializers.JSONField(help_text=CONDITIONS)
    words = serializers.CharField(help_text="The conditions in English.")
    size = serializers.IntegerField(help_text="Leads in it now.")
    is_counting = serializers.BooleanField(help_text="Not every lead has been looked at yet.")
    counted_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()


class SegmentInput(KnownFieldsMixin, serializers.Serializer[Any]):
    name = serializers.CharField(max_length=NAME_LIMIT)
    description = serializers.CharField(
        max_length=DESCRIPTION_LIMIT, required=False, allow_blank=True
    )
    kind = serializers.ChoiceField(choices=Segment.Kind.choices, required=False)
    conditions = serializers.JSONField(required=False, help_text=CONDITIONS)


class SegmentPatch(KnownFieldsMixin, serializers.Serializer[Any]):
    name = serializers.CharField(max_length=NAME_LIMIT, required=False)
    description = serializers.CharField(
        max_length=DESCRIPTION_LIMIT, required=False, allow_blank=True
    )
    conditions = serializers.JSONField(required=False, help_text=CONDITIONS)
    version = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="The one you read: somebody else’s change in between is not overwritten.",
    )
    archived = serializers.BooleanField(required=False)


class PreviewInput(KnownFieldsMixin, serializers.Serializer[Any]):
    conditions = serializers.JSONField(help_text=CONDITIONS)


class CutSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    count = serializers.IntegerField(help_text="How many meet it and all before it.")


class SampleSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    words = serializers.CharField()
    count = serializers.IntegerField(
        allow_null=True, help_text="Null when counting takes longer than some seconds."
    )
    of = serializers.IntegerField(allow_null=True, help_text="Leads you may see.")
    hot = serializers.IntegerField(allow_null=True)
    warm = serializers.IntegerField(allow_null=True)
    cold = serializers.IntegerField(allow_null=True)
    steps = CutSerializer(many=True)
    sample = SampleSerializer(many=True)


class ExplainInput(KnownFieldsMixin, serializers.Serializer[Any]):
    lead = serializers.CharField(max_length=12, help_text="The lead’s id.")
    segment = serializers.CharField(max_length=12, required=False, help_text="A segment’s id.")
    conditions = serializers.JSONField(required=False, help_text="Instead of a segment.")


class LeafSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Its place in the tree, such as all.0.")
    kind = serializers.CharField()
    text = serializers.CharField()
    holds = serializers.BooleanField()
    actual = serializers.CharField(allow_null=True, help_text="What the lead has.")


class StaySerializer(serializers.Serializer[Any]):
    entered_at = serializers.DateTimeField()
    came_by = serializers.ChoiceField(choices=SegmentMembership.Cause.choices, allow_blank=True)
    left_at = serializers.DateTimeField(allow_null=True)
    went_by = serializers.ChoiceField(choices=SegmentMembership.Cause.choices, allow_blank=True)


class ExplainSerializer(serializers.Serializer[Any]):
    holds = serializers.BooleanField()
    words = serializers.CharField()
    leaves = LeafSerializer(many=True, help_text="Every condition with its answer.")
    stays = StaySerializer(many=True, help_text="When the lead was in the segment.")


class MemberSerializer(StaySerializer):
    lead = serializers.CharField(source="lead.public_id")
    name = serializers.CharField(source="lead.name")


class LeadsInput(KnownFieldsMixin, serializers.Serializer[Any]):
    leads = serializers.ListField(
        child=serializers.CharField(max_length=12), min_length=1, max_length=MOST_AT_ONCE
    )


class ListChangeSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="How many were not on it, or were.")
    size = serializers.IntegerField()


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()


class CatalogueFieldSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()
    group = serializers.CharField()
    type = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField())
    options = ChoiceSerializer(many=True)


class CatalogueMembershipSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()
    options = ChoiceSerializer(many=True)


class CatalogueSerializer(serializers.Serializer[Any]):
    fields_ = CatalogueFieldSerializer(many=True)
    memberships = CatalogueMembershipSerializer(many=True)
    activities = ChoiceSerializer(many=True)
    touch_properties = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_fields()
        return {"fields": found.pop("fields_"), **found}


def segment_shape(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.public_id,
        "name": segment.name,
        "description": segment.description,
        "kind": segment.kind,
        "conditions": segment.conditions,
        "words": describe(segment.conditions) if segment.kind == Segment.Kind.LIVE else "",
        "size": segment.size,
        "is_counting": segment.is_live and segment.is_counting,
        "counted_at": segment.counted_at,
        "archived_at": segment.archived_at,
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
        "version": segment.version,
    }


def leaves_of(node: Explained, path: str = "") -> list[dict[str, Any]]:
    """The leaves in their order, each with its place."""
    if not node.children:
        kept = {"kind": node.kind, "text": node.text, "holds": node.holds, "actual": node.actual}
        return [{"path": path, **kept}] if node.kind not in ("all", "any") else []
    places = ["not"] if node.kind == "not" else [f"{node.kind}.{n}" for n in range(MOST_AT_ONCE)]
    return [
        leaf
        for place, child in zip(places, node.children, strict=False)
        for leaf in leaves_of(child, f"{path}.{place}" if path else place)
    ]
