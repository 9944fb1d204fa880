"""What may be wrong with a rule or a version, each mistake with its path and the cure."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_json, clean_text
from leads import conditions
from scoring.bands import BANDS
from scoring.models import ModelVersion, Rule

DAYS = (1, 3650)
LIMITS = {"at_least": (1, 1000), "max_count": (1, 1000), "per_amount": (1, 1_000_000_000)}
CHOICES: dict[str, list[str]] = {
    "group": Rule.Group.values,
    "weight_class": Rule.WeightClass.values,
    "counting": Rule.Counting.values,
    "per": Rule.Per.values,
    "decay": Rule.Decay.values,
}
SWITCHES = ("enabled", "human_only", "any_category")
KINDS = ("mql", "sql", "pql")
MOST_TOTAL = 1000


class BandsNotKept(Invalid):
    """Points outside the band of the weight class, with no note saying why."""

    code = "points_outside_band"

    def __init__(self, weight_class: str) -> None:
        super().__init__(
            band_text(weight_class),
            errors=[FieldError("points", band_text(weight_class), self.code)],
        )


def band_text(weight_class: str) -> str:
    band = BANDS[weight_class]
    return (
        f"“{band.label}” rules give {band.words} points. Choose points inside the band, "
        "another weight, or write a note that says why this rule is different."
    )


def refuse(mistakes: list[FieldError]) -> None:
    if mistakes:
        detail = mistakes[0].message if len(mistakes) == 1 else "Some values need correcting."
        raise Invalid(detail, errors=mistakes)


def set_known(row: models.Model, values: Mapping[str, Any], known: set[str]) -> list[FieldError]:
    mistakes = [
        FieldError(clean_text(str(name), limit=60), "There is no such setting. Remove it.")
        for name in values.keys() - known
    ]
    for name in values.keys() & known:
        setattr(row, name, values[name])
    return mistakes


def is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


# Rules --------------------------------------------------------------------------------------------


def clean_rule(rule: Rule, unknown: list[FieldError]) -> None:
    """:raises BandsNotKept, Invalid:"""
    refuse(unknown + rule_mistakes(rule))
    if not rule.override_note and not BANDS[rule.weight_class].holds(rule.points):
        raise BandsNotKept(rule.weight_class)
    rule.condition, rule.where = clean_json(rule.condition), clean_json(rule.where)


def rule_mistakes(rule: Rule) -> list[FieldError]:
    mistakes = [
        FieldError(name, f"Choose one of: {', '.join(c for c in choices if c)}.", "unknown_choice")
        for name, choices in CHOICES.items()
        if getattr(rule, name) not in choices
    ]
    mistakes += _text_mistakes(rule, "label", 120, required=True)
    mistakes += _text_mistakes(rule, "override_note", 300, required=False)
    mistakes += _text_mistakes(rule, "counted_by", 60, required=False)
    if not is_whole(rule.points, -100, 100):
        mistakes.append(FieldError("points", "Points are a whole number from −100 to 100."))
    if rule.max_points is not None and not is_whole(rule.max_points, 1, MOST_TOTAL):
        message = f"Write a whole number from 1 to {MOST_TOTAL}, or nothing for no limit."
        mistakes.append(FieldError("max_points", message))
    if not is_whole(rule.position, 0, 30_000):
        mistakes.append(FieldError("position", "The position is a whole number from 0."))
    mistakes += [
        FieldError(name, "Write true or false.")
        for name in SWITCHES
        if not isinstance(getattr(rule, name), bool)
    ]
    return mistakes + (
        _activity_mistakes(rule) if rule.activity_type else _attribute_mistakes(rule)
    )


def _text_mistakes(rule: Rule, name: str, limit: int, *, required: bool) -> list[FieldError]:
    value = getattr(rule, name)
    if not isinstance(value, str) or len(value) > limit:
        return [FieldError(name, f"Write text of at most {limit} characters.", "too_long")]
    setattr(rule, name, clean_text(value))
    if required and not getattr(rule, name):
        return [FieldError(name, "Say in a few words what this rule is about.", "required")]
    return []


def _attribute_mistakes(rule: Rule) -> list[FieldError]:
    if rule.condition is None:
        message = "Give the rule a condition, or an activity to count."
        return [FieldError("condition", message, "required")]
    return condition_mistakes(rule.condition, "condition", computed=False)


def _activity_mistakes(rule: Rule) -> list[FieldError]:
    """The activity is read by the condition language, so both know the same ones."""
    if rule.condition is not None:
        message = "A rule has a condition or counts an activity, not both. Remove one."
        return [FieldError("condition", message)]
    mistakes = [
        FieldError(name, f"Write a whole number from {low:,} to {high:,}.")
        for name, (low, high) in LIMITS.items()
        if not is_whole(getattr(rule, name), low, high)
    ]
    mistakes += [
        FieldError(name, f"Write a whole number of days from {DAYS[0]} to {DAYS[1]}.")
        for name in ("window_days", "decay_days")
        if getattr(rule, name) is not None and not is_whole(getattr(rule, name), *DAYS)
    ]
    if rule.decay != Rule.Decay.NONE and rule.decay_days is None:
        mistakes.append(FieldError("decay_days", "Say after how many days.", "required"))
    return mistakes + _counting_mistakes(rule) + _matching_mistakes(rule)


def _counting_mistakes(rule: Rule) -> list[FieldError]:
    wanted = {
        Rule.Counting.DISTINCT: "Name the property whose different values count, such as url.",
        Rule.Counting.AMOUNT: "Name the property that holds the amount, such as amount.",
    }
    if rule.counting in wanted and rule.counted_by == "":
        return [FieldError("counted_by", wanted[Rule.Counting(rule.counting)], "required")]
    if rule.per and rule.counting != Rule.Counting.AT_MOST:
        return [FieldError("per", "Only “at most” counts by day, week or month. Leave it empty.")]
    return []


def _matching_mistakes(rule: Rule) -> list[FieldError]:
    as_condition = {"activity": rule.activity_type, "where": rule.where}
    renamed = {"activity": "activity_type"}
    return [
        FieldError(
            renamed.get(e.field.removeprefix("."), e.field.removeprefix(".")), e.message, e.code
        )
        for e in condition_mistakes(as_condition, "", computed=False)
    ]


def condition_mistakes(tree: Any, path: str, *, computed: bool) -> list[FieldError]:
    try:
        conditions.validate(tree, path=path, computed=computed)
    except Invalid as error:
        return list(error.errors)
    return []


# Versions -----------------------------------------------------------------------------------------


def version_mistakes(version: ModelVersion) -> list[FieldError]:
    mistakes = [
        mistake
        for name in (*KINDS, *(f"{kind}_leave" for kind in KINDS))
        if getattr(version, name) is not None
        for mistake in condition_mistakes(getattr(version, name), name, computed=True)
    ]
    mistakes += [
        FieldError(f"{kind}_leave", "There is no condition to enter. Remove this one.")
        for kind in KINDS
        if getattr(version, kind) is None and getattr(version, f"{kind}_leave") is not None
    ]
    for name in ("fit_cap", "engagement_cap", "bant_cap", "hysteresis"):
        if not is_whole(getattr(version, name), 0, MOST_TOTAL):
            mistakes.append(FieldError(name, f"Write a whole number from 0 to {MOST_TOTAL}."))
    if not is_whole(version.total_cap, 10, MOST_TOTAL):
        message = f"The highest score is a whole number from 10 to {MOST_TOTAL}."
        return [*mistakes, FieldError("total_cap", message)]
    if not is_whole(version.floor, -MOST_TOTAL, 0):
        mistakes.append(FieldError("floor", f"The lowest score lies from −{MOST_TOTAL} to 0."))
    return mistakes + _threshold_mistakes(version)


def _threshold_mistakes(version: ModelVersion) -> list[FieldError]:
    top = version.total_cap
    if not is_whole(version.hot_from, 1, top) or not is_whole(version.warm_from, 1, top):
        return [FieldError("hot_from", f"Thresholds are whole numbers from 1 to {top}.")]
    if version.warm_from >= version.hot_from:
        return [FieldError("hot_from", "Hot must start above warm. Raise it.")]
    return []
