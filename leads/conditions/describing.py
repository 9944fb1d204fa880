"""A condition in plain English, for pages and logs."""

from collections.abc import Sequence
from typing import Any

from leadcrm.lib.errors import Invalid
from leads.conditions.catalogue import DATE_LABELS, OPERATOR_LABELS, activity_label
from leads.conditions.parsing import parse
from leads.conditions.tree import (
    ActivityTest,
    Day,
    FieldTest,
    Group,
    Node,
    Not,
    SegmentTest,
    TagTest,
)
from leads.conditions.types import Type
from leads.models import Segment

SEVERAL_LABELS = {
    "is": "includes",
    "is_not": "does not include",
    "in": "includes any of",
    "not_in": "includes none of",
}
LISTED = (Type.CHOICE, Type.SEVERAL)


def describe(tree: Any) -> str:
    """One line; a broken condition says why it matches nobody."""
    try:
        return describe_node(parse(tree))
    except Invalid as error:
        return f"Matches nobody: {error.errors[0].message}"


def describe_node(node: Node, *, inner: bool = False) -> str:
    match node:
        case Group(children=()):
            return "Everybody" if node.every else "Nobody"
        case Group():
            word = " and " if node.every else " or "
            text = word.join(describe_node(child, inner=True) for child in node.children)
            return f"({text})" if inner and len(node.children) > 1 else text
        case Not():
            return f"not ({describe_node(node.child)})"
        case FieldTest():
            return describe_test(node)
        case ActivityTest():
            return describe_activity(node)
        case TagTest():
            return f"has the tag “{node.name}”"
        case SegmentTest():
            return f"is in the segment “{segment_name(node.public_id)}”"


def segment_name(public_id: str) -> str:
    found = Segment.objects.filter(public_id=public_id).values_list("name", flat=True).first()
    return found or public_id


def describe_test(test: FieldTest) -> str:
    label, op = test.field.label, test.op
    if test.field.type is Type.BOOLEAN and op in ("is", "is_not"):
        return f"{label}: {'yes' if test.value is (op == 'is') else 'no'}"
    if op == "within_days":
        return f"{label} in the last {days(test.value)}"
    if op == "older_than_days":
        return f"{label} more than {days(test.value)} ago"
    if op == "in_next_days":
        return f"{label} in the next {days(test.value)}"
    words = OPERATOR_LABELS[op]
    if test.field.type is Type.SEVERAL:
        words = SEVERAL_LABELS.get(op, words)
    if test.field.type is Type.DATE:
        words = DATE_LABELS.get(op, words)
    return f"{label} {words} {_value(test)}".rstrip()


def describe_activity(test: ActivityTest) -> str:
    text = activity_label(test.type)
    for part in test.where:
        text += f", {describe_test(part)}"
    how = [_times(test)] if _times(test) else []
    how += [f"in {days(test.within_days)}"] if test.within_days else []
    separator = ", " if test.where and how else " "
    return f"{text}{separator if how else ''}{' '.join(how)}"


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _times(test: ActivityTest) -> str:
    least, most = test.at_least or 0, test.at_most
    if most == 0:
        return "never"
    if most is None:
        return f"{least} times or more" if least > 1 else ""
    return f"exactly {most} times" if least == most else f"{least} to {most} times"


def _value(test: FieldTest) -> str:
    if test.value is None:
        return ""
    labels = dict(test.field.options) if test.field.type in LISTED else {}
    if not isinstance(test.value, tuple):
        return _word(test.value, labels)
    words = [_word(value, labels) for value in test.value]
    return f"{words[0]} and {words[1]}" if test.op == "between" else either(words)


def _word(value: Any, labels: dict[str, str]) -> str:
    if isinstance(value, Day):
        return f"{value.start:%-d %b %Y}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    return str(labels.get(value, value)) if isinstance(value, str) else str(value)


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
