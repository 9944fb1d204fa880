"""Conversions for Google Ads, as programs see them."""

from typing import Any

from rest_framework import serializers

from leads.queries.offline import CLICKS, REASONS, Offline


class ConversionPeriod(serializers.Serializer[Any]):
    first_day = serializers.DateField(
        required=False, help_text="Of the workspace's time zone. Usually 29 days before the last."
    )
    last_day = serializers.DateField(
        required=False, help_text="Included; at most 92 days in all. Usually today."
    )
    output = serializers.ChoiceField(
        choices=["json", "csv"], default="json", help_text="`csv` is the file Google Ads takes."
    )


class ConversionSerializer(serializers.Serializer[Any]):
    lead = serializers.CharField()
    kind = serializers.ChoiceField(choices=["mql", "sql", "won"])
    name = serializers.CharField(help_text="What Google Ads calls it.")
    at = serializers.DateTimeField()
    click = serializers.ChoiceField(choices=CLICKS)
    click_id = serializers.CharField()
    value = serializers.DecimalField(max_digits=16, decimal_places=2, allow_null=True)
    currency = serializers.CharField()


class LeftOutSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text=f"One of {', '.join(REASONS)}.")
    words = serializers.CharField()
    count = serializers.IntegerField()


class OfflineSerializer(serializers.Serializer[Any]):
    conversions = ConversionSerializer(many=True)
    left_out = LeftOutSerializer(many=True)


def offline_shape(found: Offline) -> Any:
    told = {
        "conversions": found.rows,
        "left_out": [
            {"reason": key, "words": words, "count": count} for key, words, count in found.reasons
        ],
    }
    return OfflineSerializer(told).data
