"""What people type about rules and thresholds, turned into what the actions take."""

import json
from typing import Any, cast

from django import forms
from rest_framework.exceptions import ParseError

from leadcrm.lib.errors import DomainError
from leadcrm.lib.parsers import parse_json
from leads import conditions
from leads.activity_types import ACTIVITY_TYPES, SCORED
from leads.conditions.catalogue import OPERATOR_LABELS
from scoring.actions import RuleValues, Thresholds
from scoring.bands import BANDS
from scoring.models import Rule

IS, DID = "is", "did"
LISTS = ("in", "not_in", "between")
# Where a mistake the action names stands in this form.
PLACES = {"condition": "value", "where": "property_value", "rule": "label"}


def field_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for field in conditions.fields_for(with_computed=False):
        groups.setdefault(field.group, []).append((field.key, field.label))
    return list(groups.items())


def activity_choices() -> list[tuple[str, str]]:
    return [(key, ACTIVITY_TYPES[key].label) for key in ACTIVITY_TYPES if key in SCORED]


def read_json(text: str) -> Any:
    """None for an empty text.

    :raises ValidationError: naming line and column.
    """
    try:
        return parse_json(text.encode()) if text else None
    except ParseError as error:
        raise forms.ValidationError(str(error.detail)) from None


class RuleForm(forms.Form):
    """A rule about what leads are (one field, or any condition as JSON) or about what they do."""

    label = forms.CharField(max_length=120, help_text="Shown where the score is explained.")
    group = forms.ChoiceField(choices=Rule.Group.choices)
    weight_class = forms.ChoiceField(
        label="Weight",
        widget=forms.RadioSelect,
        choices=[(b.weight_class, f"{b.label}, {b.words}") for b in BANDS.values()],
    )
    points = forms.IntegerField(min_value=-100, max_value=100)
    override_note = forms.CharField(
        label="Why points outside the band",
        max_length=300,
        required=False,
        help_text="Only needed when the points do not fit the weight.",
    )
    kind = forms.ChoiceField(
        label="Looks at",
        widget=forms.RadioSelect,
        choices=[(IS, "What leads are"), (DID, "What leads do")],
    )
    field = forms.ChoiceField(choices=field_choices, required=False)
    op = forms.ChoiceField(
        label="Comparison", choices=list(OPERATOR_LABELS.items()), required=False
    )
    value = forms.CharField(
        max_length=2000, required=False, help_text="Several values are separated by commas."
    )
    advanced = forms.CharField(
        label="Condition as JSON",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="For conditions of more than one part; used instead of the fields above.",
    )
    activity_type = forms.ChoiceField(label="Activity", choices=activity_choices, required=False)
    property_key = forms.CharField(label="Only where the property", max_length=60, required=False)
    property_value = forms.CharField(label="contains", max_length=500, required=False)
    at_least = forms.IntegerField(label="At least so many times", required=False, min_value=1)
    window_days = forms.IntegerField(label="In the last days", required=False, min_value=1)
    counting = forms.ChoiceField(choices=Rule.Counting.choices, required=False)
    max_count = forms.IntegerField(label="Counts at most", required=False, min_value=1)
    decay = forms.ChoiceField(label="Loses worth", choices=Rule.Decay.choices, required=False)
    decay_days = forms.IntegerField(label="Days", required=False, min_value=1)

    def clean_advanced(self) -> Any:
        return read_json(self.cleaned_data["advanced"])

    @property
    def rule_values(self) -> RuleValues:
        data = self.cleaned_data
        names = ("label", "group", "weight_class", "points", "override_note")
        values: dict[str, Any] = {name: data[name] for name in names}
        values.update(self._activity() if data["kind"] == DID else self._attribute())
        return cast(RuleValues, values)

    def _attribute(self) -> RuleValues:
        data = self.cleaned_data
        condition = data["advanced"] or self._test()
        return {"condition": condition, "activity_type": "", "where": {}, "decay": "none"}

    def _test(self) -> dict[str, Any]:
        data = self.cleaned_data
        key = data["field"]
        test = {"field": key, "op": data["op"]}
        if data["op"] in ("is_set", "is_not_set"):
            return test
        return test | {"value": read_value(key, data["op"], data["value"])}

    def _activity(self) -> RuleValues:
        data = self.cleaned_data
        key = data["property_key"]
        return {
            "condition": None,
            "activity_type": data["activity_type"],
            "where": {key: {"contains": data["property_value"]}} if key else {},
            "at_least": data["at_least"] or 1,
            "window_days": data["window_days"],
            "counting": data["counting"] or "once",
            "max_count": data["max_count"] or 1,
            "decay": data["decay"] or "none",
            "decay_days": data["decay_days"],
        }

    def take(self, error: DomainError) -> None:
        """Show what an action refused beside the field it is about."""
        for mistake in error.errors:
            first, _, last = mistake.field.rpartition(".")
            place = last if last in self.fields else PLACES.get(first.partition(".")[0] or last, "")
            if self.data.get("advanced") and first.startswith("condition"):
                place = "advanced"
            self.add_error(place if place in self.fields else None, mistake.message)
        if not error.errors:
            self.add_error(None, error.detail)


