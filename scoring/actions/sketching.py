"""A draft given as data: checked as if it were saved, and not saved."""

from collections.abc import Mapping, Sequence
from typing import Any

from leadcrm.lib.errors import FieldError, Invalid
from scoring import sketches
from scoring.actions.authoring import RuleValues, Thresholds
from scoring.actions.checking import clean_rule, refuse, set_known, version_mistakes
from scoring.models import ModelVersion, Rule

MAX_CHANGES = 200
PARTS = ("thresholds", "rules", "remove")


def sketch_with(
    version: ModelVersion, rules: Sequence[Rule], changes: Mapping[str, Any]
) -> sketches.Sketch:
    """The version with other `thresholds`, changed or added `rules`, and without those of `remove`.

    A rule with the `id` of one that is there changes it; one without is added.

    :raises Invalid: naming each field as `rules[2].points`; nothing is written in any case.
    """
    _check(changes)
    copy, copies = sketches.built(version.model, sketches.sketch_of(version, rules))
    thresholds = changes.get("thresholds") or {}
    unknown = set_known(copy, thresholds, set(Thresholds.__annotations__))
    refuse(_under("thresholds", [*unknown, *(version_mistakes(copy) if not unknown else [])]))
    gone = {str(uid) for uid in changes.get("remove") or []}
    kept = [rule for rule in copies if str(rule.uid) not in gone]
    for number, values in enumerate(changes.get("rules") or []):
        _change(copy, kept, values, f"rules[{number}]")
    return sketches.sketch_of(copy, kept)


def _check(changes: Mapping[str, Any]) -> None:
    unknown = [name for name in changes if name not in PARTS]
    if unknown:
        message = f"There is no such part. Send {', '.join(PARTS)}."
        raise Invalid.field(str(unknown[0])[:60], message, "unknown_field")
    if not isinstance(changes.get("thresholds") or {}, Mapping):
        raise Invalid.field("thresholds", "Send an object.")
    for name in ("rules", "remove"):
        rows = changes.get(name) or []
        if not isinstance(rows, list) or len(rows) > MAX_CHANGES:
            raise Invalid.field(name, f"Send a list of at most {MAX_CHANGES}.")


def _change(version: ModelVersion, rules: list[Rule], values: Any, path: str) -> None:
    if not isinstance(values, Mapping):
        raise Invalid.field(path, "Send an object.")
    uid = values.get("id")
    rule = next((row for row in rules if str(row.uid) == str(uid)), None) if uid else None
    if uid and rule is None:
        raise Invalid.field(f"{path}.id", "There is no such rule in the draft.", "unknown_rule")
    if rule is None:
        rule = Rule(version=version, position=len(rules))
        rules.append(rule)
    rest = {name: value for name, value in values.items() if name != "id"}
    try:
        clean_rule(rule, set_known(rule, rest, set(RuleValues.__annotations__)))
    except Invalid as error:
        raise Invalid(error.detail, errors=_under(path, error.errors)) from None


def _under(path: str, mistakes: Sequence[FieldError]) -> list[FieldError]:
    return [FieldError(f"{path}.{e.field}", e.message, e.code) for e in mistakes]
