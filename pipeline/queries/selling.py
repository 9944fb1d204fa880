"""Deals and products: what is sold, and what is to be expected. Currencies are never added up."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, DecimalField, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from leads.models.lead import visible_lead
from pipeline.models import Deal, Product, ProductCategory

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Worth:
    """A sum in one currency."""

    currency: str
    amount: Decimal


def by_currency(deals: Iterable[Deal]) -> list[Worth]:
    """What deals come to, the largest sum first."""
    sums: dict[str, Decimal] = {}
    for deal in deals:
        sums[deal.currency] = sums.get(deal.currency, ZERO) + deal.amount
    return [Worth(c, a) for c, a in sorted(sums.items(), key=lambda item: (-item[1], item[0]))]


# Deals --------------------------------------------------------------------------------------------


def deals_for(principal: Any) -> QuerySet[Deal]:
    return Deal.objects.filter(visible_lead(principal, path="lead")).select_related(
        "lead__owner", "lead__stage", "cycle"
    )


# The chance that a deal is won: its own, else its lead's stage's.
CHANCE = Coalesce("probability", "lead__stage__probability", Value(0))
WEIGHTED = Case(
    When(forecast=Deal.Forecast.OMITTED, then=Value(ZERO)),
    default=F("amount") * CHANCE / Value(Decimal(100)),
    output_field=DecimalField(max_digits=18, decimal_places=2),
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is open in one currency. `likely`: each deal by its chance."""

    currency: str
    count: int
    commit: Decimal
    best_case: Decimal
    pipeline: Decimal
    likely: Decimal
    monthly: Decimal


def outlooks(deals: QuerySet[Deal]) -> list[Outlook]:
    """The forecast of open deals by currency, in one query."""

    def part(forecast: str) -> Coalesce:
        return Coalesce(Sum("amount", filter=Q(forecast=forecast)), ZERO)

    rows = (
        deals.filter(state=Deal.State.OPEN)
        .order_by()
        .values("currency")
        .annotate(
            n=Count("pk"),
            commit=part(Deal.Forecast.COMMIT),
            best_case=part(Deal.Forecast.BEST_CASE),
            early=part(Deal.Forecast.PIPELINE),
            likely=Coalesce(Sum(WEIGHTED), ZERO),
            recurring=Coalesce(Sum("monthly"), ZERO),
        )
    )
    found = [
        Outlook(
            row["currency"],
            row["n"],
            row["commit"],
            row["best_case"],
            row["early"],
            row["likely"],
            row["recurring"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (-each.likely, each.currency))


# Products -----------------------------------------------------------------------------------------


def products(*, archived: bool = False) -> QuerySet[Product]:
    found = Product.objects.select_related("category")
    return found if archived else found.filter(archived_at=None)


def product_choices() -> list[tuple[str, str]]:
    found = products().order_by("category__position", "name", "pk")[:500]
    return [
        (
            each.public_id,
            f"{each.name}, {each.price:,.2f} {each.currency} {each.get_billing_display()}",
        )
        for each in found
    ]


def _price(product: Product) -> str:
    return f"{product.price:,.2f} {product.currency} {product.get_billing_display()}"


def categories() -> QuerySet[ProductCategory]:
    sold = Count("products", filter=Q(products__archived_at=None))
    return ProductCategory.objects.annotate(size=sold).order_by("position", "pk")
