"""The shapes of models, versions, adjustments and qualifications in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scoring import queries
from scoring.comparing import Change
from scoring.models import Adjustment, ModelVersion, Qualification, Rescore, Rule, ScoringModel


class RuleSerializer(serializers.ModelSerializer[Rule]):
    """`condition` for rules about what leads are, `activity_type` for what they do."""

    id = serializers.UUIDField(source="uid", read_only=True)
    broken = serializers.SerializerMethodField(
        help_text="Why it gives nobody points: what it asks for is gone. Empty when all is well."
    )

    class Meta:
        model = Rule
        fields = (
            "id", "group", "weight_class", "label", "condition", "activity_type", "where",
            "at_least", "counting", "max_count", "per", "counted_by", "per_amount", "max_points",
            "human_only", "any_category", "window_days", "decay", "decay_days", "points", "enabled",
            "position", "override_note", "broken",
        )  # fmt: skip

    def get_broken(self, rule: Rule) -> str:
        return queries.broken(rule)


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    rules = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = (
            "number", "state", "fit_cap", "engagement_cap", "bant_cap", "total_cap", "floor",
            "warm_from", "hot_from", "hysteresis", "mql", "mql_leave", "sql", "sql_leave", "pql",
            "pql_leave", "note", "published_at", "rules",
        )  # fmt: skip
        read_only_fields = ("number", "state", "note", "published_at")

    @extend_schema_field(RuleSerializer(many=True))
    def get_rules(self, version: ModelVersion) -> Any:
        return RuleSerializer(queries.rules_of(version), many=True).data


class PublicationSerializer(serializers.Serializer[Any]):
    """How far publishing is. `moves` counts temperatures that changed, as cold>warm."""

    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["scoring", "switching", "done", "given_up"])
    percent = serializers.IntegerField()
    leads = serializers.IntegerField()
    changed = serializers.IntegerField()
    moves = serializers.DictField(child=serializers.IntegerField())
    qualified = serializers.DictField(child=serializers.IntegerField())
    started_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)


class PublishSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)
    hand_over = serializers.BooleanField(
        default=True, help_text="Tell sales and campaigns of those who qualify by the new rules."
    )


class ModelSerializer(serializers.ModelSerializer[ScoringModel]):
    id = serializers.SlugField(source="key", read_only=True)

    class Meta:
        model = ScoringModel
        fields = ("id", "name", "category", "is_default")


class NewModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    category = serializers.CharField(max_length=40)
    copy_rules = serializers.BooleanField(
        default=True, help_text="Begin with the rules of the lead score."
    )


class ModelDetailSerializer(ModelSerializer):
    published = VersionSerializer(allow_null=True)
    publishing = VersionSerializer(allow_null=True)
    draft = VersionSerializer(allow_null=True)

    class Meta:
        model = ScoringModel
        fields = ("id", "name", "category", "is_default", "published", "publishing", "draft")


class ModelPageSerializer(serializers.Serializer[Any]):
    results = ModelSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class VersionRowSerializer(serializers.ModelSerializer[ModelVersion]):
    restored_from = serializers.IntegerField(source="restored_from.number", allow_null=True)

    class Meta:
        model = ModelVersion
        fields = ("number", "state", "note", "restored_from", "created_at", "published_at")


class VersionPageSerializer(serializers.Serializer[Any]):
    results = VersionRowSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ChangePartSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class ChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["added", "removed", "changed", "setting"])
    label = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    parts = ChangePartSerializer(many=True)


class VersionDetailSerializer(VersionSerializer):
    changes = ChangeSerializer(many=True, help_text="Against the published version before it.")

    class Meta:
        model = ModelVersion
        fields = (*VersionSerializer.Meta.fields, "changes")
        read_only_fields = VersionSerializer.Meta.read_only_fields


class AdjustmentSerializer(serializers.ModelSerializer[Adjustment]):
    made_by = serializers.CharField(source="made_by.name", allow_null=True, read_only=True)
    model = serializers.SlugField(source="model.key", read_only=True)

    class Meta:
        model = Adjustment
        fields = ("id", "model", "points", "reason", "at", "expires_at", "revoked_at", "made_by")
        read_only_fields = ("at", "revoked_at")


class AdjustmentListSerializer(serializers.Serializer[Any]):
    results = AdjustmentSerializer(many=True)


class FactSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    holds = serializers.BooleanField()
    actual = serializers.CharField(allow_null=True)


class QualificationSerializer(serializers.ModelSerializer[Qualification]):
    """`facts`: each part of the condition, whether it held and what the lead had."""

    version = serializers.IntegerField(source="version.number")
    scores = serializers.SerializerMethodField()
    facts = serializers.SerializerMethodField()

    class Meta:
        model = Qualification
        fields = (
            "kind", "version", "cause", "entered_at", "left_at", "scores", "facts", "verdict",
            "verdict_reason", "verdict_at",
        )  # fmt: skip

    @extend_schema_field(serializers.DictField())
    def get_scores(self, row: Qualification) -> Any:
        names = ("score", "fit", "engagement", "bant", "temperature")
        return {name: row.proof.get(name) for name in names}

    @extend_schema_field(FactSerializer(many=True))
    def get_facts(self, row: Qualification) -> Any:
        texts, facts = row.proof.get("condition", []), row.proof.get("facts", [])
        return [{"text": text, **fact} for text, fact in zip(texts, facts, strict=False)]


class QualificationListSerializer(serializers.Serializer[Any]):
    results = QualificationSerializer(many=True)


def model_shape(model: ScoringModel) -> dict[str, Any]:
    versions = {
        version.state: version
        for version in model.versions.exclude(state=ModelVersion.State.RETIRED)
    }
    shapes = {
        state: version_shape(versions[state]) if state in versions else None
        for state in ("published", "publishing", "draft")
    }
    return {**ModelSerializer(model).data, **shapes}


def version_shape(version: ModelVersion) -> dict[str, Any]:
    return VersionSerializer(version).data


def change_shape(change: Change) -> dict[str, Any]:
    names = ("what", "before", "after")
    return {
        "kind": change.kind,
        "label": change.label,
        "group": change.group,
        "parts": [dict(zip(names, part, strict=True)) for part in change.parts],
    }


def publication_shape(rescore: Rescore) -> dict[str, Any]:
    done = rescore.done_at is not None
    gave_way = done and rescore.next_id <= rescore.last_id
    return {
        "version": rescore.version.number,
        "state": "given_up" if gave_way else "done" if done else rescore.phase,
        "percent": rescore.percent,
        "leads": rescore.total,
        "changed": rescore.changed,
        "moves": rescore.moves,
        "qualified": rescore.qualified,
        "started_at": rescore.started_at,
        "done_at": rescore.done_at,
    }
