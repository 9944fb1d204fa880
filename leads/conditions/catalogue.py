"""What conditions can be about, and who offers it: built-in parts and the apps above register here.

The SQL of fields and memberships is written in code, never by a user.
"""

from collections.abc import Callable
from dataclasses import dataclass

from leads.activity_types import ACTIVITY_TYPES
from leads.conditions.custom import PREFIX, custom_field, custom_fields
from leads.conditions.operators import OPERATOR_LABELS
from leads.conditions.types import Field, Membership

__all__ = [
    "FIELDS",
    "MEMBERSHIPS",
    "OPERATOR_LABELS",
    "activity_label",
    "fields_for",
    "find_field",
    "memberships_for",
    "register",
]

FIELDS: dict[str, Field] = {}
MEMBERSHIPS: dict[str, Membership] = {}
# Words that have a meaning of their own in the tree.
RESERVED = frozenset({"all", "any", "not", "field", "activity", "touch"})


def register(*offered: Field | Membership) -> None:
    """Offer fields and memberships to conditions; the apps above call this when they load.

    :raises ValueError: a membership is called as another part of the language.
    """
    for each in offered:
        if isinstance(each, Field):
            FIELDS[each.key] = each
        elif each.key in RESERVED:
            raise ValueError(f"“{each.key}” has a meaning of its own in conditions.")
        else:
            MEMBERSHIPS[each.key] = each


@dataclass(frozen=True, slots=True)
class Family:
    """Fields that a workspace changes, under one prefix: found by name, and those to offer."""

    find: Callable[[str], Field | None]
    offer: Callable[[], list[Field]]


FAMILIES: dict[str, Family] = {PREFIX: Family(custom_field, custom_fields)}


def register_family(prefix: str, family: Family) -> None:
    """Offer fields that come and go; `prefix` ends in a dot."""
    FAMILIES[prefix] = family


def find_field(key: str) -> Field | None:
    """The field of this name, built-in or the company's own; None when there is none any more."""
    family = FAMILIES.get(f"{key.partition('.')[0]}.")
    return FIELDS.get(key) or (family.find(key) if family else None)


def fields_for(*, with_computed: bool = True) -> list[Field]:
    """What a builder offers: built-in fields in the order of registration, then custom ones."""
    built_in = [field for field in FIELDS.values() if with_computed or not field.computed]
    others = [family.offer() for prefix, family in FAMILIES.items() if prefix != PREFIX]
    return [*built_in, *(field for fields in others for field in fields), *custom_fields()]


def memberships_for(*, with_computed: bool = True) -> list[Membership]:
    return [each for each in MEMBERSHIPS.values() if with_computed or not each.computed]


def activity_label(type_: str) -> str:
    known = ACTIVITY_TYPES.get(type_)
    return known.label if known else type_.replace("_", " ").capitalize()
