"""Who the rows are about: the leads that own their identifiers, found in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F

from leadcrm.accounts.access import reach_of
from leads.importing.cleaning import Prepared
from leads.models import Consent, Lead, LeadIdentifier, LeadTag, Note

KINDS = {"e": "email", "x": "external", "p": "phone"}
MOST_MERGES = 20


@dataclass(slots=True)
class Known:
    """A lead with what an import may add to."""

    lead: Lead
    tags: set[str] = field(default_factory=set)  # in small letters
    consent: bool | None = None
    notes: set[str] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Found:
    """The lead a row is about, if there is one; with a `problem` it cannot be told."""

    known: Known | None = None
    problem: str = ""


def find(rows: Sequence[Prepared], principal: Any, *, lock: bool = False) -> dict[int, Found]:
    """By line: whom each row is about, as far as `principal` may know."""
    owners = _owners({key for row in rows for key in row.keys})
    ids = {lead_id for leads in owners.values() for lead_id in leads}
    known = _known(ids, rows, lock=lock)
    hidden = _hidden(known, principal)
    return {row.line: _found(row, owners, known, hidden) for row in rows}


def _found(
    row: Prepared, owners: dict[str, set[int]], known: dict[int, Known], hidden: set[int]
) -> Found:
    """Our own id decides, then the external id, the address and last the phone number."""
    candidates = {key: owners[key] & known.keys() for key in row.keys if key in owners}
    chosen: int | None = None
    for kind in "ixep":
        leads = set().union(*(ids for key, ids in candidates.items() if key[0] == kind))
        if not leads or (kind == "p" and chosen is not None):
            continue
        if len(leads) > 1:
            if chosen is None:
                return Found(problem=_SEVERAL)
            continue
        (lead_id,) = leads
        if chosen is None:
            chosen = lead_id
        elif lead_id != chosen:
            return Found(problem=_two_people(known[chosen].lead, known[lead_id].lead, hidden))
    if chosen is None:
        return Found()
    return Found(problem=_HIDDEN) if chosen in hidden else Found(known[chosen])


_SEVERAL = "Several leads have this phone number. Add an e-mail address, or do not match by phone."
_HIDDEN = "This person is a lead that you may not see. Ask an administrator to import the row."


def _two_people(one: Lead, other: Lead, hidden: set[int]) -> str:
    if {one.pk, other.pk} & hidden:
        return _HIDDEN
    return (
        f"The e-mail address and the id belong to two leads, {one.name} and {other.name}. "
        "Merge them first, or take one of the two out."
    )[:500]


def _owners(keys: Iterable[str]) -> dict[str, set[int]]:
    """Leads by key; of merged ones those that are left."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_kind[key[0]].append(key[2:])
    found: dict[str, set[int]] = defaultdict(set)
    for letter, kind in KINDS.items():
        if values := by_kind.get(letter):
            rows = LeadIdentifier.objects.filter(kind=kind, value__in=values)
            for value, lead_id in rows.values_list("value", "lead_id"):
                found[f"{letter}:{value}"].add(lead_id)
    if values := by_kind.get("i"):
        for value, lead_id in Lead.objects.filter(public_id__in=values).values_list(
            "public_id", "pk"
        ):
            found[f"i:{value}"].add(lead_id)
    survivors = _survivors({lead_id for ids in found.values() for lead_id in ids})
    return {key: {survivors.get(pk, pk) for pk in ids} for key, ids in found.items()}


def _survivors(ids: set[int]) -> dict[int, int]:
    """What merged leads were merged into, to the end of the chain."""
    found: dict[int, int] = {}
    current = {pk: pk for pk in ids}
    for _ in range(MOST_MERGES):
        merged = Lead.objects.filter(pk__in=set(current.values()), merged_into__isnull=False)
        into = dict(merged.values_list("pk", "merged_into_id"))
        if not into:
            break
        current = {pk: into.get(now, now) for pk, now in current.items()}
    found.update((pk, now) for pk, now in current.items() if pk != now)
    return found


def _known(ids: set[int], rows: Sequence[Prepared], *, lock: bool) -> dict[int, Known]:
    if not ids:
        return {}
    leads = Lead.objects.filter(pk__in=ids, merged_into=None).order_by("pk")
    if lock:
        leads = leads.select_for_update(of=("self",), no_key=True)
    known = {lead.pk: Known(lead) for lead in leads.defer("search_text")}
    if any(row.tags for row in rows):
        tags = LeadTag.objects.filter(lead_id__in=known).values_list("lead_id", "tag__name")
        for lead_id, name in tags:
            known[lead_id].tags.add(name.casefold())
    for lead_id, granted in _consents(list(known)):
        known[lead_id].consent = granted
    if bodies := {row.note for row in rows if row.note}:
        notes = Note.objects.filter(lead_id__in=known, body__in=bodies)
        for lead_id, body in notes.values_list("lead_id", "body"):
            known[lead_id].notes.add(body)
    external = LeadIdentifier.objects.filter(lead_id__in=known, kind=LeadIdentifier.Kind.EXTERNAL)
    for lead_id, value in external.values_list("lead_id", "value"):
        known[lead_id].externals.add(value)
    return known


def _consents(ids: list[int]) -> list[tuple[int, bool]]:
    """The newest word of each on marketing mail."""
    newest = (
        Consent.objects.filter(lead_id__in=ids, purpose=Consent.Purpose.MARKETING_EMAIL)
        .order_by("lead_id", F("at").desc(), "-pk")
        .distinct("lead_id")
    )
    return list(newest.values_list("lead_id", "granted"))


def _hidden(known: dict[int, Known], principal: Any) -> set[int]:
    if not known or reach_of(principal).everything:
        return set()
    seen = Lead.objects.visible_to(principal).filter(pk__in=known).values_list("pk", flat=True)
    return set(known) - set(seen)


def next_ids(count: int) -> list[int]:
    """Keys for new leads, before they are written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('leads_lead', 'id')) "
            "FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]
