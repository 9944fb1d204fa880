"""The shapes of campaigns and spend, for programs."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from leads.models import MarketingCampaign, SpendEntry
from leads.serializers.leads import KnownFieldsMixin

LARGEST = 2**31 - 1


@extend_schema_serializer(component_name="MarketingCampaign")
class CampaignSerializer(serializers.Serializer[Any]):
    """What UTM tags and spend name; not a drip campaign."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    utm_campaign = serializers.CharField()
    spellings = serializers.ListField(
        child=serializers.CharField(), help_text="Other tags that mean it."
    )
    channel = serializers.CharField()
    budget = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    is_archived = serializers.BooleanField()


class CampaignInput(KnownFieldsMixin, serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    utm_campaign = serializers.CharField(
        max_length=200, required=False, help_text="The name when left out."
    )
    channel = serializers.CharField(max_length=20)
    budget = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False, allow_null=True
    )
    is_archived = serializers.BooleanField(required=False)


class CampaignPatch(CampaignInput):
    name = serializers.CharField(max_length=100, required=False)
    channel = serializers.CharField(max_length=20, required=False)
    merge_into = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST,
        required=False,
        help_text="Alone: this campaign becomes a spelling of that one.",
    )


@extend_schema_serializer(component_name="Spend")
class SpendSerializer(serializers.Serializer[Any]):
    """Money spent over some days, both included; reports spread it evenly."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    campaign = serializers.IntegerField(source="campaign_id", allow_null=True)
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    currency = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    external_id = serializers.CharField(allow_blank=True)
    origin = serializers.ChoiceField(choices=SpendEntry.Origin.choices)


class SpendPatch(KnownFieldsMixin, serializers.Serializer[Any]):
    channel = serializers.CharField(max_length=20, required=False)
    campaign = serializers.IntegerField(
        min_value=1, max_value=LARGEST, required=False, allow_null=True
    )
    first_day = serializers.DateField(required=False)
    last_day = serializers.DateField(required=False)
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False
    )
    currency = serializers.CharField(min_length=3, max_length=3, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    external_id = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Your own id: sent again, the entry is replaced.",
    )


class SpendInput(SpendPatch):
    """`last_day` is the first one when left out."""

    channel = serializers.CharField(max_length=20)
    first_day = serializers.DateField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=Decimal(0))
    currency = serializers.CharField(min_length=3, max_length=3)


def campaign_shape(campaign: MarketingCampaign) -> Any:
    spellings = sorted(alias.spelling for alias in campaign.aliases.all())
    names = ("id", "name", "utm_campaign", "channel", "budget", "is_archived")
    shape = {name: getattr(campaign, name) for name in names}
    return CampaignSerializer({**shape, "spellings": spellings}).data


def spend_shape(entry: SpendEntry) -> Any:
    return SpendSerializer(entry).data
