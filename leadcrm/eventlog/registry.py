"""Events are frozen dataclasses with a name; handlers are functions registered with `@on`."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. Payloads hold ids and small facts, never personal data."""

    name: ClassVar[str]

    @property
    def payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Rebuild the event, ignoring fields that a newer or older release wrote."""
        known = cls.__dataclass_fields__
        return cls(**{key: value for key, value in payload.items() if key in known})


E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    key: str
    event: type[Event]
    handler: Handler


HANDLERS: dict[str, Subscription] = {}
BY_EVENT: dict[str, list[Subscription]] = defaultdict(list)


def on(event: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a handler; its key `<app>.<function>` names it in the delivery table for ever."""

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        app = handler.__module__.rpartition(".")[0].removeprefix("leadcrm.")
        subscription = Subscription(f"{app}.{handler.__name__}", event, handler)
        if subscription.key not in HANDLERS:
            HANDLERS[subscription.key] = subscription
            BY_EVENT[event.name].append(subscription)
        return handler

    return register
