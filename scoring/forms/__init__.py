"""What people type about rules and thresholds, turned into what the actions take."""

from typing import Any, cast

from django import forms

from leadcrm.lib.errors import DomainError
from leads.activity_types import ACTIVITY_TYPES, SCORED
from leads.conditions import OPERATORS, Type
from leads.conditions.builder import ConditionField
from leads.conditions.operators import labels_of
from scoring.actions import RuleValues, Thresholds
from scoring.bands import BANDS
from scoring.models import Rule

IS, DID = "is", "did"
MOST_TESTS = 3  # of an activity's properties in the form
OPS = [(op, label) for op, label in labels_of(Type.CUSTOM).items() if op != "between"]
NUMERIC = ("gt", "gte", "lt", "lte")
LISTS = ("in", "not_in")
OTHER = "other"


def activity_choices() -> list[tuple[str, str]]:
    known = [(key, ACTIVITY_TYPES[key].label) for key in ACTIVITY_TYPES if key in SCORED]
    return [*known, (OTHER, "An event of our own …")]


def _days(label: str, text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=1, max_value=3650, help_text=text
    )


class RuleForm(forms.Form):
    """A rule about what leads are or about what they do. The weight comes first."""

    weight_class = forms.ChoiceField(
        label="How much does it say?",
        widget=forms.RadioSelect,
        choices=[(b.weight_class, f"{b.label}: {b.words} points") for b in BANDS.values()],
    )
    points = forms.IntegerField(min_value=-100, max_value=100)
    override_note = forms.CharField(
        label="Why points outside the band",
        max_length=300,
        required=False,
        help_text="Only needed when the points do not fit the weight.",
    )
    label = forms.CharField(
        label="Name", max_length=120, help_text="Colleagues read it where a score is explained."
    )
    group = forms.ChoiceField(label="Counts as", choices=Rule.Group.choices)
    kind = forms.ChoiceField(
        label="Looks at",
        widget=forms.RadioSelect,
        choices=[(IS, "What leads are"), (DID, "What leads do")],
    )
    condition = ConditionField(computed=False, required=False, label="When")
    activity_type = forms.ChoiceField(label="Activity", choices=activity_choices, required=False)
    own_type = forms.CharField(
        label="Name of the event",
        max_length=30,
        required=False,
        help_text="As your website or program sends it, such as seat_added.",
    )
    at_least = forms.IntegerField(
        label="At least so many times", required=False, min_value=1, max_value=1000
    )
    window_days = _days("In the last days", "Empty: ever.")
    counting = forms.ChoiceField(label="Counts", choices=Rule.Counting.choices, required=False)
    max_count = forms.IntegerField(
        label="So many times", required=False, min_value=1, max_value=1000
    )
    per = forms.ChoiceField(label="Within", choices=Rule.Per.choices, required=False)
    counted_by = forms.CharField(
        label="Property",
        max_length=60,
        required=False,
        help_text="The one whose different values count, or that holds the amount.",
    )
    per_amount = forms.IntegerField(
        label="Points for each",
        required=False,
        min_value=1,
        max_value=1_000_000_000,
        help_text="So much of the amount gives the points once.",
    )
    max_points = forms.IntegerField(
        label="At most so many points", required=False, min_value=1, max_value=1000
    )
    decay = forms.ChoiceField(label="Loses worth", choices=Rule.Decay.choices, required=False)
    decay_days = _days("Days")
    counts_machines = forms.BooleanField(
        label="Also count what machines did",
        required=False,
        help_text="Mail scanners open and click, too. Usually only people count.",
    )
    any_category = forms.BooleanField(label="In any product category", required=False)

    def __init__(self, *args: Any, in_category: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in range(1, MOST_TESTS + 1):
            self.fields[f"property_{n}"] = forms.CharField(
                label="Property", max_length=60, required=False
            )
            self.fields[f"test_{n}"] = forms.ChoiceField(
                label="Test", choices=OPS, required=False, initial="contains"
            )
            self.fields[f"value_{n}"] = forms.CharField(
                label="Value", max_length=500, required=False
            )
        if not in_category:
            del self.fields["any_category"]

    @property
    def tests(self) -> list[tuple[Any, Any, Any]]:
        names = [(f"property_{n}", f"test_{n}", f"value_{n}") for n in range(1, MOST_TESTS + 1)]
        return [(self[a], self[b], self[c]) for a, b, c in names]

    @property
    def has_tests(self) -> bool:
        return any(
            bound.value() for property_, _, value in self.tests for bound in (property_, value)
        )

    @property
    def is_arranging(self) -> bool:
        """A button of the condition was pressed: nothing is to be saved yet."""
        return bool(self.is_bound and self.data.get("do"))

    @property
    def rule_values(self) -> RuleValues:
        data = self.cleaned_data
        names = ("label", "group", "weight_class", "points", "override_note")
        values: dict[str, Any] = {name: data[name] for name in names}
        values.update(self._activity() if data["kind"] == DID else self._attribute())
        return cast(RuleValues, values)

    def _attribute(self) -> RuleValues:
        return {
            "condition": self.cleaned_data["condition"],
            "activity_type": "",
            "where": {},
            "decay": "none",
            "decay_days": None,
            "counting": "once",
            "per": "",
            "counted_by": "",
            "max_points": None,
        }

    def _activity(self) -> RuleValues:
        data = self.cleaned_data
        counting = data["counting"] or "once"
        values: dict[str, Any] = {
            "condition": None,
            "activity_type": data["activity_type"],
            "where": self._where(),
            "at_least": data["at_least"] or 1,
            "window_days": data["window_days"],
            "counting": counting,
            "max_count": data["max_count"] or 1,
            "per": data["per"] if counting == "at_most" else "",
            "counted_by": data["counted_by"] if counting in ("distinct", "amount") else "",
            "per_amount": data["per_amount"] or 1,
            "max_points": data["max_points"],
            "decay": data["decay"] or "none",
            "decay_days": data["decay_days"],
            "human_only": not data["counts_machines"],
            "any_category": data.get("any_category", False),
        }
        if values["activity_type"] == OTHER:
            values["activity_type"] = data["own_type"].strip() or "?"
        return cast(RuleValues, values)

    def _where(self) -> dict[str, Any]:
        data = self.cleaned_data
        where: dict[str, Any] = {}
        for n in range(1, MOST_TESTS + 1):
            key, op = data[f"property_{n}"], data[f"test_{n}"] or "contains"
            if key:
                value = read_value(op, data[f"value_{n}"])
                where[key] = {op: value} if op in OPERATORS[Type.CUSTOM] else value
        return where

    def take(self, error: DomainError) -> None:
        """Show what an action refused beside the field it is about."""
        for mistake in error.errors:
            self.add_error(self._place(mistake.field), mistake.message)
        if not error.errors:
            self.add_error(None, error.detail)

    def _place(self, path: str) -> str | None:
        first, *rest = path.split(".")
        if first == "where" and rest:
            keys = [self.data.get(f"property_{n}") for n in range(1, MOST_TESTS + 1)]
            return f"value_{keys.index(rest[0]) + 1}" if rest[0] in keys else None
        if first == "activity_type" and self.data.get("activity_type") == OTHER:
            return "own_type"
        return first if first in self.fields else None


def read_value(op: str, text: str) -> Any:
    """The text of a form as what the test takes; what cannot be read stays text."""
    if op in ("is_set", "is_not_set"):
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if op in LISTS or (op.removeprefix("not_") == "contains" and len(parts) > 1):
        return parts
    return _number(text) if op in NUMERIC else text.strip()


def _number(text: str) -> Any:
    try:
        number = float(text.replace(" ", ""))
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def initial_of(rule: Rule) -> dict[str, Any]:
    """What the form shows of a rule."""
    names = (
        "label", "group", "weight_class", "points", "override_note", "activity_type", "at_least",
        "window_days", "counting", "max_count", "per", "counted_by", "per_amount", "max_points",
        "decay", "decay_days", "any_category", "condition",
    )  # fmt: skip
    initial = {name: getattr(rule, name) for name in names}
    initial["kind"] = DID if rule.is_activity else IS
    initial["counts_machines"] = not rule.human_only
    if rule.is_activity and rule.activity_type not in SCORED:
        initial |= {"activity_type": OTHER, "own_type": rule.activity_type}
    return initial | _shown_where(rule.where)


def _shown_where(where: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for n, (key, test) in enumerate(list(where.items())[:MOST_TESTS], 1):
        op, value = next(iter(test.items())) if isinstance(test, dict) and test else ("is", test)
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        shown |= {f"property_{n}": key, f"test_{n}": op, f"value_{n}": text}
    return shown


class ThresholdsForm(forms.Form):
    warm_from = forms.IntegerField(label="Warm from", min_value=1, max_value=1000)
    hot_from = forms.IntegerField(label="Hot from", min_value=1, max_value=1000)
    hysteresis = forms.IntegerField(label="Cools down below by", min_value=0, max_value=1000)
    fit_cap = forms.IntegerField(label="Fit up to", min_value=0, max_value=1000)
    engagement_cap = forms.IntegerField(label="Engagement up to", min_value=0, max_value=1000)
    bant_cap = forms.IntegerField(label="BANT up to", min_value=0, max_value=1000)
    total_cap = forms.IntegerField(label="Highest score", min_value=10, max_value=1000)
    floor = forms.IntegerField(label="Lowest score", min_value=-1000, max_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("total_cap", "floor"):
            self.fields[name].required = False

    @property
    def thresholds(self) -> Thresholds:
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return cast(Thresholds, given)


class RowForm(forms.Form):
    """One row of the page: its switch, its points, or a step up or down."""

    points = forms.IntegerField(required=False, min_value=-100, max_value=100)
    step = forms.IntegerField(required=False, min_value=-1, max_value=1)
    move = forms.IntegerField(required=False, min_value=-1, max_value=1)
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
    """When leads qualify, and until when; nobody does where the condition to enter is empty."""

    mql = ConditionField(label="Marketing-qualified when", required=False)
    mql_leave = ConditionField(label="… and until", required=False)
    sql = ConditionField(label="Sales-qualified when", required=False)
    sql_leave = ConditionField(label="… and until", required=False)
    pql = ConditionField(label="Product-qualified when", required=False)
    pql_leave = ConditionField(label="… and until", required=False)

    @property
    def is_arranging(self) -> bool:
        return bool(self.is_bound and self.data.get("do"))

    @property
    def thresholds(self) -> Thresholds:
        """What the page had a builder for; what it had not stays as it is."""
        asked = [name for name in self.fields if f"{name}-size" in self.data]
        return cast(Thresholds, {name: self.cleaned_data[name] for name in asked})

    def take(self, error: DomainError) -> None:
        for mistake in error.errors:
            kind, _, path = mistake.field.partition(".")
            text = f"{path}: {mistake.message}" if path else mistake.message
            self.add_error(kind if kind in self.fields else None, text)


class PublishForm(forms.Form):
    note = forms.CharField(
        label="What is different, in a sentence",
        max_length=300,
        required=False,
        help_text="Colleagues read it in the list of versions.",
    )
    hand_over = forms.BooleanField(
        label="Hand over who qualifies by the new rules",
        required=False,
        help_text="They are routed to sales and enter campaigns now. Otherwise it is only noted.",
    )


class ModelForm(forms.Form):
    name = forms.CharField(max_length=80)
    category = forms.CharField(
        label="Product category",
        max_length=40,
        help_text="As activities name it: only what was done in it counts.",
    )
    copy_rules = forms.BooleanField(
        label="Begin with the rules of the lead score", required=False, initial=True
    )


class AdjustmentForm(forms.Form):
    points = forms.IntegerField(min_value=-100, max_value=100)
    reason = forms.CharField(max_length=300, help_text="Colleagues read it beside the score.")
    until = forms.DateField(
        label="Counts until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: without an end.",
    )
