"""The list of leads narrowed by a condition of one's own, as JSON in its address."""

import json
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_json
from leads.conditions import validate

LONGEST = 3000


class ConditionJSONField(forms.CharField):
    """A tree as text; cleaned to the tree. A filter form keeps it as it is."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        if len(text) > LONGEST:
            raise ValidationError(
                "This condition is too long for an address. Make a segment of it."
            )
        try:
            tree = clean_json(json.loads(text))
        except (ValueError, RecursionError):
            message = 'Write a condition as JSON, such as {"all": []}.'
            raise ValidationError(message, code="invalid") from None
        try:
            validate(tree, path="conditions")
        except Invalid as error:
            raise ValidationError(
                [f"{each.field}: {each.message}".replace("%", "%%") for each in error.errors[:5]]
            ) from None
        return tree

    def validate(self, value: Any) -> None:
        """Read already."""

    def run_validators(self, value: Any) -> None:
        """Read already."""


class ConditionFilter(filters.Filter):
    field_class = ConditionJSONField


def as_text(tree: Any) -> str:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
