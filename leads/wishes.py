"""What a form asks of the apps above for its leads. They read it from the inquiry's form.

`Form.wishes`: `{"stage": key, "owner": "" | "routing" | "user:<id>" | "team:<id>", "drip": key,
"tags": [names], "notify": [user ids]}`. Nothing of it must be: what is gone by now is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.models import Inquiry

ROUTING = "routing"


@dataclass(frozen=True, slots=True)
class Wishes:
    stage: str = ""
    owner: str = ""
    drip: str = ""
    tags: tuple[str, ...] = ()
    notify: tuple[int, ...] = ()

    @property
    def user_id(self) -> int | None:
        return _id(self.owner, "user:")

    @property
    def team_id(self) -> int | None:
        return _id(self.owner, "team:")

    @property
    def wants_routing(self) -> bool:
        return self.owner == ROUTING

    def __bool__(self) -> bool:
        return bool(self.stage or self.owner or self.drip or self.tags or self.notify)


def _id(text: str, prefix: str) -> int | None:
    number = text.removeprefix(prefix)
    return int(number) if text.startswith(prefix) and number.isdecimal() else None


def wishes_from(raw: Any) -> Wishes:
    raw = raw if isinstance(raw, Mapping) else {}
    return Wishes(
        stage=str(raw.get("stage") or ""),
        owner=str(raw.get("owner") or ""),
        drip=str(raw.get("drip") or ""),
        tags=tuple(str(tag) for tag in raw.get("tags") or []),
        notify=tuple(int(pk) for pk in raw.get("notify") or []),
    )


def wishes_of(inquiry_id: int) -> Wishes:
    """What the form of this inquiry asks for; nothing for other captures and test entries."""
    raw = (
        Inquiry.objects.filter(pk=inquiry_id, is_test=False)
        .values_list("form_version__form__wishes", flat=True)
        .first()
    )
    return wishes_from(raw)


# What may be wished for ---------------------------------------------------------------------------

Choices = Sequence[tuple[str, str]]
_drips: list[Callable[[], Choices]] = []


def offers_drips(choices: Callable[[], Choices]) -> Callable[[], Choices]:
    """The app above that has drip campaigns tells which there are, as `(key, name)`."""
    _drips.append(choices)
    return choices


def drips() -> list[tuple[str, str]]:
    return [choice for choices in _drips for choice in choices()]
