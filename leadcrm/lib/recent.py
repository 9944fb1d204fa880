"""What a process learned seconds ago, for paths too hot to ask the database each time."""

import time
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Value = TypeVar("Value")
MOST = 1000
ALL: "WeakSet[Recent[Any]]" = WeakSet()


class Recent(Generic[Value]):
    """Values by key that are forgotten after `seconds`; only for what may be that stale."""

    def __init__(self, seconds: float) -> None:
        ALL.add(self)
        self._seconds = seconds
        self._values: dict[str, tuple[float, Value]] = {}

    def get(self, key: str) -> Value | None:
        until, value = self._values.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: str, value: Value) -> None:
        if len(self._values) >= MOST:
            self._values.clear()
        self._values[key] = (time.monotonic() + self._seconds, value)

    def clear(self) -> None:
        self._values.clear()


def forget_all() -> None:
    """When the world behind all of it changed at once, as between two tests."""
    for each in ALL:
        each.clear()
