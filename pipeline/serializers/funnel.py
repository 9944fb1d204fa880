from typing import Any

from rest_framework import serializers

from leads.models import Lead, Pipeline, Stage
from pipeline.models import Deal, DealLine, Product, SalesCycle, Transition
from pipeline.serializers.base import Input, PersonShape, person_shape

Slug = serializers.SlugRelatedField[Any]


class StageSerializer(serializers.ModelSerializer[Stage]):
    pipeline: Slug = serializers.SlugRelatedField(slug_field="key", read_only=True)

    class Meta:
        model = Stage
        fields = [
            "id", "key", "name", "short_name", "pipeline", "position", "type", "category",
            "probability", "rot_days", "sla_hours", "condition", "required_fields", "allowed_from",
        ]  # fmt: skip
        read_only_fields = fields


class StagePatch(Input):
    name = serializers.CharField(max_length=60, required=False)
    short_name = serializers.CharField(max_length=20, required=False, allow_blank=True)
    type = serializers.ChoiceField(Stage.Type.choices, required=False)
    category = serializers.ChoiceField(Stage.Category.choices, required=False)
    probability = serializers.IntegerField(required=False, min_value=0, max_value=100)
    rot_days = serializers.IntegerField(required=False, min_value=1, max_value=3650)
    sla_hours = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=87_600
    )
    condition = serializers.DictField(
        required=False, help_text="What must hold for a lead to come in; {}: nothing."
    )
    required_fields = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=50
    )
    allowed_from = serializers.ListField(
        child=serializers.CharField(max_length=30), required=False, max_length=50
    )


class StageInput(StagePatch):
    pipeline = serializers.CharField(
        max_length=30, required=False, help_text="Its key; the default one when left out."
    )
    name = serializers.CharField(max_length=60)


class PipelineShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    condition = serializers.DictField()
    needs_next_step = serializers.BooleanField()
    back_needs_note = serializers.BooleanField()
    stages = serializers.ListField(child=serializers.CharField())


class PipelinePageSerializer(serializers.Serializer[Any]):
    results = PipelineShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def pipeline_shape(pipeline: Pipeline, stages: list[str]) -> dict[str, Any]:
    return {
        "key": pipeline.key,
        "name": pipeline.name,
        "is_default": pipeline.is_default,
        "condition": pipeline.condition,
        "needs_next_step": pipeline.needs_next_step,
        "back_needs_note": pipeline.back_needs_note,
        "stages": stages,
    }


class PipelineInput(Input):
    name = serializers.CharField(max_length=60)


class PipelinePatch(Input):
    name = serializers.CharField(max_length=60, required=False)
    condition = serializers.DictField(required=False)
    needs_next_step = serializers.BooleanField(required=False)
    back_needs_note = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)
    stages = serializers.ListField(
        child=serializers.CharField(max_length=30),
        required=False,
        max_length=50,
        help_text="The keys of all its stages in their new order.",
    )


class CloseReasonShape(serializers.Serializer[Any]):
    """Why leads are lost or rejected."""

    kind = serializers.CharField(help_text="lost or rejected")
    key = serializers.CharField()
    label = serializers.CharField()
    needs_note = serializers.BooleanField()
    asks_competitor = serializers.BooleanField()


class CloseReasonPageSerializer(serializers.Serializer[Any]):
    results = CloseReasonShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


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
    pipeline = serializers.CharField(
        max_length=30, required=False, help_text="Its key, to move the cycle into another one."
    )
    reason = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="Needed when lost: a key of `close-reasons/`.",
    )
    competitor = serializers.CharField(max_length=120, required=False, allow_blank=True)
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
            "competitor",
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


class LineShape(serializers.ModelSerializer[DealLine]):
    product: Slug = serializers.SlugRelatedField(
        slug_field="public_id", read_only=True, allow_null=True
    )
    total = serializers.DecimalField(14, 2, read_only=True)

    class Meta:
        model = DealLine
        fields = ["product", "name", "quantity", "price", "discount", "billing", "total"]
        read_only_fields = fields


class DealSerializer(serializers.ModelSerializer[Deal]):
    lines = LineShape(many=True, read_only=True)
    one_off = serializers.DecimalField(14, 2, source="paid_once", read_only=True)
    lead: Slug = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    cycle: Slug = serializers.SlugRelatedField(slug_field="number", read_only=True)

    class Meta:
        model = Deal
        fields = [
            "id", "lead", "cycle", "name", "amount", "currency", "expected_close",
            "probability", "forecast", "one_off", "monthly", "term_months", "lines", "state",
            "version", "closed_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class DealPageSerializer(serializers.Serializer[Any]):
    results = DealSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class LineInput(Input):
    product = serializers.CharField(
        max_length=12, required=False, allow_null=True, help_text="The id of a product."
    )
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    quantity = serializers.DecimalField(12, 2, required=False, min_value=0)
    price = serializers.DecimalField(
        14, 2, required=False, allow_null=True, min_value=0, help_text="The product’s, if left out."
    )
    discount = serializers.DecimalField(5, 2, required=False, min_value=0, max_value=100)
    billing = serializers.ChoiceField(Product.Billing.choices, required=False)


class DealInput(Input):
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    amount = serializers.DecimalField(
        14, 2, min_value=0, required=False, help_text="With `lines` they make it."
    )
    currency = serializers.CharField(max_length=3, min_length=3, required=False)
    expected_close = serializers.DateField(required=False, allow_null=True)
    probability = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=100
    )
    forecast = serializers.ChoiceField(Deal.Forecast.choices, required=False)
    term_months = serializers.IntegerField(required=False, min_value=1, max_value=120)
    lines = LineInput(many=True, required=False)


class DealPatch(DealInput):
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Refuse the change when it is another one by now."
    )


class ProductShape(serializers.ModelSerializer[Product]):
    id = serializers.CharField(source="public_id", read_only=True)
    category = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = [
            "id", "name", "code", "category", "price", "currency", "billing", "unit",
            "description", "archived_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_category(self, product: Product) -> str | None:
        return product.category.name if product.category else None


class ProductPageSerializer(serializers.Serializer[Any]):
    results = ProductShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ProductPatch(Input):
    name = serializers.CharField(max_length=120, required=False)
    code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    category = serializers.CharField(
        max_length=60, required=False, allow_null=True, help_text="The name of one that there is."
    )
    price = serializers.DecimalField(14, 2, required=False, min_value=0)
    currency = serializers.CharField(max_length=3, min_length=3, required=False)
    billing = serializers.ChoiceField(Product.Billing.choices, required=False)
    unit = serializers.CharField(max_length=20, required=False, allow_blank=True)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)


class ProductInput(ProductPatch):
    name = serializers.CharField(max_length=120)
    price = serializers.DecimalField(14, 2, min_value=0)
