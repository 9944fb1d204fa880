"""Filters by the company's own fields: which there are for each type, and what they mean."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError

from leads import fields
from leads.conditions.expressions import Holds
from leads.filters.fields import Boxes, ChoicesField, CodesField, MomentField, Picker, YesNoField
from leads.models import FieldDefinition
from leads.models.lead import LeadQuerySet

Type = FieldDefinition.Type
PREFIX = "custom."
FEW = 6
MOST_DAYS = 3650


class ValueField(forms.Field):
    """One value, cleaned as the field itself would."""

    widget = forms.TextInput

    def __init__(self, definition: FieldDefinition, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        is_money = definition.type == Type.MONEY  # filtered by its amount, whatever the currency
        self.definition = FieldDefinition(
            key=definition.key,
            label=definition.label,
            type=Type.NUMBER if is_money else definition.type,
        )

    def clean(self, value: Any) -> Any:
        try:
            return fields.clean_value(self.definition, value)
        except fields.BadValue as problem:
            raise ValidationError(problem.message, code=problem.errors[0].code) from None


class TextField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)


class DaysField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_DAYS, **kwargs)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to filter: the end of its name, its words, the operator of conditions behind it."""

    suffix: str
    label: str
    op: str
    field: Callable[[FieldDefinition], forms.Field]
    shown: bool = True

    def name_of(self, definition: FieldDefinition) -> str:
        return f"{definition.name}__{self.suffix}" if self.suffix else definition.name


def _choices(definition: FieldDefinition) -> forms.Field:
    if definition.type == Type.COUNTRY:
        return CodesField(required=False)
    widget = Boxes if len(definition.choices) <= FEW else Picker
    return ChoicesField(choices=definition.choices, required=False, widget=widget)


def _value(definition: FieldDefinition) -> forms.Field:
    return ValueField(definition, required=False)


def _day(definition: FieldDefinition) -> forms.Field:
    widget = forms.DateInput(attrs={"type": "date"})
    if definition.type == Type.MOMENT:
        return MomentField(required=False, widget=widget)
    return ValueField(definition, required=False, widget=widget)


def _days(_: FieldDefinition) -> forms.Field:
    return DaysField(required=False)


_KNOWN = Way("known", "Is known", "is_set", lambda _: YesNoField(required=False), shown=False)
_TEXTS = (
    Way("contains", "Contains", "contains", lambda _: TextField(required=False)),
    Way("", "Is", "is", lambda _: TextField(required=False), shown=False),
    Way("not", "Is not", "is_not", lambda _: TextField(required=False), shown=False),
    _KNOWN,
)
_NUMBERS = (
    Way("min", "From", "gte", _value),
    Way("max", "To", "lte", _value),
    Way("", "Is", "is", _value, shown=False),
    _KNOWN,
)
_TIMES = (
    Way("after", "From", "gte", _day),
    Way("before", "Before", "lt", _day),
    Way("next", "In the next days", "in_next_days", _days),
    Way(
        "within",
        "In the last days",
        "within_days",
        lambda _: DaysField(required=False),
        shown=False,
    ),
    _KNOWN,
)
_LISTS = (
    Way("", "Is any of", "in", _choices),
    Way("not", "Is none of", "not_in", _choices, shown=False),
    _KNOWN,
)
WAYS: dict[str, tuple[Way, ...]] = {
    Type.NUMBER: _NUMBERS,
    Type.INTEGER: _NUMBERS,
    Type.MONEY: _NUMBERS,
    Type.DATE: _TIMES,
    Type.MOMENT: _TIMES,
    Type.SELECT: _LISTS,
    Type.MULTI_SELECT: _LISTS,
    Type.COUNTRY: _LISTS,
    Type.YES_NO: (Way("", "Is", "is", lambda _: YesNoField(required=False)), _KNOWN),
}


class OwnFilter(filters.Filter):
    """A filter of the list made from a definition."""

    def __init__(self, definition: FieldDefinition, way: Way) -> None:
        words = f" {way.label.lower()}" if way.suffix else ""
        super().__init__(label=f"{definition.label}{words}")
        self.definition, self.way = definition, way

    @property
    def field(self) -> forms.Field:
        if not hasattr(self, "_made"):
            self._made = self.way.field(self.definition)
            self._made.label = self.label
        return self._made

    def filter(self, qs: LeadQuerySet, value: Any) -> LeadQuerySet:
        if value in (None, "", []):
            return qs
        op = self.way.op
        if self.way is _KNOWN:
            op, value = ("is_set" if value else "is_not_set"), None
        elif hasattr(value, "isoformat"):
            value = value.isoformat()
        return qs.filter(Holds(self.definition, op, value))


def own_filters() -> Iterator[tuple[str, OwnFilter]]:
    for definition in fields.definitions():
        for way in WAYS.get(definition.type, _TEXTS):
            yield way.name_of(definition), OwnFilter(definition, way)
