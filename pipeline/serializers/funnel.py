from typing import Any

from rest_framework import serializers

from leads.models import Lead, Stage
from pipeline.models import Deal, LostReason, SalesCycle, Transition
from pipeline.serializers.base import Input, PersonShape, person_shape

Slug = serializers.SlugRelatedField[Any]


class StageSerializer(serializers.ModelSerializer[Stage]):
    pipeline: Slug = serializers.SlugRelatedField(slug_field="key", read_only=True)

    class Meta:
        model = Stage
        fields = [
            "key", "name", "short_name", "pipeline", "position", "type", "category",
            "probability", "rot_days",
        ]  # fmt: skip
        read_only_fields = fields


class StagePageSerializer(serializers.Serializer[Any]):
    results = StageSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MoveInput(Input):
    stage = serializers.CharField(max_length=30, help_text="The key of a stage.")
    expected_stage = serializers.CharField(
        max_length=30, required=False, help_text="Refuse the move when the lead is elsewhere."
    )
    version = serializers.IntegerField(required=False, min_value=1)
    reason = serializers.ChoiceField(
        LostReason.choices, required=False, allow_blank=True, help_text="Needed when lost."
    )
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)
    amount = serializers.DecimalField(14, 2, required=False, min_value=0)
    currency = serializers.CharField(max_length=3, required=False)


class ReopenInput(Input):
    stage = serializers.CharField(
        max_length=30, required=False, help_text="An open stage; the last one when left out."
    )


class CycleSerializer(serializers.ModelSerializer[SalesCycle]):
    source: Slug = serializers.SlugRelatedField(slug_field="key", read_only=True, allow_null=True)
    first_response_by = serializers.SerializerMethodField()

    class Meta:
        model = SalesCycle
        fields = [
            "number", "source", "opened_at", "received_at", "first_response_at",
            "first_response_by", "mql_at", "sql_at", "accepted_at", "rejected_at",
            "rejected_reason", "closed_at", "outcome", "lost_reason", "lost_note",
        ]  # fmt: skip
        read_only_fields = fields

    def get_first_response_by(self, cycle: SalesCycle) -> str | None:
        user = cycle.first_response_by
        return user.public_id if user else None


class TransitionShape(serializers.Serializer[Any]):
    from_stage = serializers.CharField(allow_null=True)
    to_stage = serializers.CharField()
    at = serializers.DateTimeField()
    actor = PersonShape(allow_null=True)
    cause = serializers.ChoiceField(Transition.Cause.choices)
    seconds_in_from = serializers.IntegerField(allow_null=True)


class LeadStageShape(serializers.Serializer[Any]):
    """Where a lead stands and how it came there."""

    stage = serializers.CharField(allow_null=True)
    entered_at = serializers.DateTimeField(allow_null=True)
    status = serializers.CharField()
    lifecycle = serializers.CharField()
    version = serializers.IntegerField()
    cycle = CycleSerializer(allow_null=True)
    transitions = TransitionShape(many=True)


def transition_shape(row: Transition) -> dict[str, Any]:
    return {
        "from_stage": row.from_stage.key if row.from_stage else None,
        "to_stage": row.to_stage.key,
        "at": row.at,
        "actor": person_shape(row.actor),
        "cause": row.cause,
        "seconds_in_from": row.seconds_in_from,
    }


def lead_stage_shape(
    lead: Lead, cycle: SalesCycle | None, transitions: list[Transition]
) -> dict[str, Any]:
    return {
        "stage": lead.stage.key if lead.stage else None,
        "entered_at": lead.stage_entered_at,
        "status": lead.status,
        "lifecycle": lead.lifecycle,
        "version": lead.version,
        "cycle": CycleSerializer(cycle).data if cycle else None,
        "transitions": [transition_shape(row) for row in transitions],
    }


class DealSerializer(serializers.ModelSerializer[Deal]):
    lead: Slug = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    cycle: Slug = serializers.SlugRelatedField(slug_field="number", read_only=True)

    class Meta:
        model = Deal
        fields = [
            "id", "lead", "cycle", "name", "amount", "currency", "expected_close",
            "probability", "state", "closed_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class DealPageSerializer(serializers.Serializer[Any]):
    results = DealSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class DealInput(Input):
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    amount = serializers.DecimalField(14, 2, min_value=0)
    currency = serializers.CharField(max_length=3, min_length=3, required=False)
    expected_close = serializers.DateField(required=False, allow_null=True)
    probability = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=100
    )


class DealPatch(DealInput):
    amount = serializers.DecimalField(14, 2, min_value=0, required=False)
