"""Taking an import back, row by row, from its log; what people did since stays and is told.

A new lead that nobody worked with goes; a changed value returns to what it was unless it was
changed again. Run twice it changes nothing the second time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime
from psycopg2.extras import execute_values

from leadcrm.eventlog.actions import publish
from leadcrm.lib import normalise
from leads.actions import NewActivity, mark_dirty, record_activities
from leads.activity_types import SCORED
from leads.events import ImportUndone
from leads.importing import writing
from leads.models import (
    Activity,
    Company,
    Consent,
    ImportChunk,
    ImportJob,
    ImportRow,
    Lead,
    LeadIdentifier,
    LeadTag,
    Note,
)

Outcome, Undone = ImportRow.Outcome, ImportRow.Undone
WORKED_WITH = "Kept: somebody has worked with this lead, or heard from it, since."
GONE = "The lead was deleted or merged since."


def undo(job: ImportJob, chunk: ImportChunk, *, at: datetime) -> dict[str, int]:
    """Take back one chunk; return how many rows are undone, kept or partly so."""
    lines = (chunk.first_line, chunk.last_line)
    rows = list(
        ImportRow.objects.filter(
            job=job,
            line__range=lines,
            undone=Undone.NO,
            outcome__in=[Outcome.CREATED, Outcome.UPDATED],
        ).order_by("line")
    )
    leads = _locked(rows)
    results = _take_away([r for r in rows if r.outcome == Outcome.CREATED], leads, job, at=at)
    results |= _put_back([r for r in rows if r.outcome == Outcome.UPDATED], leads, job, at=at)
    _store(job, results)
    publish(
        ImportUndone(import_id=job.pk, first_line=lines[0], last_line=lines[1]),
        at=at,
        actor=job.user,
        channel="import",
    )
    return dict(Counter(str(undone) for undone, _ in results.values()))


def _locked(rows: Sequence[ImportRow]) -> dict[int, Lead]:
    leads = (
        Lead.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in={row.lead_id for row in rows}, merged_into=None)
        .order_by("pk")
    )
    return {lead.pk: lead for lead in leads}


Results = dict[int, tuple[str, str]]


def _take_away(
    rows: Sequence[ImportRow], leads: Mapping[int, Lead], job: ImportJob, *, at: datetime
) -> Results:
    """Remove leads that the import made, and let their addresses go."""
    there = {
        row.lead_id for row in rows if (lead := leads.get(row.lead_id or 0)) and not lead.deleted_at
    }
    busy = _worked_with([pk for pk in there if pk], leads, job)
    going = sorted(pk for pk in there if pk and pk not in busy)
    Lead.objects.filter(pk__in=going).update(deleted_at=at, updated_at=at)
    LeadIdentifier.objects.filter(lead_id__in=going).delete()
    results: Results = {}
    for row in rows:
        if row.lead_id in busy:
            results[row.line] = Undone.KEPT, WORKED_WITH
        else:
            results[row.line] = Undone.UNDONE, "" if row.lead_id in there else GONE
    return results


def _worked_with(ids: list[int], leads: Mapping[int, Lead], job: ImportJob) -> set[int]:
    changed = {pk for pk in ids if leads[pk].version > 1}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT lead_id FROM leads_activity WHERE lead_id = ANY(%(ids)s)
              AND (user_id IS NOT NULL OR type = ANY(%(scored)s))
              AND coalesce(dedupe_key, '') NOT LIKE %(own)s
            UNION SELECT lead_id FROM leads_inquiry WHERE lead_id = ANY(%(ids)s)
            """,
            {"ids": ids, "scored": sorted(SCORED), "own": f"import:{job.pk}:%"},
        )
        return changed | {row[0] for row in cursor.fetchall()}


def _put_back(
    rows: Sequence[ImportRow], leads: Mapping[int, Lead], job: ImportJob, *, at: datetime
) -> Results:
    """Return changed values to what they were, where nobody changed them again."""
    results: Results = {}
    changes: dict[Lead, dict[str, Any]] = {}
    for row in rows:
        lead = leads.get(row.lead_id or 0)
        if lead is None:
            results[row.line] = Undone.KEPT, GONE
            continue
        values, kept = _old_values(lead, row.log)
        results[row.line] = _result(values, kept, row)
        if values:
            changes[lead] = values
    _move_addresses(changes)
    writing.update(changes, at=at)
    standing = [row for row in rows if row.lead_id in leads]
    _drop_additions(standing, job, at=at)
    record_activities(
        [
            NewActivity(
                lead_id=row.lead_id or 0,
                type="lead_updated",
                occurred_at=at,
                properties={"title": f"{job.name}, undone", "fields": list(row.log["before"])},
                dedupe_key=f"import:{job.pk}:{row.line}:undone",
            )
            for row in standing
            if row.log.get("before")
        ]
    )
    mark_dirty(row.lead_id for row in standing if row.lead_id)
    return results


def _result(values: Mapping[str, Any], kept: Sequence[str], row: ImportRow) -> tuple[str, str]:
    if not kept:
        return Undone.UNDONE, ""
    names = ", ".join(name.replace("_", " ") for name in kept)
    undone = bool(values or row.log.get("tags") or row.log.get("note"))
    return (Undone.PARTLY if undone else Undone.KEPT), f"Kept: {names}, changed since."


