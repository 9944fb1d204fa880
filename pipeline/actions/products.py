"""Keeping the catalogue. What was sold keeps the name and price it was sold at."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from pipeline.actions.deals import LARGEST_AMOUNT, is_currency
from pipeline.models import Product, ProductCategory

LIMITS = {"name": 120, "code": 40, "unit": 20, "description": 500}


@transaction.atomic
def save_product(
    *,
    name: str,
    price: Decimal,
    currency: str = "",
    billing: str = Product.Billing.ONCE,
    category: ProductCategory | None = None,
    code: str = "",
    unit: str = "",
    description: str = "",
    product: Product | None = None,
) -> Product:
    """Add a product, or change one for what is sold from now on.

    :raises Invalid: no name, a code that is taken, or a price that cannot be meant.
    """
    texts = {"name": name, "code": code, "unit": unit, "description": description}
    values: dict[str, Any] = {
        key: clean_text(text, limit=LIMITS[key]) for key, text in texts.items()
    }
    values |= {
        "price": price,
        "currency": (currency or Workspace.load().currency).upper(),
        "billing": billing,
        "category": category,
    }
    _check(values, product)
    product = product or Product()
    for field, value in values.items():
        setattr(product, field, value)
    product.save()
    return product


def _check(values: dict[str, Any], product: Product | None) -> None:
    errors = []
    if not values["name"]:
        errors.append(FieldError("name", "Give the product a name.", "required"))
    if not 0 <= values["price"] <= LARGEST_AMOUNT:
        errors.append(FieldError("price", "Enter a price of zero or more."))
    if not is_currency(values["currency"]):
        errors.append(FieldError("currency", "A currency has three letters, such as EUR."))
    if values["billing"] not in Product.Billing.values:
        known = ", ".join(Product.Billing.values)
        errors.append(FieldError("billing", f"Choose one of {known}.", "unknown"))
    taken = Product.objects.filter(code=values["code"]).exclude(pk=product.pk if product else 0)
    if values["code"] and taken.exists():
        errors.append(FieldError("code", "Another product has this code.", "taken"))
    if errors:
        raise Invalid(errors[0].message, errors=errors)


def archive_product(product: Product, *, at: datetime | None) -> None:
    """Nobody can add it any more; `at` None offers it again."""
    Product.objects.filter(pk=product.pk).update(archived_at=at)


@transaction.atomic
def add_category(name: str) -> ProductCategory:
    """:raises Invalid: no name, or there is one like it."""
    title = clean_text(name, limit=60)
    if not title:
        raise Invalid.field("name", "Give the category a name.", "required")
    if ProductCategory.objects.filter(name__iexact=title).exists():
        raise Invalid.field("name", f"There is a category “{title}” already.", "taken")
    last = ProductCategory.objects.aggregate(last=Max("position"))["last"] or 0
    return ProductCategory.objects.create(name=title, position=last + 1)


def remove_category(category: ProductCategory) -> None:
    """Its products stay, without a category."""
    category.delete()
