"""Campaigns with what belongs to them, and spellings that look alike."""

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Max, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from leads.models import MarketingCampaign, SpendEntry, Touch


def campaigns(*, archived: bool = False) -> QuerySet[MarketingCampaign]:
    """Campaigns with `visits`, the `last_visit`, and `spent` in the given currency."""
    touches = Touch.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign")
    return MarketingCampaign.objects.filter(is_archived=archived).annotate(
        visits=Coalesce(Subquery(touches.annotate(n=Count("pk")).values("n")), Value(0)),
        last_visit=Subquery(touches.annotate(at=Max("occurred_at")).values("at")),
    )


def with_spend(found: QuerySet[MarketingCampaign], currency: str) -> QuerySet[Any]:
    spent = SpendEntry.objects.filter(campaign=OuterRef("pk"), currency=currency)
    total = spent.order_by().values("campaign").annotate(sum=Sum("amount")).values("sum")
    zero = Value(Decimal(0), output_field=DecimalField())
    return found.annotate(spent=Coalesce(Subquery(total), zero))


def look_alike() -> list[list[MarketingCampaign]]:
    """Campaigns whose tags differ only in capitals, spaces, hyphens and the like."""
    groups: dict[str, list[MarketingCampaign]] = defaultdict(list)
    for campaign in MarketingCampaign.objects.order_by("pk")[:5_000]:
        groups[bare(campaign.utm_campaign)].append(campaign)
    return [group for key, group in sorted(groups.items()) if key and len(group) > 1][:20]


def bare(tag: str) -> str:
    return re.sub(r"[\W_]+", "", tag.casefold())
