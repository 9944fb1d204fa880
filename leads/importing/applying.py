"""A chunk of rows into leads, in one transaction and a fixed number of statements."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.base import ModelState
from psycopg2.extras import Json, execute_values

from leadcrm.eventlog.actions import publish
from leadcrm.lib.copying import copy_rows
from leadcrm.lib.tokens import new_public_id
from leads.actions import NewActivity, mark_dirty, record_activities, record_consent
from leads.actions.duplicates import look_for_twins
from leads.events import LeadsImported
from leads.importing import writing
from leads.importing.checking import principal_of, rows_of
from leads.importing.cleaning import Plan, Prepared
from leads.importing.judging import Outcome, Verdict, judge, keep_unique
from leads.importing.people import find, next_ids
from leads.models import Activity, Consent, ImportChunk, ImportJob, ImportRow, Lead
from leads.models.attribution import Channel

ROUNDS = 3
# Routing and clocks are asked for lead by lead, so those events carry few.
SLOW_SLICE = 50
TAKEN = "Somebody else brought this address in at the same moment. Import the row again."
SET_ASIDE = (Outcome.DUPLICATE, Outcome.INVALID)


def apply(job: ImportJob, chunk: ImportChunk, plan: Plan, *, at: datetime) -> dict[str, int]:
    """Write what the rows of a chunk say; return how many came to which outcome."""
    lines = (chunk.first_line, chunk.last_line)
    stored = ImportRow.objects.filter(job=job, line__range=lines)
    aside = dict(stored.filter(outcome__in=SET_ASIDE).values_list("line", "outcome"))
    rows = [row for row in rows_of(chunk) if row.line not in aside]
    chunk.companies = []
    verdicts, leads = _judged(job, rows, plan, chunk, at=at)
    _add_tags(verdicts, leads)
    notes = _add_notes(job, verdicts, leads, at=at)
    receipts = _add_consents(job, verdicts, leads, plan, at=at)
    _tell_timelines(job, verdicts, leads, at=at)
    mark_dirty(lead.pk for lead in leads.values())
    look_for_twins(lead.pk for lead in leads.values())
    _store(job, verdicts, leads, notes, receipts)
    _announce(job, [v for v in verdicts if v.outcome == Outcome.CREATED], plan, at=at)
    return dict(Counter(str(v.outcome) for v in verdicts) + Counter(map(str, aside.values())))


def _judged(
    job: ImportJob, rows: list[Prepared], plan: Plan, chunk: ImportChunk, *, at: datetime
) -> tuple[list[Verdict], dict[int, Lead]]:
    """Judge the rows against the present and write their leads; these by line."""
    waiting, verdicts = rows, list[Verdict]()
    leads: dict[int, Lead] = {}
    for _ in range(ROUNDS):
        found = find(waiting, principal_of(job), lock=True)
        judged = [judge(row, found[row.line], plan.options) for row in waiting]
        keep_unique(judged, lock=True)
        fresh = [v for v in judged if v.outcome == Outcome.CREATED]
        made = _create(job, fresh, chunk, at=at)
        leads |= made
        waiting = [v.row for v in fresh if v.row.line not in made]
        lost = {row.line for row in waiting}
        verdicts += [v for v in judged if v.row.line not in lost]
        if not waiting:
            break
    verdicts += [Verdict(row, Outcome.INVALID, TAKEN) for row in waiting]
    updates = [v for v in verdicts if v.outcome == Outcome.UPDATED]
    leads |= _update(updates, chunk, at=at)
    return sorted(verdicts, key=lambda v: v.row.line), leads


# ---- new leads ----


def _create(
    job: ImportJob, verdicts: Sequence[Verdict], chunk: ImportChunk, *, at: datetime
) -> dict[int, Lead]:
    """New leads by line; those whose address somebody else just took are not among them."""
    blank = vars(Lead(source_id=job.source_id, created_at=at, updated_at=at, version=1))
    made = {
        verdict.row.line: _lead(key, verdict.row, blank)
        for key, verdict in zip(next_ids(len(verdicts)), verdicts, strict=True)
    }
    if not made:
        return {}
    wanted = [
        (made[v.row.line].pk, *identifier) for v in verdicts for identifier in _identifiers(v.row)
    ]
    taken = writing.claim_identifiers(wanted)
    if taken:
        writing.run("DELETE FROM leads_leadidentifier WHERE lead_id = ANY(%s)", list(taken))
        made = {line: lead for line, lead in made.items() if lead.pk not in taken}
    leads = list(made.values())
    chunk.companies += writing.link_companies(leads)
    writing.insert(leads)
    writing.add_phones((lead.pk, lead.phone) for lead in leads if lead.phone.startswith("+"))
    _add_touches(job, leads, at=at)
    return made


def _lead(key: int, row: Prepared, blank: dict[str, Any]) -> Lead:
    """A new lead, made from a blank one: a model's own way costs more than all else in Python."""
    lead = Lead.__new__(Lead)
    lead.__dict__ = {
        **blank,
        **row.contact,
        "id": key,
        "public_id": new_public_id(),
        "custom": row.custom,
        "_state": ModelState(),
    }
    return lead


