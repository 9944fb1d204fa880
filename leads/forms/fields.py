"""Defining a field: what it is called, what it holds, which options it offers."""

from typing import Any

from babel.numbers import list_currencies
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from leadcrm.lib.errors import DomainError
from leads import fields
from leads.actions.fields import FieldValues
from leads.models import FieldDefinition

Type = FieldDefinition.Type
TYPE_ICONS: dict[str, str] = {
    Type.TEXT: "type",
    Type.LONG_TEXT: "text",
    Type.NUMBER: "hash",
    Type.INTEGER: "hash",
    Type.YES_NO: "square-check",
    Type.DATE: "calendar",
    Type.MOMENT: "calendar-clock",
    Type.SELECT: "chevrons-up-down",
    Type.MULTI_SELECT: "list-checks",
    Type.EMAIL: "at-sign",
    Type.PHONE: "phone",
    Type.URL: "link",
    Type.MONEY: "banknote",
    Type.COUNTRY: "globe",
}


class DefinitionForm(forms.Form):
    """A field's definition. Options are rows of their own; see `OptionRows`."""

    label = forms.CharField(max_length=60, label="Name")
    type = forms.ChoiceField(choices=Type.choices, label="Holds")
    group = forms.CharField(
        max_length=40,
        required=False,
        help_text="Fields with the same words stand together, such as Contract.",
        widget=forms.TextInput(attrs={"list": "field-groups", "autocomplete": "off"}),
    )
    help = forms.CharField(
        max_length=200, required=False, label="Hint", help_text="Shown below the field."
    )
    currency = forms.CharField(
        max_length=3,
        required=False,
        help_text="Of money that comes without one, such as EUR.",
    )
    default = forms.CharField(
        max_length=1000,
        required=False,
        label="Starts as",
        help_text="What the form for a new lead is filled with.",
    )
    required = forms.BooleanField(
        required=False,
        label="Must be filled in by hand",
        help_text="In forms of this program. Captures, imports and programs are never refused.",
    )
    is_sensitive = forms.BooleanField(
        required=False,
        label="Sensitive",
        help_text="Kept out of lists, exports and messages; read on the lead’s page only.",
    )

    is_unique = forms.BooleanField(
        required=False,
        label="No two leads may have the same",
        help_text="Such as a customer number. A capture with one that is taken is kept as a "
        "proposal; people and programs are told.",
    )
    is_searched = forms.BooleanField(
        required=False,
        label="Found by the search",
        help_text="The search looks at its words beside name, e-mail, phone and company.",
    )

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).upper()
        if code and code not in list_currencies():
            raise ValidationError("Write a currency’s code, such as EUR.")
        return code

    def values(self, options: "OptionRows") -> FieldValues:
        data: Any = dict(self.cleaned_data)
        data["options"] = options.given
        if data["type"] == Type.MULTI_SELECT and not data["default"]:
            data["default"] = None
        values: FieldValues = data
        return values

    def take(self, error: DomainError) -> None:
        """Show what an action refused beside what it is about."""
        for mistake in error.errors:
            self.add_error(mistake.field if mistake.field in self.fields else None, mistake.message)
        if not error.errors:
            self.add_error(None, error.detail)


class OptionRows:
    """The options being edited: as many rows as there are, and a box for more, one a line."""

    def __init__(self, data: QueryDict | None, start: list[dict[str, Any]]) -> None:
        self.rows = start if data is None else self._posted(data)
        self.more = "" if data is None else data.get("more_options", "")

    @staticmethod
    def _posted(data: QueryDict) -> list[dict[str, Any]]:
        keys, labels = data.getlist("option_key"), data.getlist("option_label")
        offered = set(data.getlist("option_offered"))
        return [
            {"key": key, "label": label, "archived": key not in offered}
            for key, label in zip(keys, labels, strict=False)
        ]

    def move(self, key: str, *, up: bool) -> None:
        place = next((i for i, row in enumerate(self.rows) if row["key"] == key), None)
        if place is None:
            return
        other = place + (-1 if up else 1)
        if 0 <= other < len(self.rows):
            self.rows[place], self.rows[other] = self.rows[other], self.rows[place]

    @property
    def given(self) -> list[dict[str, Any]]:
        lines = [{"label": line.strip()} for line in self.more.splitlines() if line.strip()]
        return [*self.rows, *lines]


def initial_of(definition: FieldDefinition) -> dict[str, Any]:
    names = (
        "label",
        "type",
        "group",
        "help",
        "currency",
        "required",
        "is_sensitive",
        "is_unique",
        "is_searched",
    )
    initial = {name: getattr(definition, name) for name in names}
    return initial | {"default": fields.as_text(definition, definition.default)}
