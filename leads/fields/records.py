"""All custom values of one lead: cleaning what is to be written, joining it with what is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadcrm.accounts.models import Workspace
from leadcrm.lib import memo, normalise
from leadcrm.lib.errors import FieldError, Invalid
from leads.fields.reading import BadValue, clean_value
from leads.fields.showing import display
from leads.fields.store import all_definitions
from leads.models.fields import FieldDefinition

PREFIX = "custom."
IN_WORDS = frozenset({"select", "multi_select", "money", "country"})


@dataclass(slots=True)
class Sorted:
    """`values` are ready to be stored, None where one is to be taken out; `bad` fit no field."""

    values: dict[str, Any] = field(default_factory=dict)
    bad: list[BadValue] = field(default_factory=list)
    unread: dict[str, Any] = field(default_factory=dict)


def sort_out(given: Mapping[str, Any]) -> Sorted:
    """Clean each value by its definition. Keys that nobody has described keep what they hold."""
    known = {definition.key: definition for definition in all_definitions()}
    found = Sorted()
    for key, raw in normalise.clean_json(dict(given)).items():
        definition = known.get(key)
        if definition is None:
            found.values[key] = raw
            continue
        try:
            found.values[key] = clean_value(definition, raw, region=region_of(definition))
        except BadValue as problem:
            found.bad.append(problem)
            found.unread[key] = raw
    return found


def clean_custom(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store, None where one is to be taken out.

    :raises Invalid: naming each field that cannot hold what was given.
    """
    found = sort_out(given)
    if found.bad:
        errors = [error for problem in found.bad for error in problem.errors]
        detail = found.bad[0].detail if len(found.bad) == 1 else "Some fields need correcting."
        raise Invalid(detail, errors=errors)
    return found.values


def joined(present: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a lead has after these changes; None takes a value out."""
    together = {**present, **changes}
    return {key: value for key, value in together.items() if value is not None}


def told(custom: Mapping[str, Any]) -> dict[str, Any]:
    """What a message may say: options and money in words, and nothing that is sensitive."""
    if not custom:
        return {}
    known = {definition.key: definition for definition in all_definitions()}
    said: dict[str, Any] = {}
    for key, value in custom.items():
        definition = known.get(key)
        if definition is None or definition.type not in IN_WORDS:
            said[key] = value
        else:
            said[key] = display(definition, value)
    return {key: said[key] for key in said if key not in known or not known[key].is_sensitive}


def unknown_keys(given: Mapping[str, Any]) -> list[FieldError]:
    """What programs that are told of mistakes should hear about names that nobody defined."""
    known = {definition.key for definition in all_definitions()}
    return [
        FieldError(
            f"{PREFIX}{key[:60]}",
            f"There is no custom field “{key[:60]}”. GET fields/ lists those there are; "
            "an administrator can add it.",
            "unknown",
        )
        for key in given
        if key not in known
    ]


def region_of(definition: FieldDefinition) -> str:
    """The country of phone numbers that are written without one."""
    if definition.type != FieldDefinition.Type.PHONE:
        return ""
    return memo.once("workspace-country", lambda: Workspace.load().country)


def misfit(definition: FieldDefinition, stored: Any) -> str:
    """Why a value from before the field was described does not count; empty when it does."""
    if stored in (None, "", []):
        return ""
    try:
        cleaned = clean_value(definition, stored, region=region_of(definition))
    except BadValue as problem:
        return problem.message
    if cleaned == stored and isinstance(cleaned, bool) == isinstance(stored, bool):
        return ""
    return "Not stored as this field is, so conditions do not see it. Save it again."