def _identifiers(row: Prepared) -> Iterable[tuple[str, str]]:
    kinds = {"e": "email", "x": "external"}
    return ((kinds[key[0]], key[2:]) for key in row.keys if key[0] in kinds)


def _add_touches(job: ImportJob, leads: Sequence[Lead], *, at: datetime) -> None:
    channel = job.source.channel if job.source else Channel.IMPORT
    writing.run(
        """
        INSERT INTO leads_touch (lead_id, channel, utm_source, utm_medium, utm_campaign, utm_term,
          utm_content, click_ids, referrer, landing_page, occurred_at)
        SELECT unnest(%s::bigint[]), %s, '', '', '', '', '', '{}', '', '', %s
        """,
        [lead.pk for lead in leads],
        channel,
        at,
    )


# ---- known leads ----


def _update(verdicts: Sequence[Verdict], chunk: ImportChunk, *, at: datetime) -> dict[int, Lead]:
    """Write what changes; a new address that another lead has is left out and told."""
    verdicts = [v for v in verdicts if v.known]
    _claim_for_known(verdicts)
    leads = {v.row.line: v.known.lead for v in verdicts if v.known}
    changes: dict[Lead, dict[str, Any]] = {}
    for verdict in verdicts:
        lead = leads[verdict.row.line]
        values = dict(verdict.changes)
        if lead.deleted_at is not None:
            values["deleted_at"] = None
        if values:
            changes[lead] = values
    chunk.companies += _relink(changes)
    for verdict in verdicts:
        lead = leads[verdict.row.line]
        verdict.before = {name: getattr(lead, name) for name in changes.get(lead, {})}
    writing.update(changes, at=at)
    return leads


def _claim_for_known(verdicts: Sequence[Verdict]) -> None:
    wanted = []
    for verdict in verdicts:
        if "email" in verdict.changes:
            addresses = [key[2:] for key in verdict.row.keys if key.startswith("e:")]
            wanted += [(verdict.lead_id or 0, "email", address) for address in addresses[:1]]
        if verdict.external:
            wanted.append((verdict.lead_id or 0, "external", verdict.external))
    taken = writing.claim_identifiers(wanted)
    for verdict in verdicts:
        if verdict.lead_id in taken and "email" in verdict.changes:
            own = (
                {v.value for v in verdict.known.lead.identifiers.all()} if verdict.known else set()
            )
            if not any(key[2:] in own for key in verdict.row.keys if key.startswith("e:")):
                del verdict.changes["email"]
                verdict.reason = "The e-mail address belongs to another lead and was left out."
    writing.add_phones(
        (v.lead_id or 0, v.changes["phone"])
        for v in verdicts
        if str(v.changes.get("phone", "")).startswith("+")
    )


