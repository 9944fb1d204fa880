"""Values of custom fields in words, for pages, messages and spreadsheets."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from leadcrm.lib.normalise import readable_phone
from leadcrm.lib.ui import CURRENCY_SIGNS, money
from leads.countries import country_name
from leads.models.fields import FieldDefinition

Type = FieldDefinition.Type


def display(definition: FieldDefinition, value: Any) -> str:
    """What a person reads; empty where there is no value.

    A value of another time, which the field could not hold today, is shown as it is.
    """
    if value in (None, "", []):
        return ""
    show = _SHOWN.get(definition.type)
    try:
        return show(definition, value) if show else plain(value)
    except (TypeError, ValueError, KeyError, ArithmeticError):
        return plain(value)


def as_text(definition: FieldDefinition, value: Any) -> str:
    """The exact value as a spreadsheet or another program reads it back."""
    if definition.has_options:
        return display(definition, value)
    if definition.type == Type.MONEY and isinstance(value, Mapping):
        return f"{plain(value.get('amount'))} {value.get('currency')}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value)


def plain(value: Any) -> str:
    """Any JSON in one line."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value)
    return "" if value is None else str(value)


def _number(_: FieldDefinition, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return plain(value)
    return f"{Decimal(repr(value)):,f}"


def _date(_: FieldDefinition, value: Any) -> str:
    day = parse_date(value)
    return f"{day:%-d %b %Y}" if day else plain(value)


def _moment(_: FieldDefinition, value: Any) -> str:
    moment: datetime | None = parse_datetime(value)
    return f"{timezone.localtime(moment):%-d %b %Y, %H:%M}" if moment else plain(value)


def _select(definition: FieldDefinition, value: Any) -> str:
    return str(dict(definition.choices).get(value, plain(value)))


def _multi_select(definition: FieldDefinition, value: Any) -> str:
    labels = dict(definition.choices)
    items = value if isinstance(value, list) else [value]
    return ", ".join(str(labels.get(item, plain(item))) for item in items)


def _money(_: FieldDefinition, value: Any) -> str:
    amount, currency = Decimal(repr(value["amount"])), value["currency"]
    if amount == amount.to_integral_value():
        return money(amount, currency)
    # The product's amounts leave cents out from 100 on; what somebody entered is shown whole.
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{sign}{abs(amount):,}"


def _phone(_: FieldDefinition, value: Any) -> str:
    return readable_phone(value) if isinstance(value, str) else plain(value)


def _country(_: FieldDefinition, value: Any) -> str:
    return country_name(value)


_SHOWN: dict[str, Callable[[FieldDefinition, Any], str]] = {
    Type.NUMBER: _number,
    Type.INTEGER: _number,
    Type.DATE: _date,
    Type.MOMENT: _moment,
    Type.SELECT: _select,
    Type.MULTI_SELECT: _multi_select,
    Type.MONEY: _money,
    Type.PHONE: _phone,
    Type.COUNTRY: _country,
}
