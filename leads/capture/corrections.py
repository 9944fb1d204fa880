"""What a person set right in one capture. It lies over the answers; the body stays as it came."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leads import criteria
from leads.capture.envelopes import Submission, read
from leads.capture.mapping import CONTACT_FIELDS, MESSAGE, NAME, text_of
from leads.capture.parsing import Unreadable
from leads.models import InboxItem

NOWHERE = "-"  # the answer stays in the inquiry and fills nothing
TARGETS = frozenset({NOWHERE, NAME, MESSAGE, *CONTACT_FIELDS})


def is_target(name: str) -> bool:
    head, _, rest = name.partition(".")
    return (
        name in TARGETS
        or (head == "custom" and bool(rest))
        or (head == "bant" and criteria.is_known(rest))
    )


def values_of(item: InboxItem) -> dict[str, Any]:
    return dict(item.corrections.get("values") or {})


def targets_of(item: InboxItem) -> dict[str, str]:
    return dict(item.corrections.get("targets") or {})


def understood(item: InboxItem) -> Submission:
    """The submission with corrected values; of an unreadable body what was typed in by hand.

    :raises Unreadable: and nobody corrected anything.
    """
    values = values_of(item)
    try:
        submission = read(item)
    except Unreadable as problem:
        if not values:
            raise
        note = f"The body could not be read ({problem.detail}); the answers were typed in."
        return Submission(values, notes=[note])
    return over(submission, values)


def over(submission: Submission, values: Mapping[str, Any]) -> Submission:
    """An empty correction takes the answer away."""
    if not values:
        return submission
    merged = {k: v for k, v in {**submission.values, **values}.items() if v != ""}
    changed = [name for name, value in values.items() if name in submission.values and value != ""]
    notes = [f"“{name}” was corrected by hand." for name in changed]
    return replace(submission, values=merged, notes=[*submission.notes, *notes])


def questions_of(
    item: InboxItem, questions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The form's questions, where an answer goes to the field that a person chose."""
    chosen = {
        key: {**questions.get(key, {}), "maps_to": target}
        for key, target in targets_of(item).items()
    }
    return {**questions, **chosen}


def wording(value: Any) -> str:
    """An answer as one may correct it."""
    return value if isinstance(value, str) else text_of(value)
