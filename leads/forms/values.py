"""Custom fields as fields of a form: the right input for each type, errors in words."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leads import fields
from leads.countries import countries
from leads.fields.records import region_of
from leads.models import FieldDefinition

Type = FieldDefinition.Type
PREFIX = "custom_"
PLAIN = frozenset({Type.SELECT, Type.MULTI_SELECT})  # shown by their keys
YES_NO = [("", "Not known"), ("yes", "Yes"), ("no", "No")]
MODES: dict[str, str] = {Type.NUMBER: "decimal", Type.INTEGER: "numeric"}
INPUT_TYPES: dict[str, str] = {
    Type.EMAIL: "email",
    Type.PHONE: "tel",
    Type.URL: "url",
    Type.DATE: "date",
}


def name_in_form(definition: FieldDefinition) -> str:
    return f"{PREFIX}{definition.key}"


class ValueField(forms.Field):
    """One custom field. `present` is what the lead has, which stays if nobody touches it."""

    def __init__(self, definition: FieldDefinition, *, present: Any = None) -> None:
        super().__init__(
            label=definition.label,
            required=definition.required,
            help_text=definition.help,
            widget=_widget(definition, present),
        )
        self.definition, self.present = definition, present
        if definition.type == Type.MULTI_SELECT:
            self.hidden_widget = forms.MultipleHiddenInput

    def prepare_value(self, value: Any) -> Any:
        """The stored value as the input shows it; what somebody typed stays as typed."""
        if self.definition.type == Type.MOMENT and str(value).endswith("Z"):
            return _local(value)
        if self.definition.type in PLAIN or isinstance(value, str):
            return value
        return fields.as_text(self.definition, value) if value is not None else ""

    def clean(self, value: Any) -> Any:
        if self.present is not None and value == self.prepare_value(self.present):
            return self.present
        if self.definition.type == Type.MOMENT and isinstance(value, str):
            value = _in_utc(value)
        try:
            cleaned = fields.clean_value(self.definition, value, region=region_of(self.definition))
        except fields.BadValue as problem:
            raise ValidationError(problem.message, code=problem.errors[0].code) from None
        if cleaned is None and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        return cleaned

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


def _local(value: Any) -> str:
    """As `<input type=datetime-local>` wants it, in the reader's zone."""
    moment = parse_datetime(str(value))
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}" if moment else str(value)


def _in_utc(text: str) -> str:
    try:
        moment: datetime | None = parse_datetime(text)
    except ValueError:
        return text
    if moment is None or moment.tzinfo is not None:
        return text
    return timezone.make_aware(moment).isoformat()


def _widget(definition: FieldDefinition, present: Any) -> forms.Widget:
    choose: dict[str, Callable[[], forms.Widget]] = {
        Type.LONG_TEXT: lambda: forms.Textarea(attrs={"rows": 3}),
        Type.YES_NO: lambda: forms.Select(choices=YES_NO),
        Type.MOMENT: lambda: forms.TextInput(attrs={"type": "datetime-local"}),
        Type.SELECT: lambda: forms.Select(
            choices=[("", "Not known"), *_offered(definition, present)]
        ),
        Type.MULTI_SELECT: lambda: forms.CheckboxSelectMultiple(
            choices=_offered(definition, present)
        ),
        Type.COUNTRY: lambda: forms.Select(choices=[("", "Not known"), *countries()]),
        Type.MONEY: lambda: forms.TextInput(attrs={"placeholder": f"1,200 {definition.currency}"}),
    }
    if definition.type in choose:
        return choose[definition.type]()
    attrs: dict[str, Any] = {"autocomplete": "off"}
    if definition.type in MODES:
        attrs["inputmode"] = MODES[definition.type]
    if definition.type in INPUT_TYPES:
        attrs["type"] = INPUT_TYPES[definition.type]
    return forms.TextInput(attrs=attrs)


def _offered(definition: FieldDefinition, present: Any) -> Sequence[tuple[str, str]]:
    """Today's options, and those of another time that this lead has."""
    has = present if isinstance(present, list) else [present]
    offered = {key for key, _ in definition.offered}
    return [pair for pair in definition.choices if pair[0] in offered or pair[0] in has]


def seen(value: Any) -> str:
    """What an editor saw, to be compared later with what is there."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value is not None else ""
