"""Sources as programs see them; no secret is ever among them."""

from typing import Any

from rest_framework import serializers

from leads.attribution.channels import known_keys
from leads.models import Source
from leads.providers import PROVIDERS
from leads.queries.sources import SourceRow


class SourceSerializer(serializers.ModelSerializer[Source]):
    provider = serializers.SerializerMethodField(help_text="Empty for forms, the API and imports.")
    is_test = serializers.SerializerMethodField(help_text="What comes in counts in no report.")

    class Meta:
        model = Source
        fields = ("key", "name", "kind", "channel", "is_active", "provider", "is_test")

    def get_provider(self, source: Source) -> str:
        connection = getattr(source, "connection", None)
        return connection.provider if connection else ""

    def get_is_test(self, source: Source) -> bool:
        connection = getattr(source, "connection", None)
        return connection.is_test if connection else False


class SourcePageSerializer(serializers.Serializer[Any]):
    results = SourceSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SourceStatesSerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField(help_text="Waiting to be processed.")
    applied = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    needs_review = serializers.IntegerField()
    failed = serializers.IntegerField()
    rejected = serializers.IntegerField()


class SourceDetailSerializer(SourceSerializer):
    """One source with what came in the last 30 days."""

    last_received_at = serializers.DateTimeField(allow_null=True)
    received_30_days = serializers.IntegerField()
    states_30_days = SourceStatesSerializer()

    class Meta(SourceSerializer.Meta):
        fields = (
            *SourceSerializer.Meta.fields,
            "last_received_at",
            "received_30_days",
            "states_30_days",
        )

    @classmethod
    def of(cls, row: SourceRow) -> dict[str, Any]:
        return {
            **SourceSerializer(row.source).data,
            "last_received_at": row.last_received_at,
            "received_30_days": row.balance.received,
            "states_30_days": row.balance.states,
        }


class NewSourceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    provider = serializers.ChoiceField(choices=[], help_text="Who sends.")
    channel = serializers.SlugField(max_length=20, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider: Any = self.fields["provider"]
        provider.choices = [(key, each.label) for key, each in PROVIDERS.items()]

    def validate_channel(self, value: str) -> str:
        if value not in known_keys():
            raise serializers.ValidationError("There is no such channel.", code="unknown")
        return value


class CreatedSourceSerializer(SourceSerializer):
    address = serializers.URLField(help_text="Where leads are sent. Told once: it is a secret.")

    class Meta(SourceSerializer.Meta):
        fields = (*SourceSerializer.Meta.fields, "address")
