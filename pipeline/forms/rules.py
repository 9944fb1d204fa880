"""Routing rules and pools as forms: rows of “field, test, value”, or the condition as JSON."""

import json
from collections.abc import Iterator
from typing import Any

from django import forms

from leadcrm.accounts.models import Team
from leads import conditions
from leads.conditions.catalogue import OPERATOR_LABELS
from pipeline import queries
from pipeline.models import Pool, PoolMember, RoutingRule

ROWS = 5
MANY = {"in", "not_in", "between"}
NO_VALUE = {"is_set", "is_not_set"}
DAYS = {"within_days", "older_than_days", "in_next_days"}


class RuleForm(forms.Form):
    """`condition` wins over the rows when somebody wrote it; else the rows make it."""

    name = forms.CharField(max_length=80)
    target = forms.ChoiceField(label="Goes to")
    enabled = forms.BooleanField(required=False, label="In use")
    match = forms.ChoiceField(
        required=False, choices=[("all", "All of these hold"), ("any", "Any of these holds")]
    )
    condition = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "code", "spellcheck": "false"}),
        label="Condition as JSON",
        help_text="For experts. When filled in, it replaces the rows above.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = target_choices()  # type: ignore[attr-defined]
        fields = [("", "Choose a field"), *((f.key, f.label) for f in conditions.fields_for())]
        tests = [("", "Choose a test"), *OPERATOR_LABELS.items()]
        for index in range(ROWS):
            self.fields[f"field_{index}"] = forms.ChoiceField(
                required=False, choices=fields, label=f"Field {index + 1}"
            )
            self.fields[f"op_{index}"] = forms.ChoiceField(
                required=False, choices=tests, label=f"Test {index + 1}"
            )
            self.fields[f"value_{index}"] = forms.CharField(
                required=False, max_length=500, label=f"Value {index + 1}"
            )

    @property
    def rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        for index in range(ROWS):
            yield self[f"field_{index}"], self[f"op_{index}"], self[f"value_{index}"]

    def clean_condition(self) -> dict[str, Any] | None:
        text = self.cleaned_data["condition"].strip()
        if not text:
            return None
        try:
            tree = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from None
        if not isinstance(tree, dict):
            raise forms.ValidationError('A condition is an object such as {"all": [...]}.')
        return tree

    @property
    def tree(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("condition") is not None:
            return dict(given["condition"])
        leaves = [
            leaf_of(given[f"field_{i}"], given[f"op_{i}"], given[f"value_{i}"])
            for i in range(ROWS)
            if given.get(f"field_{i}")
        ]
        return {given["match"] or "all": leaves} if leaves else {}

    @property
    def aim(self) -> tuple[str, int | None]:
        kind, _, key = self.cleaned_data["target"].partition(":")
        return kind, int(key) if key else None


def target_choices() -> list[Any]:
    return [
        ("Pools", [(f"pool:{pool.pk}", pool.name) for pool in Pool.objects.order_by("name")]),
        ("People", [(f"user:{user.pk}", user.name) for user in queries.assignable_users()]),
        ("Queues", [(f"queue:{team.pk}", team.name) for team in Team.objects.order_by("name")]),
        ("company_owner", "Whoever owns the company"),
    ]


def leaf_of(field: str, op: str, value: str) -> dict[str, Any]:
    """One row as a leaf of the condition language; what cannot be meant is refused when saved."""
    leaf: dict[str, Any] = {"field": field, "op": op or "is"}
    if op in NO_VALUE:
        return leaf
    parts = [part.strip() for part in value.split(",") if part.strip()] if op in MANY else [value]
    typed = [typed_value(field, op, part.strip()) for part in parts]
    return {**leaf, "value": typed if op in MANY else typed[0]}


def typed_value(field: str, op: str, text: str) -> Any:
    known = conditions.find_field(field)
    type_ = known.type if known else None
    if type_ == conditions.Type.BOOLEAN:
        return text.lower() in {"yes", "true", "1"}
    if type_ == conditions.Type.NUMBER or op in DAYS:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return text
    return text


def initial_of(rule: RoutingRule) -> dict[str, Any]:
    """The form filled with a rule; a condition that no rows can say is shown as JSON."""
    ids = rule.target_pool_id or rule.target_user_id or rule.target_queue_id
    initial: dict[str, Any] = {
        "name": rule.name,
        "enabled": rule.enabled,
        "target": f"{rule.target_kind}:{ids}" if ids else rule.target_kind,
    }
    rows = rows_of(rule.condition)
    if rows is None:
        return {**initial, "condition": json.dumps(rule.condition, indent=2, ensure_ascii=False)}
    match, leaves = rows
    initial["match"] = match
    for index, leaf in enumerate(leaves):
        value = leaf.get("value", "")
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        initial |= {f"field_{index}": leaf["field"], f"op_{index}": leaf["op"]}
        initial[f"value_{index}"] = text
    return initial


def rows_of(tree: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """The tests of a flat condition, or None for one that rows cannot say."""
    if not tree:
        return "all", []
    if "field" in tree:
        tree = {"all": [tree]}
    match = next((word for word in ("all", "any") if word in tree), "")
    leaves = tree.get(match)
    if not isinstance(leaves, list) or len(leaves) > ROWS:
        return None
    if not all(isinstance(leaf, dict) and set(leaf) <= {"field", "op", "value"} for leaf in leaves):
        return None
    return match, leaves


class PoolForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Pool
        fields = ("name", "method", "queue", "includes_everyone")
        labels = {
            "queue": "When nobody has room",
            "includes_everyone": "Every active rep joins by themselves",
        }


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    user = forms.ChoiceField(label="Person")

    class Meta:
        model = PoolMember
        fields = ("weight", "open_cap", "day_cap", "paused")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {user.public_id: user for user in queries.assignable_users()}
        self.fields["user"].choices = [(key, user.name) for key, user in self.people.items()]  # type: ignore[attr-defined]
