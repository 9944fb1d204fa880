"""When the event that is being handled happened, for handlers that must know it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def happened_at() -> datetime:
    """:raises LookupError: no event is being handled."""
    found = _moment.get()
    if found is None:
        raise LookupError("No event is being handled.")
    return found


@contextmanager
def handling(at: datetime) -> Iterator[None]:
    token = _moment.set(at)
    try:
        yield
    finally:
        _moment.reset(token)
