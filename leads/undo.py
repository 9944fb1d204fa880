"""Undo for ten minutes: a signed moment, by which the changed rows are found again."""

from datetime import datetime, timedelta

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError
from leadcrm.lib.tokens import sign, unsign

UNDO_TIME = timedelta(minutes=10)


class TooLateToUndo(DomainError):
    code = "too_late_to_undo"
    status = 409
    title = "This cannot be undone any more"


def path_for(deed: str, user: User, at: datetime) -> str:
    return f"/leads/undo/{token_for(deed, user, at)}/"


def token_for(deed: str, user: User, at: datetime) -> str:
    """What `moment_of` reads: who did the deed, and when to the microsecond."""
    return sign(f"undo-{deed}", f"{user.pk}-{int(at.timestamp())}-{at.microsecond}")


def moment_of(token: str, deed: str, user: User, *, now: datetime) -> datetime:
    """When the deed was done.

    :raises TooLateToUndo: it was not this person's, or longer ago than `UNDO_TIME`.
    """
    value = unsign(f"undo-{deed}", token) or "0-0-0"
    user_id, seconds, microseconds = (int(part) for part in value.split("-"))
    at = datetime.fromtimestamp(seconds, tz=now.tzinfo).replace(microsecond=microseconds)
    if user_id != user.pk or now - at > UNDO_TIME:
        raise TooLateToUndo("Undo works for ten minutes. An administrator can still restore it.")
    return at
