"""What a form or a source asks of the apps above for its leads. They read it from the inquiry.

`Form.wishes`, `Source.wishes`: `{"stage": key, "pipeline": key, "owner": "" | "routing" |
"user:<id>" | "team:<id>", "drip": key, "tags": [names], "notify": [user ids], "mail": [user ids]}`.
Nothing of it must be: what is gone by now is left out. A form has its own; what its source says is
for other captures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leads.models import Inquiry

ROUTING = "routing"


@dataclass(frozen=True, slots=True)
class Wishes:
    stage: str = ""
    pipeline: str = ""  # of that stage; empty: the one the lead is in anyway
    owner: str = ""
    drip: str = ""
    tags: tuple[str, ...] = ()
    notify: tuple[int, ...] = ()  # whom to tell in the app
    mail: tuple[int, ...] = ()  # whom to tell by e-mail

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
        return self != Wishes()


def _id(text: str, prefix: str) -> int | None:
    number = text.removeprefix(prefix)
    return int(number) if text.startswith(prefix) and number.isdecimal() else None


def wishes_from(raw: Any) -> Wishes:
    raw = raw if isinstance(raw, Mapping) else {}
    return Wishes(
        stage=str(raw.get("stage") or ""),
        pipeline=str(raw.get("pipeline") or ""),
        owner=str(raw.get("owner") or ""),
        drip=str(raw.get("drip") or ""),
        tags=tuple(str(tag) for tag in raw.get("tags") or []),
        notify=tuple(int(pk) for pk in raw.get("notify") or []),
        mail=tuple(int(pk) for pk in raw.get("mail") or []),
    )


def wishes_of(inquiry_id: int) -> Wishes:
    """What its form asks for, else its source; nothing for test entries.

    What was not sent enters no campaign: nobody has agreed to anything.
    """
    names = ("form_version", "form_version__form__wishes", "source__wishes", "context__unfinished")
    found = Inquiry.objects.filter(pk=inquiry_id, is_test=False).values_list(*names).first()
    if found is None:
        return Wishes()
    version_id, of_form, of_source, unfinished = found
    wishes = wishes_from(of_source if version_id is None else of_form)
    return replace(wishes, drip="") if unfinished else wishes


# What may be wished for ---------------------------------------------------------------------------

Choices = Sequence[tuple[str, str]]
_drips: list[Callable[[], Choices]] = []


def offers_drips(choices: Callable[[], Choices]) -> Callable[[], Choices]:
    """The app above that has drip campaigns tells which there are, as `(key, name)`."""
    _drips.append(choices)
    return choices


def drips() -> list[tuple[str, str]]:
    return [choice for choices in _drips for choice in choices()]
