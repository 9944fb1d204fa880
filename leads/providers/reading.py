"""From a stored capture of a connected source to a submission."""

from collections.abc import Callable

from leadcrm.lib.errors import FieldError
from leadcrm.lib.memo import once
from leads.capture import spam
from leads.capture.envelopes import BY_ITEM, Submission
from leads.capture.parsing import Unreadable
from leads.capture.processing import Outcome
from leads.models import Connection, InboxItem
from leads.providers.base import BAD_SIGNATURE, REPEATED
from leads.providers.registry import provider_of

DOOR = "in"
State = InboxItem.State
QUARANTINE = Outcome(
    State.QUARANTINED,
    BAD_SIGNATURE,
    "It does not prove that it comes from this provider: its signature or secret does not fit. "
    "Compare the secret in the source's settings with the provider's, then let it through.",
)
REPEAT = Outcome(
    State.REJECTED,
    REPEATED,
    "The provider sent an event again that was stored before, in other words. "
    "The first one counts.",
)
SWITCHED_OFF = Outcome(
    State.NEEDS_REVIEW, "source_off", "The source was switched off when this arrived."
)


def door_of(connection: Connection) -> str:
    return f"{DOOR}:{connection.pk}"


def connection_of(item: InboxItem) -> Connection:
    """:raises Unreadable: its source was deleted."""
    key = item.door.partition(":")[2]
    found = once(f"connection:{key}", lambda: _find(key))
    if found is None:
        raise Unreadable(FieldError("source", "The source it came to is no longer there.", "gone"))
    return found


def _find(key: str) -> Connection | None:
    if not key.isdigit():
        return None
    connections = Connection.objects.select_related("source", "mapping")
    return connections.filter(pk=int(key)).first()


def read_item(item: InboxItem) -> Submission:
    """:raises Unreadable: the body does not say what it must."""
    connection = connection_of(item)
    held = _held(item, connection)
    try:
        submission = provider_of(connection).read(item, connection)
    except Unreadable:
        if held is None:
            raise
        submission = Submission({})
    submission.is_test = submission.is_test or connection.is_test
    if held is not None:
        submission.instead = _settle_as(held)
    return submission


def _held(item: InboxItem, connection: Connection) -> Outcome | None:
    """Why it is not even looked at as a lead; a person who releases it has decided."""
    if spam.RELEASED in item.flags:
        return None
    if BAD_SIGNATURE in item.flags:
        return QUARANTINE
    if REPEATED in item.flags:
        return REPEAT
    return None if connection.source.is_active else SWITCHED_OFF


def _settle_as(outcome: Outcome) -> Callable[[InboxItem], Outcome]:
    return lambda item: outcome


BY_ITEM[DOOR] = read_item