def _old_values(lead: Lead, log: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values to write back, and the names of those that somebody changed since."""
    values: dict[str, Any] = {}
    kept: list[str] = []
    after = log.get("after", {})
    for name, old in log.get("before", {}).items():
        if name == "custom":
            custom, stays = _old_custom(lead.custom, old, after.get("custom", {}))
            kept += stays
            if custom != lead.custom:
                values["custom"] = custom
            continue
        new, present = after.get(name), getattr(lead, name)
        if name == "deleted_at":
            values[name] = parse_datetime(old)
        elif present == new or (present in ("", None) and new in ("", None)):
            values[name] = "" if old is None and isinstance(present, str) else old
        elif name != "company_id":
            kept.append(name)
    return values, kept


def _old_custom(
    present: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    custom, kept = dict(present), []
    for key in new:
        if old.get(key) == new[key]:
            continue
        if present.get(key) != new[key]:
            kept.append(key)
        elif key in old:
            custom[key] = old[key]
        else:
            custom.pop(key, None)
    return custom, kept


def _move_addresses(changes: Mapping[Lead, Mapping[str, Any]]) -> None:
    """An address or number that goes back takes its identifier along."""
    dropped, claimed, phones = [], [], []
    for lead, values in changes.items():
        if "email" in values:
            if present := normalise.email(lead.email):
                dropped.append((lead.pk, "email", present.canonical))
            if former := normalise.email(values["email"] or ""):
                claimed.append((lead.pk, "email", former.canonical))
        if "phone" in values:
            if lead.phone.startswith("+"):
                dropped.append((lead.pk, "phone", lead.phone))
            if (values["phone"] or "").startswith("+"):
                phones.append((lead.pk, values["phone"]))
    _drop_identifiers(dropped)
    writing.claim_identifiers(claimed)
    writing.add_phones(phones)


def _drop_identifiers(rows: Sequence[tuple[int, str, str]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "DELETE FROM leads_leadidentifier i USING (VALUES %s) AS v (lead_id, kind, value) "
            "WHERE i.lead_id = v.lead_id AND i.kind = v.kind AND i.value = v.value",
            rows,
            page_size=len(rows),
        )


def _drop_additions(rows: Sequence[ImportRow], job: ImportJob, *, at: datetime) -> None:
    """Tags, notes, ids and consent that the import added to leads that were here before."""
    pairs = [(row.lead_id, tag) for row in rows for tag in row.log.get("tags", [])]
    for tag in {tag for _, tag in pairs}:
        LeadTag.objects.filter(
            tag=tag, lead__in=[lead for lead, other in pairs if other == tag]
        ).delete()
    notes = [row.log["note"] for row in rows if row.log.get("note")]
    Note.objects.filter(pk__in=notes, updated_at=None).delete()
    Activity.objects.filter(
        dedupe_key__in=[f"import:{job.pk}:{row.line}:note" for row in rows if row.log.get("note")]
    ).delete()
    _drop_identifiers(
        [
            (row.lead_id or 0, "external", row.log["external"])
            for row in rows
            if "external" in row.log
        ]
    )
    _answer_receipts([row for row in rows if "consent" in row.log], job, at=at)


def _answer_receipts(rows: Iterable[ImportRow], job: ImportJob, *, at: datetime) -> None:
    """Receipts are only ever added to: a new one says the opposite, if none came in between."""
    receipts = Consent.objects.in_bulk([row.log["consent"] for row in rows])
    newer = set(
        Consent.objects.filter(
            lead_id__in=[r.lead_id for r in receipts.values()],
            purpose=Consent.Purpose.MARKETING_EMAIL,
            pk__gt=min(receipts, default=0),
        )
        .exclude(pk__in=receipts)
        .values_list("lead_id", flat=True)
    )
    # A “no” is never taken back by a machine.
    Consent.objects.bulk_create(
        Consent(
            lead_id=receipt.lead_id,
            purpose=receipt.purpose,
            granted=False,
            basis=receipt.basis,
            source=f"import:{job.public_id} undone",
            at=at,
        )
        for receipt in receipts.values()
        if receipt.granted and receipt.lead_id not in newer
    )


def _store(job: ImportJob, results: Results) -> None:
    if not results:
        return
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "UPDATE leads_importrow AS r SET undone = v.undone, reason = "
            "CASE v.reason WHEN '' THEN r.reason ELSE v.reason END "
            "FROM (VALUES %s) AS v (job_id, line, undone, reason) "
            "WHERE r.job_id = v.job_id AND r.line = v.line",
            [(job.pk, line, str(undone), reason) for line, (undone, reason) in results.items()],
            template="(%s::bigint, %s::int, %s, %s)",
            page_size=len(results),
        )


def drop_companies(job: ImportJob) -> int:
    """Take away the companies that the import made and nobody else came to use."""
    made = {
        key
        for keys in ImportChunk.objects.filter(job=job).values_list("companies", flat=True)
        for key in keys
    }
    if not made:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM leads_company c WHERE id = ANY(%s) AND owner_id IS NULL
              AND NOT EXISTS (SELECT FROM leads_lead l
                WHERE l.company_id = c.id AND l.deleted_at IS NULL)
            ORDER BY id FOR UPDATE
            """,
            [sorted(made)],
        )
        unused = [row[0] for row in cursor.fetchall()]
    Lead.objects.filter(company__in=unused).update(company=None)  # they are deleted themselves
    deleted, _ = Company.objects.filter(pk__in=unused).delete()
    return deleted
