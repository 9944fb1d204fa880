"""Which of two values a field keeps when two leads become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leads.models import Lead

FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "job_title",
    "company_name",
    "website",
    "country",
    "region",
    "city",
    "language",
    "time_zone",
    "industry",
    "company_size",
)
CUSTOM = "custom."
OWNER = "owner"
SURVIVOR, LOSER = "survivor", "loser"
EMPTY: tuple[Any, ...] = ("", None, [], {})


@dataclass(frozen=True, slots=True)
class Pair:
    """One field of both. `keeps`: whose value it is to have."""

    name: str
    survivor: Any
    loser: Any
    keeps: str

    @property
    def differs(self) -> bool:
        """Somebody should look: both have a value, and they are not the same."""
        filled = self.survivor not in EMPTY and self.loser not in EMPTY
        return filled and not _same(self.survivor, self.loser)

    @property
    def value(self) -> Any:
        return self.survivor if self.keeps == SURVIVOR else self.loser


def compare(survivor: Lead, loser: Lead, choices: Mapping[str, str]) -> list[Pair]:
    """All fields that at least one of the two has: theirs unless it is empty, or as chosen."""
    names = [*FIELDS, *(f"{CUSTOM}{key}" for key in _custom_keys(survivor, loser)), OWNER]
    pairs = (
        _pair(name, value_of(survivor, name), value_of(loser, name), choices) for name in names
    )
    return [pair for pair in pairs if pair.survivor not in EMPTY or pair.loser not in EMPTY]


def value_of(lead: Lead, name: str) -> Any:
    if name.startswith(CUSTOM):
        return (lead.custom or {}).get(name.removeprefix(CUSTOM))
    if name == OWNER:
        return lead.owner_id
    return getattr(lead, name)


def _custom_keys(survivor: Lead, loser: Lead) -> list[str]:
    return sorted({*(survivor.custom or {}), *(loser.custom or {})})


def _pair(name: str, mine: Any, theirs: Any, choices: Mapping[str, str]) -> Pair:
    default = LOSER if mine in EMPTY else SURVIVOR
    return Pair(name, mine, theirs, choices.get(name, default))


def _same(one: Any, other: Any) -> bool:
    return str(one).strip().casefold() == str(other).strip().casefold()


def chosen_columns(pairs: list[Pair], custom: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the survivor that change, and their values."""
    taken = [pair for pair in pairs if pair.keeps == LOSER and pair.name != OWNER]
    columns = {pair.name: pair.value for pair in taken if not pair.name.startswith(CUSTOM)}
    own = {
        pair.name.removeprefix(CUSTOM): pair.value for pair in taken if pair.name.startswith(CUSTOM)
    }
    if own:
        columns["custom"] = {**custom, **own}
    return columns
