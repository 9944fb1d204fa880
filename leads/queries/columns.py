"""The columns that a list of leads can show, and those that somebody chose."""

from collections.abc import Sequence
from dataclasses import dataclass

from leadcrm.accounts.models import User
from leads import fields
from leads.conditions.expressions import UNSORTED
from leads.models import ListColumns

PAGE = "leads"
EXPORT = "export"
PREFIX = "custom."
MOST_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Column:
    """`reads` are fields of the lead besides those that every row has; `sort` may be empty."""

    key: str
    label: str
    sort: str = ""
    reads: tuple[str, ...] = ()
    is_number: bool = False


USUAL = (
    Column("company", "Company"),
    Column("score", "Score", sort="score"),
    Column("temperature", "Temperature"),
    Column("stage", "Stage"),
    Column("reply", "First reply", sort="reply"),
    Column("owner", "Owner"),
    Column("source", "Source"),
    Column("last_activity", "Last activity", sort="last_activity"),
    Column("when", "When", is_number=True),
)
MORE = (
    Column("email", "E-mail"),
    Column("phone", "Phone"),
    Column("job_title", "Title"),
    Column("city", "City", reads=("city",)),
    Column("country", "Country", reads=("country",)),
    Column("industry", "Industry", reads=("industry",)),
    Column("company_size", "Staff", reads=("company_size",), is_number=True),
    Column("lifecycle", "Lifecycle", reads=("lifecycle",)),
    Column("status", "Status", reads=("status",)),
    Column("created", "Created", sort="created", is_number=True),
    Column("next_step", "Next step", is_number=True),
)
DEFAULT = tuple(column.key for column in USUAL)
NUMBERS = frozenset({"number", "integer", "money"})


def available() -> dict[str, Column]:
    """Every column there is today, by key; custom fields that are not sensitive come last."""
    own = [
        Column(
            definition.name,
            definition.label,
            sort="" if definition.type in UNSORTED else definition.name,
            reads=("custom",),
            is_number=definition.type in NUMBERS,
        )
        for definition in fields.definitions()
        if not definition.is_sensitive
    ]
    return {column.key: column for column in (*USUAL, *MORE, *own)}


def columns_of(user: User, asked: str = "") -> list[Column]:
    """What a view asks for, else what this person chose, else the usual ones.

    A column whose field is gone is left out.
    """
    keys: Sequence[str] = [key for key in asked.split(",") if key] or chosen_by(user) or DEFAULT
    known = available()
    return [known[key] for key in dict.fromkeys(keys) if key in known][:MOST_COLUMNS]


def chosen_by(user: User, page: str = PAGE) -> Sequence[str]:
    found = ListColumns.objects.filter(user=user, page=page).values_list("columns", flat=True)
    return list(found.first() or ())
