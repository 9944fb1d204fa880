"""To whom an answer belongs when its sender is not known: by the message that it answers.

The apps above register who remembers the messages that were sent.
"""

from collections.abc import Callable, Sequence

Finder = Callable[[Sequence[str]], int | None]
FINDERS: list[Finder] = []


def finds(find: Finder) -> Finder:
    """Register what knows the lead behind one of these Message-IDs."""
    FINDERS.append(find)
    return find


def lead_of(message_ids: Sequence[str]) -> int | None:
    found = (find(message_ids) for find in FINDERS) if message_ids else ()
    return next((lead_id for lead_id in found if lead_id is not None), None)
