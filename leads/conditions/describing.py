"""A condition in plain English, for pages and logs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from leadcrm.lib.errors import Invalid
from leads.conditions.catalogue import activity_label
from leads.conditions.operators import labels_of
from leads.conditions.parsing import parse
from leads.conditions.tree import (
    Day,
    FieldTest,
    Group,
    Happening,
    MembershipTest,
    Node,
    Not,
    Window,
)
from leads.conditions.types import Type

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
        case Happening():
            return describe_happening(node)
        case MembershipTest():
            return node.membership.words.format(node.membership.name_of(node.value))


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
    return f"{label} {labels_of(test.field.type)[op]} {_value(test)}".rstrip()


def describe_happening(test: Happening) -> str:
    text = activity_label(test.type) if test.type else "Came to us"
    for part in test.where:
        text += f", {describe_test(part)}"
    if test.when is not None:
        moment = describe_test(test.when).removeprefix(test.when.field.label).lstrip()
        return f"{text}, {test.measure} {moment}{_window(test.window, ' ')}"
    how = " ".join(part for part in (_measured(test), _window(test.window)) if part)
    separator = ", " if test.where and how else " "
    return f"{text}{separator if how else ''}{how}"


def _measured(test: Happening) -> str:
    if test.of is None:
        return _times(test)
    least, most = test.at_least, test.at_most
    if least == most:
        amount = f"exactly {_word(least, {})}"
    elif most is None:
        amount = f"{_word(least, {})} or more"
    else:
        amount = f"{_word(least or 0, {})} to {_word(most, {})}"
    if test.measure == "sum":
        return f"with a total {test.of.label} of {amount}"
    if test.of.label == "day":
        return f"on {amount} different days"
    return f"with {amount} different values of {test.of.label}"


def _window(window: Window, before: str = "") -> str:
    words = ""
    within, older = window.within_days, window.older_than_days
    if within is not None and older is not None:
        words = f"{older} to {days(within)} ago"
    elif within is not None:
        words = f"in {days(within)}"
    elif older is not None:
        words = f"more than {days(older)} ago"
    elif window.since is not None and window.until is not None:
        words = f"from {_word(window.since, {})} to {_word(window.until, {})}"
    elif window.since is not None:
        words = f"since {_word(window.since, {})}"
    elif window.until is not None:
        words = f"until {_word(window.until, {})}"
    return before + words if words else ""


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _times(test: Happening) -> str:
    least, most = int(test.at_least or 0), None if test.at_most is None else int(test.at_most)
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
    if isinstance(value, datetime):
        return f"{value:%-d %b %Y %H:%M}"
    return str(labels.get(value, value)) if isinstance(value, str) else str(value)


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
