"""What sales asks of every lead: budget, authority, need, timeline, or something else instead.

An answer is mapped to `bant.<key>`. The app that scores says here which keys there are, so that
forms, imports and captures offer and understand the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Named = Sequence[tuple[str, str]]
BASIC: Named = (
    ("budget", "Budget"),
    ("authority", "Authority"),
    ("need", "Need"),
    ("timeline", "Timeline"),
)
_KEYS = frozenset(key for key, _ in BASIC)


@dataclass(frozen=True, slots=True)
class Asked:
    """`offered` is asked now; `known` is understood besides, such as another framework's."""

    name: Callable[[], str] = lambda: "BANT"
    offered: Callable[[], Named] = lambda: BASIC
    known: Callable[[], Named] = lambda: BASIC


_asked = [Asked()]


def register(asked: Asked) -> None:
    _asked[:] = [asked]


def framework_name() -> str:
    """BANT, or what is used in its place."""
    return _asked[0].name()


def offered() -> Named:
    """(key, label) of each criterion."""
    return _asked[0].offered()


def is_known(key: str) -> bool:
    return key in _KEYS or key in dict(_asked[0].known())