def _relink(changes: dict[Lead, dict[str, Any]]) -> list[int]:
    """Find the company again where its name or site changed; return those that are new."""
    moved = [
        lead
        for lead, values in changes.items()
        if values.keys() & {"company_name", "website"}
        or (lead.company_id is None and "email" in values)
    ]
    if not moved:
        return []
    ghosts = []
    for lead in moved:
        values = changes[lead]
        part = {
            name: values.get(name, getattr(lead, name))
            for name in ("company_name", "website", "email", "industry", "country", "city")
        }
        ghosts.append(Lead(pk=lead.pk, company_size=lead.company_size, **part))
    new = writing.link_companies(ghosts)
    for lead, ghost in zip(moved, ghosts, strict=True):
        if ghost.company_id != lead.company_id:
            changes[lead]["company_id"] = ghost.company_id
    return new


def _storable(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


# ---- what goes beside a lead ----


def _add_tags(verdicts: Sequence[Verdict], leads: dict[int, Lead]) -> None:
    tagged = [v for v in verdicts if v.tags and v.row.line in leads]
    ids = writing.tag_ids(name for verdict in tagged for name in verdict.tags)
    writing.add_tags(
        (leads[v.row.line].pk, ids[name.casefold()])
        for v in tagged
        for name in v.tags
        if name.casefold() in ids
    )


def _add_notes(
    job: ImportJob, verdicts: Sequence[Verdict], leads: dict[int, Lead], *, at: datetime
) -> dict[int, int]:
    """Notes by line, on the timeline too."""
    noted = [v for v in verdicts if v.note and v.row.line in leads]
    rows = [(v.row.line, leads[v.row.line].pk, v.note, job.user_id, at) for v in noted]
    if not rows:
        return {}
    with connection.cursor() as cursor:
        written = execute_values(
            cursor.cursor,
            """
            WITH input (line, lead_id, body, author_id, at) AS (VALUES %s),
            numbered AS (
              SELECT nextval(pg_get_serial_sequence('leads_note', 'id')) AS id, input.* FROM input),
            written AS (
              INSERT INTO leads_note (id, lead_id, author_id, body, created_at)
              OVERRIDING SYSTEM VALUE SELECT id, lead_id, author_id, body, at FROM numbered)
            SELECT line, id FROM numbered
            """,
            rows,
            template="(%s::int, %s::bigint, %s, %s::bigint, %s::timestamptz)",
            page_size=len(rows),
            fetch=True,
        )
    notes: dict[int, int] = dict(written)
    record_activities(
        [
            NewActivity(
                lead_id=leads[v.row.line].pk,
                type="note_added",
                occurred_at=at,
                user_id=job.user_id,
                properties={"note": notes[v.row.line], "text": v.note},
                dedupe_key=f"import:{job.pk}:{v.row.line}:note",
            )
            for v in noted
        ]
    )
    return notes


def _add_consents(
    job: ImportJob, verdicts: Sequence[Verdict], leads: dict[int, Lead], plan: Plan, *, at: datetime
) -> dict[int, int]:
    """Receipts by line. Withdrawals go through the door that stops running mail at once."""
    source, receipts = f"import:{job.public_id}", dict[int, int]()
    said = [v for v in verdicts if v.consent is not None and v.row.line in leads]
    for verdict in (v for v in said if v.consent is False):
        receipt = record_consent(
            leads[verdict.row.line].pk,
            Consent.Purpose.MARKETING_EMAIL,
            granted=False,
            at=at,
            source=source,
        )
        receipts[verdict.row.line] = receipt.pk
    wording = plan.options.consent
    hashed = hashlib.sha256(wording.encode()).hexdigest() if wording else ""
    made = Consent.objects.bulk_create(
        Consent(
            lead_id=leads[v.row.line].pk,
            purpose=Consent.Purpose.MARKETING_EMAIL,
            granted=True,
            basis=plan.options.basis,
            wording=wording,
            wording_hash=hashed,
            source=source,
            at=at,
        )
        for v in said
        if v.consent
    )
    by_lead = {receipt.lead_id: receipt.pk for receipt in made}
    return receipts | {
        v.row.line: by_lead[leads[v.row.line].pk] for v in said if leads[v.row.line].pk in by_lead
    }


def _tell_timelines(
    job: ImportJob, verdicts: Sequence[Verdict], leads: dict[int, Lead], *, at: datetime
) -> None:
    kinds = {Outcome.CREATED: "lead_imported", Outcome.UPDATED: "lead_updated"}
    columns = ("lead_id", "type", "occurred_at", "properties", "category", "klass", "user_id",
               "dedupe_key")  # fmt: skip
    rows = [
        (
            leads[v.row.line].pk,
            kinds[Outcome(v.outcome)],
            at,
            _told(job, v),
            "",
            Activity.Class.HUMAN.value,
            job.user_id,
            f"import:{job.pk}:{v.row.line}",
        )
        for v in verdicts
        if v.row.line in leads
    ]
    copy_rows(Activity._meta.db_table, columns, rows)


def _told(job: ImportJob, verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"title": job.name, "import": job.public_id, "line": verdict.row.line}
    if verdict.changes:
        told["fields"] = [name for name in verdict.changes if name != "deleted_at"]
    return told


# ---- the log ----


def _store(
    job: ImportJob,
    verdicts: Sequence[Verdict],
    leads: dict[int, Lead],
    notes: dict[int, int],
    receipts: dict[int, int],
) -> None:
    tags = writing.tag_ids(name for v in verdicts for name in v.tags)
    rows = []
    for verdict in verdicts:
        line = verdict.row.line
        lead = leads.get(line)
        lead_id = lead.pk if lead else verdict.lead_id
        log = _log(verdict, lead, tags) if lead else {}
        if line in notes:
            log["note"] = notes[line]
        if line in receipts:
            log["consent"] = receipts[line]
        rows.append((job.pk, line, str(verdict.outcome), lead_id, verdict.reason, Json(log)))
    if not rows:
        return
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "UPDATE leads_importrow AS r SET outcome = v.outcome, lead_id = v.lead_id, "
            "reason = v.reason, log = v.log "
            "FROM (VALUES %s) AS v (job_id, line, outcome, lead_id, reason, log) "
            "WHERE r.job_id = v.job_id AND r.line = v.line",
            rows,
            template="(%s::bigint, %s::int, %s, %s::bigint, %s, %s::jsonb)",
            page_size=len(rows),
        )


def _log(verdict: Verdict, lead: Lead, tags: dict[str, int]) -> dict[str, Any]:
    """What an undo and the upper floors need to know."""
    if verdict.outcome == Outcome.CREATED:
        wishes = {"owner": verdict.row.owner, "stage": verdict.row.stage}
        return {name: value for name, value in wishes.items() if value is not None}
    log: dict[str, Any] = {
        "before": _storable(verdict.before),
        "after": _storable({name: getattr(lead, name) for name in verdict.before}),
        "tags": [tags[name.casefold()] for name in verdict.tags if name.casefold() in tags],
        "external": verdict.external,
    }
    return {name: value for name, value in log.items() if value}


def _announce(job: ImportJob, created: Sequence[Verdict], plan: Plan, *, at: datetime) -> None:
    """One event for many leads: the upper floors take them up in bulk."""
    options = plan.options
    slow = options.clocks or options.owner == "route"
    size = SLOW_SLICE if slow else max(len(created), 1)
    for start in range(0, len(created), size):
        part = created[start : start + size]
        publish(
            LeadsImported(
                import_id=job.pk,
                first_line=part[0].row.line,
                last_line=part[-1].row.line,
            ),
            at=at,
            actor=job.user,
            channel="import",
        )
