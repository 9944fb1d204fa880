"""Deals, their lines, and the catalogue as forms."""

from decimal import Decimal
from typing import Any

from django import forms

from pipeline.actions.deals import NewLine
from pipeline.models import Deal, DealLine, Product, ProductCategory
from pipeline.queries import selling

SPARE_LINES = 3


class DealPageForm(forms.Form):
    name = forms.CharField(max_length=120)
    amount = forms.DecimalField(
        required=False, min_value=Decimal(0), max_digits=14, decimal_places=2
    )
    currency = forms.CharField(min_length=3, max_length=3)
    expected_close = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    probability = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        label="Chance in percent",
        help_text="Empty: that of the lead’s stage.",
    )
    forecast = forms.ChoiceField(choices=Deal.Forecast.choices)
    term_months = forms.IntegerField(
        min_value=1,
        max_value=120,
        label="Term in months",
        help_text="For what is billed monthly or yearly.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def changes(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        if given["amount"] is None:
            del given["amount"]
        return given


def initial_of(deal: Deal) -> dict[str, Any]:
    return {name: getattr(deal, name) for name in DealPageForm.base_fields}


class LineForm(forms.Form):
    product = forms.ChoiceField(required=False)
    name = forms.CharField(required=False, max_length=120)
    quantity = forms.DecimalField(
        required=False, min_value=Decimal("0.01"), max_digits=12, decimal_places=2
    )
    price = forms.DecimalField(
        required=False, min_value=Decimal(0), max_digits=14, decimal_places=2
    )
    discount = forms.DecimalField(
        required=False, min_value=Decimal(0), max_value=Decimal(100), decimal_places=2
    )
    billing = forms.ChoiceField(
        required=False, choices=[("", "as the product"), *Product.Billing.choices]
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].choices = [("", "Something else"), *choices]  # type: ignore[attr-defined]

    @property
    def is_filled(self) -> bool:
        given = self.cleaned_data
        return bool(given["product"] or given["name"])

    def line(self, products: dict[str, Product]) -> NewLine:
        given = self.cleaned_data
        return NewLine(
            product=products.get(given["product"]),
            name=given["name"],
            quantity=given["quantity"] if given["quantity"] is not None else Decimal(1),
            price=given["price"],
            discount=given["discount"] or Decimal(0),
            billing=given["billing"],
        )


def line_initial(line: DealLine) -> dict[str, Any]:
    return {
        "product": line.product.public_id if line.product else "",
        "name": line.name,
        "quantity": line.quantity.normalize() if line.quantity % 1 else int(line.quantity),
        "price": line.price,
        "discount": line.discount.normalize() if line.discount % 1 else int(line.discount),
        "billing": line.billing,
    }


def line_forms(deal: Deal, data: Any = None) -> list[LineForm]:
    """Those there are and some empty ones; what was posted as it was."""
    lines = list(deal.lines.select_related("product").order_by("position", "pk"))
    known = {line.product.public_id: line.product.name for line in lines if line.product}
    choices = selling.product_choices()
    offered = {key for key, _ in choices}
    choices += [
        (key, f"{name} (no longer sold)") for key, name in known.items() if key not in offered
    ]
    count = min(int(data.get("lines", "0") or 0), 100) if data is not None else 0
    number = count or len(lines) + SPARE_LINES
    return [
        LineForm(
            data,
            choices=choices,
            prefix=f"line-{place}",
            initial=line_initial(lines[place]) if place < len(lines) else None,
        )
        for place in range(number)
    ]


class DealFilterForm(forms.Form):
    state = forms.ChoiceField(required=False, choices=Deal.State.choices)
    forecast = forms.ChoiceField(required=False, choices=Deal.Forecast.choices)


class ProductForm(forms.Form):
    name = forms.CharField(max_length=120)
    code = forms.CharField(required=False, max_length=40, help_text="Your own, such as SEAT-PRO.")
    category = forms.ModelChoiceField(
        ProductCategory.objects.order_by("position", "pk"), required=False, empty_label="None"
    )
    price = forms.DecimalField(min_value=Decimal(0), max_digits=14, decimal_places=2)
    currency = forms.CharField(min_length=3, max_length=3)
    billing = forms.ChoiceField(choices=Product.Billing.choices, label="Billed")
    unit = forms.CharField(required=False, max_length=20, help_text="Such as seat or hour.")
    description = forms.CharField(required=False, max_length=500)


def product_initial(product: Product) -> dict[str, Any]:
    return {name: getattr(product, name) for name in ProductForm.base_fields}
