from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def signed(points: Decimal | int | None) -> str:
    """`+12`, `−4`, `+6.79`."""
    if points is None:
        return "–"
    return f"{points:+g}".replace("-", "−")
