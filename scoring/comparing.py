"""What one version of a model says that another does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from leads import conditions
from scoring.bands import BANDS
from scoring.describing import words_of
from scoring.models import ModelVersion, Rule

RULE_PARTS = (
    "points", "enabled", "weight_class", "label", "condition", "activity_type", "where",
    "at_least", "counting", "max_count", "per", "counted_by", "per_amount", "max_points",
    "human_only", "any_category", "window_days", "decay", "decay_days", "group", "override_note",
)  # fmt: skip
SETTINGS = {
    "warm_from": "Warm from",
    "hot_from": "Hot from",
    "hysteresis": "Cools down below by",
    "fit_cap": "Fit up to",
    "engagement_cap": "Engagement up to",
    "bant_cap": "BANT up to",
    "total_cap": "Highest score",
    "floor": "Lowest score",
}
CONDITIONS = {
    "mql": "Marketing-qualified when",
    "mql_leave": "Marketing-qualified until",
    "sql": "Sales-qualified when",
    "sql_leave": "Sales-qualified until",
    "pql": "Product-qualified when",
    "pql_leave": "Product-qualified until",
}


@dataclass(frozen=True, slots=True)
class Change:
    """`kind`: added, removed, changed, or setting. `parts`: what, before and after."""

    kind: str
    label: str
    group: str = ""
    parts: tuple[tuple[str, str, str], ...] = ()


def compare(
    before: ModelVersion | None,
    before_rules: Sequence[Rule],
    after: ModelVersion,
    after_rules: Sequence[Rule],
) -> list[Change]:
    old = {rule.uid: rule for rule in before_rules}
    new = {rule.uid: rule for rule in after_rules}
    changes = list(_settings(before, after)) if before else []
    for uid, rule in new.items():
        if uid not in old:
            new_rule = (("Rule", "", _whole(rule)),)
            changes.append(Change("added", rule.label, rule.get_group_display(), new_rule))
        elif differs(old[uid], rule):
            parts = tuple(_parts(old[uid], rule))
            changes.append(Change("changed", rule.label, rule.get_group_display(), parts))
    for uid, rule in old.items():
        if uid not in new:
            old_rule = (("Rule", _whole(rule), ""),)
            changes.append(Change("removed", rule.label, rule.get_group_display(), old_rule))
    return changes


def differs(before: Rule, after: Rule) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in RULE_PARTS)


def _settings(before: ModelVersion, after: ModelVersion) -> Iterator[Change]:
    for name, label in {**SETTINGS, **CONDITIONS}.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            shown = (_setting(name, old), _setting(name, new))
            yield Change("setting", label, parts=((label, *shown),))


def _setting(name: str, value: Any) -> str:
    if name not in CONDITIONS:
        return signed(value)
    if value is None:
        return "a few points below" if name.endswith("_leave") else "never"
    return conditions.describe(value)


def _whole(rule: Rule) -> str:
    return f"{signed(rule.points)} for {words_of(rule)}"


def _parts(before: Rule, after: Rule) -> Iterator[tuple[str, str, str]]:
    pairs = (
        ("Points", signed(before.points), signed(after.points)),
        ("Name", before.label, after.label),
        ("Weight", _weight(before), _weight(after)),
        ("Group", before.get_group_display(), after.get_group_display()),
        ("When", words_of(before), words_of(after)),
        ("Used", _onoff(before.enabled), _onoff(after.enabled)),
        ("Why outside the band", before.override_note, after.override_note),
    )
    for name, old, new in pairs:
        if old != new:
            yield name, old, new


def _weight(rule: Rule) -> str:
    return BANDS[rule.weight_class].label


def _onoff(on: object) -> str:
    return "on" if on else "off"


def signed(number: int) -> str:
    return f"{number:+d}".replace("-", "−") if number < 0 else str(number)
