"""The tests that each type of field has, and how they are called."""

from leads.conditions.types import Type

_SETS = ("is_set", "is_not_set")
_TEXT = ("is", "is_not", "in", "not_in", "contains", "not_contains", "starts_with", "ends_with")
_COMPARE = ("gt", "gte", "lt", "lte", "between")

OPERATORS: dict[Type, tuple[str, ...]] = {
    Type.TEXT: (*_TEXT, *_SETS),
    Type.NUMBER: ("is", "is_not", "in", "not_in", *_COMPARE, *_SETS),
    Type.BOOLEAN: ("is", "is_not", *_SETS),
    Type.DATE: ("within_days", "older_than_days", "in_next_days", *_COMPARE, *_SETS),
    Type.CHOICE: ("is", "is_not", "in", "not_in", *_SETS),
    Type.SEVERAL: ("is", "is_not", "in", "not_in", *_SETS),
    Type.CUSTOM: (*_TEXT, *_COMPARE, *_SETS),
}
NOTHING = ("is_set", "is_not_set")  # these need no value
RELATIVE = ("within_days", "older_than_days", "in_next_days")  # a number of days
PARTIAL = ("contains", "not_contains", "starts_with", "ends_with")  # one value or several
ORDERED = ("gt", "gte", "lt", "lte", "between")
NEGATED = {
    "is_not": "is",
    "not_in": "in",
    "is_not_set": "is_set",
    "not_contains": "contains",
}
OPERATOR_LABELS = {
    "is": "is",
    "is_not": "is not",
    "in": "is any of",
    "not_in": "is none of",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "is_set": "is known",
    "is_not_set": "is not known",
    "within_days": "is within the last days",
    "older_than_days": "is longer ago than days",
    "in_next_days": "is within the next days",
}
DATE_LABELS = {
    "gt": "is after",
    "gte": "is on or after",
    "lt": "is before",
    "lte": "is on or before",
}
SEVERAL_LABELS = {
    "is": "includes",
    "is_not": "does not include",
    "in": "includes any of",
    "not_in": "includes none of",
}
# What is asked of the things that happened.
MEASURES = {
    "count": "how often",
    "distinct": "different values of",
    "sum": "total of",
    "first": "first time",
    "last": "last time",
}
MOMENTS = ("first", "last")


def labels_of(type_: Type) -> dict[str, str]:
    """The words of a type's tests."""
    own = {Type.DATE: DATE_LABELS, Type.SEVERAL: SEVERAL_LABELS}.get(type_, {})
    return {op: own.get(op, OPERATOR_LABELS[op]) for op in OPERATORS[type_]}
