"""Many leads written at once: columns, identifiers, companies, tags, notes and receipts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from leadcrm.lib import normalise
from leadcrm.lib.copying import copy_rows
from leadcrm.lib.tokens import new_public_id
from leads.actions.leads import company_domain
from leads.freemail import is_free_provider
from leads.models import Company, Lead, Tag

ARRAY_TYPES = {"company_size": "int", "custom": "jsonb", "company_id": "bigint"}
COMPANY_LOCK = 7_203_115  # of the transaction that makes companies known by name alone


def insert(leads: Sequence[Lead]) -> None:
    """COPY new leads with their score rows; their keys are known already."""
    fields = [f for f in Lead._meta.concrete_fields if not f.generated]
    columns = [str(field.column) for field in fields]
    names = [field.attname for field in fields]
    copy_rows(
        Lead._meta.db_table, columns, ([getattr(lead, name) for name in names] for lead in leads)
    )
    run(
        "INSERT INTO leads_leadscore (lead_id) SELECT unnest(%s::bigint[])",
        [lead.pk for lead in leads],
    )


def update(changes: Mapping[Lead, Mapping[str, Any]], *, at: datetime) -> None:
    """Write changed columns of locked leads in one statement; the leads know them too."""
    names = sorted({name for values in changes.values() for name in values})
    if not names:
        return
    for lead, values in changes.items():
        for name, value in values.items():
            setattr(lead, name, value)
    leads = sorted(changes, key=lambda lead: lead.pk)
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(name)} = v.{quote(name)}" for name in names)
    rows = [[lead.pk, *(_plain(getattr(lead, name)) for name in names)] for lead in leads]
    template = "(%s::bigint, " + ", ".join(f"%s::{_type_of(name)}" for name in names) + ")"
    columns = ", ".join(map(quote, names))
    with connection.cursor() as cursor:
        moment = cursor.cursor.mogrify("%s::timestamptz", [at]).decode()
        execute_values(
            cursor.cursor,
            # Only names of our own columns are pasted in.
            f"UPDATE leads_lead AS l SET {assigned}, version = l.version + 1, "  # noqa: S608
            f"updated_at = {moment} FROM (VALUES %s) AS v (id, {columns}) WHERE l.id = v.id",
            rows,
            template=template,
            page_size=len(rows),
        )


def _type_of(name: str) -> str:
    if name.endswith("_at"):
        return "timestamptz"
    return ARRAY_TYPES.get(name, "text")


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def run(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def claim_identifiers(wanted: Iterable[tuple[int, str, str]]) -> set[int]:
    """Give leads their addresses and external ids; return the leads of which one was taken.

    In the order of values, so that two imports cannot wait for each other.
    """
    rows = sorted(set(wanted), key=lambda row: (row[1], row[2]))
    if not rows:
        return set()
    with connection.cursor() as cursor:
        written = execute_values(
            cursor.cursor,
            "INSERT INTO leads_leadidentifier (lead_id, kind, value) VALUES %s "
            "ON CONFLICT DO NOTHING RETURNING lead_id, kind, value",
            rows,
            page_size=len(rows),
            fetch=True,
        )
    return {row[0] for row in set(rows) - set(written)}


def add_phones(numbers: Iterable[tuple[int, str]]) -> None:
    rows = list(numbers)
    run(
        """
        INSERT INTO leads_leadidentifier (lead_id, kind, value)
        SELECT lead_id, 'phone', value FROM unnest(%s::bigint[], %s::text[]) AS v (lead_id, value)
        WHERE NOT EXISTS (SELECT FROM leads_leadidentifier i
          WHERE i.kind = 'phone' AND i.value = v.value AND i.lead_id = v.lead_id)
        """,
        [row[0] for row in rows],
        [row[1] for row in rows],
    )


# ---- companies ----


def link_companies(leads: Sequence[Lead]) -> list[int]:
    """Set `company_id` by web domain, else by exact name; return the companies that are new.

    As `find_company` does for one lead.
    """
    domains = {lead.pk: _domain_of(lead) for lead in leads}
    by_domain = _by_domain({domain for domain in domains.values() if domain})
    named = [lead for lead in leads if lead.company_name and domains[lead.pk] not in by_domain]
    by_name = _by_name({lead.company_name.lower() for lead in named})
    fresh: dict[tuple[str, str], Lead] = {}
    for lead in leads:
        domain, name = domains[lead.pk], lead.company_name.lower()
        found = by_domain.get(domain) if domain else None
        if found is None and name:
            found = by_name.get((name, domain)) or by_name.get((name, ""))
        lead.company_id = found
        if found is None and name:
            fresh.setdefault((domain, "" if domain else name), lead)
    new: list[int] = []
    if fresh:
        made = _make_companies(fresh, new)
        for lead in leads:
            domain = domains[lead.pk]
            if lead.company_id is None and lead.company_name:
                lead.company_id = made.get((domain, "" if domain else lead.company_name.lower()))
    return new


def _domain_of(lead: Lead) -> str:
    """As `company_domain`, without looking closely at addresses that were looked at before."""
    if lead.website or not lead.email.isascii():
        return company_domain(lead)
    domain = lead.email.rpartition("@")[2].lower()
    return "" if is_free_provider(domain) else domain


def _by_domain(domains: set[str]) -> dict[str, int]:
    return dict(Company.objects.filter(domain__in=domains).values_list("domain", "pk"))


def _by_name(names: set[str]) -> dict[tuple[str, str], int]:
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lower(name), domain, min(id) FROM leads_company "
            "WHERE lower(name) = ANY(%s) GROUP BY 1, 2",
            [list(names)],
        )
        return {(name, domain): key for name, domain, key in cursor.fetchall()}


def _make_companies(
    fresh: Mapping[tuple[str, str], Lead], new: list[int]
) -> dict[tuple[str, str], int]:
    """Their keys; those of companies that were not there are added to `new`.

    A name has no constraint, so only one import at a time makes companies known by it."""
    unnamed = {name for domain, name in fresh if not domain}
    found: dict[tuple[str, str], int] = {}
    if unnamed:
        run("SELECT pg_advisory_xact_lock(%s)", COMPANY_LOCK)
        there = _by_name(unnamed)
        found = {("", name): there[name, ""] for name in unnamed if (name, "") in there}
    rows = [
        (new_public_id(), lead.company_name, domain, lead.industry, lead.company_size,
         lead.country, lead.city)
        for (domain, name), lead in sorted(fresh.items(), key=lambda item: item[0])
        if (domain, name) not in found
    ]  # fmt: skip
    with connection.cursor() as cursor:
        made = execute_values(
            cursor.cursor,
            "INSERT INTO leads_company (public_id, name, domain, industry, size, country, city) "
            "VALUES %s ON CONFLICT (domain) WHERE NOT domain = '' DO NOTHING "
            "RETURNING domain, name, id",
            rows,
            template="(%s, %s, %s, %s, %s::int, %s, %s)",
            page_size=max(len(rows), 1),
            fetch=True,
        )
    new += [key for *_, key in made]
    found |= {(domain, "" if domain else name.lower()): key for domain, name, key in made}
    if missing := {domain for domain, _ in fresh if domain and (domain, "") not in found}:
        found |= {(domain, ""): key for domain, key in _by_domain(missing).items()}
    return found


# ---- tags ----


def tag_ids(names: Iterable[str]) -> dict[str, int]:
    """The tags of these names by their small letters; made where there are none."""
    wanted = {name.casefold(): name for name in names}
    if not wanted:
        return {}
    found = _tags(wanted)
    missing = sorted(set(wanted) - set(found))
    if missing:
        Tag.objects.bulk_create(
            [Tag(name=normalise.clean_text(wanted[low], limit=40)) for low in missing],
            ignore_conflicts=True,
        )
        found = _tags(wanted)
    return found


def _tags(wanted: Mapping[str, str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, id FROM leads_tag WHERE lower(name) IN "
            "(SELECT lower(x) FROM unnest(%s::text[]) AS x)",
            [list(wanted.values())],
        )
        return {name.casefold(): key for name, key in cursor.fetchall()}


def add_tags(pairs: Iterable[tuple[int, int]]) -> None:
    rows = sorted(set(pairs))
    run(
        "INSERT INTO leads_leadtag (lead_id, tag_id) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING",
        [row[0] for row in rows],
        [row[1] for row in rows],
    )