def read_value(key: str, op: str, text: str) -> Any:
    """The text of a form as the type the field takes; what cannot be read stays text."""
    field = conditions.find_field(key)
    kind = field.type if field else conditions.Type.TEXT
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if op in LISTS or (op in ("contains", "starts_with") and len(parts) > 1):
        return [_typed(kind, op, part) for part in parts]
    return _typed(kind, op, text.strip())


def _typed(kind: conditions.Type, op: str, text: str) -> Any:
    if op.endswith("_days"):
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text
    if kind is conditions.Type.BOOLEAN:
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    return _number(text) if kind is conditions.Type.NUMBER else text


def _number(text: str) -> Any:
    try:
        number = float(text.replace(" ", ""))
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def initial_of(rule: Rule) -> dict[str, Any]:
    """What the form shows of a rule; a condition of several parts is shown as JSON."""
    names = (
        "label", "group", "weight_class", "points", "override_note", "activity_type", "at_least",
        "window_days", "counting", "max_count", "decay", "decay_days",
    )  # fmt: skip
    initial = {name: getattr(rule, name) for name in names}
    initial["kind"] = DID if rule.is_activity else IS
    return initial | (_shown_where(rule.where) if rule.is_activity else _shown(rule.condition))


def _shown_where(where: dict[str, Any]) -> dict[str, Any]:
    for key, test in where.items():
        if isinstance(test, dict) and isinstance(test.get("contains"), str):
            return {"property_key": key, "property_value": test["contains"]}
    return {}


def _shown(condition: Any) -> dict[str, Any]:
    if not isinstance(condition, dict) or "field" not in condition:
        return {"advanced": json.dumps(condition, ensure_ascii=False)}
    value, key = condition.get("value", ""), condition["field"]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    return {
        "field": key,
        "op": condition.get("op", "is"),
        "value": shown,
    }


class ThresholdsForm(forms.Form):
    warm_from = forms.IntegerField(label="Warm from", min_value=1, max_value=1000)
    hot_from = forms.IntegerField(label="Hot from", min_value=1, max_value=1000)
    hysteresis = forms.IntegerField(label="Cools down below by", min_value=0, max_value=1000)
    fit_cap = forms.IntegerField(label="Fit up to", min_value=0, max_value=1000)
    engagement_cap = forms.IntegerField(label="Engagement up to", min_value=0, max_value=1000)
    bant_cap = forms.IntegerField(label="BANT up to", min_value=0, max_value=1000)

    @property
    def thresholds(self) -> Thresholds:
        return cast(Thresholds, dict(self.cleaned_data))


class RowForm(forms.Form):
    """One row of the page: its switch, its points, or a step up or down."""

    points = forms.IntegerField(required=False, min_value=-100, max_value=100)
    step = forms.IntegerField(required=False, min_value=-1, max_value=1)
    enabled = forms.BooleanField(required=False)
    has_switch = forms.BooleanField(required=False)

    def values_for(self, rule: Rule) -> RuleValues:
        data = self.cleaned_data
        points = rule.points if data["points"] is None else data["points"]
        values: RuleValues = {"points": points + (data["step"] or 0)}
        if data["has_switch"]:
            values["enabled"] = data["enabled"]
        return values


class QualificationForm(forms.Form):
    """When leads qualify, as conditions in JSON; empty: the machine qualifies nobody."""

    mql = forms.CharField(label="Marketing-qualified when", max_length=20_000, required=False)
    sql = forms.CharField(label="Sales-qualified when", max_length=20_000, required=False)
    pql = forms.CharField(label="Product-qualified when", max_length=20_000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false"})

    def clean(self) -> dict[str, Any]:
        for name in list(self.cleaned_data):
            try:
                self.cleaned_data[name] = read_json(self.cleaned_data[name])
            except forms.ValidationError as error:
                self.add_error(name, error)
        return self.cleaned_data

    @property
    def thresholds(self) -> Thresholds:
        return cast(Thresholds, dict(self.cleaned_data))

    def take(self, error: DomainError) -> None:
        for mistake in error.errors:
            kind, _, path = mistake.field.partition(".")
            text = f"{path}: {mistake.message}" if path else mistake.message
            self.add_error(kind if kind in self.fields else None, text)
