"""One line for each lead. What an import understands comes first, what LeadCRM works out last."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import keyset_page
from leads import fields
from leads.models import Consent, FieldDefinition, Lead, LeadTag
from leads.models.lead import LeadQuerySet
from leads.spreadsheets import guarded

BATCH = 1000
CONTACT = {
    "First name": "first_name",
    "Last name": "last_name",
    "E-mail": "email",
    "Phone": "phone",
    "Job title": "job_title",
    "Company": "company_name",
    "Website": "website",
    "Country": "country",
    "Region": "region",
    "City": "city",
    "Language": "language",
    "Time zone": "time_zone",
    "Industry": "industry",
}
Line = list[str | int]


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the leads of one batch."""

    tags: Mapping[int, Sequence[str]]
    consents: Mapping[int, bool]


Cell = Callable[[Lead, Beside], str | int]


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names it for good; a text is guarded against being run as a formula."""

    key: str
    heading: str
    cell: Cell

    def of(self, lead: Lead, beside: Beside) -> str | int:
        value = self.cell(lead, beside)
        return guarded(value) if isinstance(value, str) and self.key not in PLAIN else value


PLAIN = frozenset({"id", "temperature", "created", "last_activity"})  # ours, and no formulas
SAID = {True: "yes", False: "no", None: ""}


def _field(name: str) -> Cell:
    return lambda lead, _: str(getattr(lead, name))


def _own(definition: FieldDefinition) -> Cell:
    return lambda lead, _: written(definition, lead.custom.get(definition.key))


def _size(lead: Lead, _: Beside) -> str:
    return "" if lead.company_size is None else str(lead.company_size)


def _last_activity(lead: Lead, _: Beside) -> str:
    last = lead.score_row.last_activity_at
    return last.isoformat(timespec="seconds") if last else ""


def available() -> dict[str, Column]:
    """Every column there is today, by key, in the order of a whole export."""
    columns = [
        Column("id", "Id", lambda lead, _: lead.public_id),
        *(Column(name, heading, _field(name)) for heading, name in CONTACT.items()),
        Column("company_size", "Staff", _size),
        Column("tags", "Tags", lambda lead, beside: ", ".join(beside.tags.get(lead.pk, ()))),
        Column(
            "consent",
            "Marketing consent",
            lambda lead, beside: SAID[beside.consents.get(lead.pk)],
        ),
        *(Column(each.name, each.label, _own(each)) for each in exported()),
        Column("stage", "Stage", lambda lead, _: lead.stage.name if lead.stage else ""),
        Column("owner", "Owner", lambda lead, _: str(lead.owner) if lead.owner else ""),
        Column("source", "Source", lambda lead, _: lead.source.name if lead.source else ""),
        Column("lifecycle", "Lifecycle", lambda lead, _: lead.lifecycle),
        Column("status", "Status", lambda lead, _: lead.status),
        Column("score", "Score", lambda lead, _: lead.score_row.score),
        Column("temperature", "Temperature", lambda lead, _: lead.score_row.temperature),
        Column("created", "Created", lambda lead, _: lead.created_at.isoformat(timespec="seconds")),
        Column("last_activity", "Last activity", _last_activity),
    ]
    return {column.key: column for column in columns}


def chosen(keys: Sequence[str] = ()) -> list[Column]:
    """The columns of these keys that there still are; all, where none is named or left."""
    known = available()
    return [known[key] for key in dict.fromkeys(keys) if key in known] or list(known.values())


def check(keys: Sequence[str]) -> Sequence[str]:
    """:raises Invalid: there is no such column."""
    known = available()
    if unknown := next((key for key in keys if key not in known), None):
        message = f"There is no column “{unknown[:60]}”. Choose from: {', '.join(known)}."
        raise Invalid.field("columns", message, "unknown")
    return keys


def exported() -> list[FieldDefinition]:
    """Custom fields that may leave the house."""
    return [definition for definition in fields.definitions() if not definition.is_sensitive]


def headings(keys: Sequence[str] = ()) -> list[str]:
    return [column.heading for column in chosen(keys)]


def lines(leads: LeadQuerySet, keys: Sequence[str] = ()) -> Iterator[Line]:
    """Newest first, read in batches so that memory stays flat, each batch by its place.

    No cursor is held open on the server: one would need a transaction for as long as the reader
    takes, and a pooler that keeps its session.
    """
    rows = leads.select_related("source", "stage", "owner", "score_row")
    columns = chosen(keys)
    wanted = {column.key for column in columns}
    cursor: str | None = None
    while True:
        page = keyset_page(rows, ordering=["-created_at", "-pk"], size=BATCH, cursor=cursor)
        ids = [lead.pk for lead in page]
        beside = Beside(
            _tags(ids) if "tags" in wanted else {},
            _consents(ids) if "consent" in wanted else {},
        )
        for lead in page:
            yield [column.of(lead, beside) for column in columns]
        if page.next is None:
            return
        cursor = page.next


def _tags(ids: Sequence[int]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = LeadTag.objects.filter(lead_id__in=ids).order_by("tag__name")
    for lead_id, name in rows.values_list("lead_id", "tag__name"):
        found[lead_id].append(name)
    return found


def _consents(ids: Sequence[int]) -> dict[int, bool]:
    newest = (
        Consent.objects.filter(lead_id__in=ids, purpose=Consent.Purpose.MARKETING_EMAIL)
        .order_by("lead_id", "-at", "-pk")
        .distinct("lead_id")
    )
    return dict(newest.values_list("lead_id", "granted"))


def written(definition: FieldDefinition, value: Any) -> str:
    """A custom value as an import reads it again: labels of options, plain numbers and days."""
    if value in (None, "", []):
        return ""
    labels = dict(definition.choices)
    if isinstance(value, list):
        several = [str(labels.get(item, item)) for item in value]
        plain = not any(sign in label for label in several for sign in ";|,\n")
        return "; ".join(several if plain else map(str, value))
    if isinstance(value, Mapping) and {"amount", "currency"} <= value.keys():
        return f"{value['currency']} {value['amount']}"
    return str(labels.get(value, value)) if definition.has_options else fields.plain(value)
