"""What somebody chose for an import, checked; stored as JSON with the job."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from leadcrm.accounts.models import User
from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.countries import countries
from leads.importing import targets


class Existing(StrEnum):
    """What happens to somebody who is here already."""

    FILL = "fill"
    REPLACE = "replace"
    SKIP = "skip"


class Owner(StrEnum):
    QUEUE = "queue"  # nobody yet: the team that answers for new leads
    ROUTE = "route"  # by the routing rules, at once
    PERSON = "person"


class Dates(StrEnum):
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    AUTO = "auto"


MATCHES = ("email", "external_id", "phone")
MOST_TAGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    existing: str = Existing.FILL
    create: bool = True
    match_by: list[str] = field(default_factory=lambda: ["email", "external_id"])
    tags: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    country: str = ""  # of phone numbers without a prefix; empty: the workspace's
    dates: str = Dates.AUTO
    consent: str = ""  # the words everybody in the file agreed to; empty: nobody is said to have
    basis: str = "consent"
    funnel: bool = True  # new leads enter the first stage; else they are contacts only
    owner: str = Owner.QUEUE
    owner_id: int | None = None
    route_qualified: bool = True
    clocks: bool = False
    drips: bool = False

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Self:
        """What was stored, without what another release wrote."""
        names = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in raw.items() if name in names})

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def checked(raw: Mapping[str, Any]) -> Options:
    """Options from a form or a program.

    :raises Invalid: naming each that cannot be meant.
    """
    known = {part.name: part for part in fields(Options)}
    errors = [
        FieldError(f"options.{name}"[:80], f"There is no option “{name[:40]}”.", "unknown")
        for name in raw
        if name not in known
    ]
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name in known:
            try:
                values[name] = _CHECKS[name](value)
            except (TypeError, ValueError) as error:
                message = str(error) if type(error) is ValueError and str(error) else "Not valid."
                errors.append(FieldError(f"options.{name}", message))
    made = Options(**values) if not errors else Options()
    if made.owner == Owner.PERSON and made.owner_id is None and not errors:
        errors.append(FieldError("options.owner_id", "Choose who gets the new leads.", "required"))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    return made


def _one_of(kind: type[StrEnum]) -> Any:
    def check(value: Any) -> str:
        if value not in list(kind):
            raise ValueError(f"Choose one of {', '.join(kind)}.")
        return str(value)

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Say true or false.")
    return value


def _text(limit: int) -> Any:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("Send a text.")
        if len(value) > limit:
            raise ValueError(f"Use at most {limit:,} characters.")
        return clean_text(value)

    return check


def _matches(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or any(item not in MATCHES for item in value):
        raise ValueError(f"Choose at least one of {', '.join(MATCHES)}.")
    return [name for name in MATCHES if name in value or name == "email"]


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("Send a list of names.")
    names = [clean_text(name, limit=40) for item in value for name in item.split(",")]
    chosen = list(dict.fromkeys(name for name in names if name))
    if len(chosen) > MOST_TAGS:
        raise ValueError(f"Choose at most {MOST_TAGS} tags.")
    return chosen


def _defaults(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(text, str) for key, text in value.items()
    ):
        raise ValueError('Send {"field": "value"}.')
    fillable = targets.known() - {"", targets.NEW_FIELD, targets.ID, targets.EXTERNAL, "email"}
    if unknown := sorted(set(value) - fillable):
        raise ValueError(f"“{unknown[0][:40]}” cannot be filled in for every row.")
    return {key: clean_text(text, limit=1000) for key, text in value.items() if text.strip()}


def _country(value: Any) -> str:
    code = str(value or "").upper()
    if code and code not in dict(countries()):
        raise ValueError(f"“{code[:10]}” is no country. Use a code of two letters, such as NL.")
    return code


def _basis(value: Any) -> str:
    if value not in {"consent", "contract", "legitimate_interest"}:
        raise ValueError("Choose one of consent, contract, legitimate_interest.")
    return str(value)


def _owner(value: Any) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("Choose a colleague.")
    known = User.objects.filter(is_active=True)
    by = {"pk": value} if isinstance(value, int) and value < 2**62 else {"public_id": str(value)}
    person = known.filter(**by).first()
    if person is None:
        raise ValueError("There is no such colleague, or the account is switched off.")
    return person.pk


_CHECKS: dict[str, Any] = {
    "existing": _one_of(Existing),
    "create": _flag,
    "match_by": _matches,
    "tags": _tags,
    "defaults": _defaults,
    "country": _country,
    "dates": _one_of(Dates),
    "consent": _text(2000),
    "basis": _basis,
    "funnel": _flag,
    "owner": _one_of(Owner),
    "owner_id": _owner,
    "route_qualified": _flag,
    "clocks": _flag,
    "drips": _flag,
}
