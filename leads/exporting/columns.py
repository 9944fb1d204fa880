"""One line for each lead. What an import understands comes first, what LeadCRM works out last."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
WORKED_OUT = (
    "Stage", "Owner", "Source", "Lifecycle", "Status", "Score", "Temperature", "Created",
    "Last activity",
)  # fmt: skip
Line = list[str | int]


def exported() -> list[FieldDefinition]:
    """Custom fields that may leave the house."""
    return [definition for definition in fields.definitions() if not definition.is_sensitive]


def headings(custom: Sequence[FieldDefinition] | None = None) -> list[str]:
    labels = [definition.label for definition in (exported() if custom is None else custom)]
    return ["Id", *CONTACT, "Staff", "Tags", "Marketing consent", *labels, *WORKED_OUT]


def lines(leads: LeadQuerySet) -> Iterator[Line]:
    """Newest first, read in batches so that memory stays flat, each batch by its place.

    No cursor is held open on the server: one would need a transaction for as long as the reader
    takes, and a pooler that keeps its session.
    """
    rows = leads.select_related("source", "stage", "owner", "score_row")
    custom = exported()
    cursor: str | None = None
    while True:
        page = keyset_page(rows, ordering=["-created_at", "-pk"], size=BATCH, cursor=cursor)
        ids = [lead.pk for lead in page]
        tags, consents = _tags(ids), _consents(ids)
        for lead in page:
            yield _line(lead, custom, tags.get(lead.pk, ()), consents.get(lead.pk))
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


def _line(
    lead: Lead,
    custom: Sequence[FieldDefinition],
    tags: Sequence[str],
    consent: bool | None,  # noqa: FBT001
) -> Line:
    score = lead.score_row
    last = score.last_activity_at
    texts = [
        *(getattr(lead, name) for name in CONTACT.values()),
        "" if lead.company_size is None else str(lead.company_size),
        ", ".join(tags),
        {True: "yes", False: "no", None: ""}[consent],
        *(written(definition, lead.custom.get(definition.key)) for definition in custom),
        lead.stage.name if lead.stage else "",
        str(lead.owner) if lead.owner else "",
        lead.source.name if lead.source else "",
        lead.lifecycle,
        lead.status,
    ]
    return [
        lead.public_id,
        *map(guarded, texts),
        score.score,
        score.temperature,
        lead.created_at.isoformat(timespec="seconds"),
        last.isoformat(timespec="seconds") if last else "",
    ]


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
