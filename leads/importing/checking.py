"""The dry run: what each row would do, told before anything is written."""

from collections import Counter

from django.db import connection

from leadcrm.accounts.access import KeyPrincipal
from leadcrm.lib.copying import copy_rows
from leads.importing.cleaning import Plan, Prepared, prepared
from leads.importing.csvfile import Record
from leads.importing.judging import Outcome, Verdict, judge, keep_unique
from leads.importing.packing import pack, unpack
from leads.importing.people import find
from leads.models import ImportChunk, ImportJob, ImportRow

ROW_COLUMNS = (
    "job_id", "line", "outcome", "lead_id", "name", "reason", "keys", "log", "undone",
)  # fmt: skip


def principal_of(job: ImportJob) -> object:
    """Whoever imports: they touch no lead that they may not see."""
    if job.user is not None:
        return job.user
    return KeyPrincipal(job.api_key) if job.api_key is not None else None


def check(job: ImportJob, chunk: ImportChunk, plan: Plan) -> tuple[dict[str, int], bytes]:
    """Judge a chunk; return the rows of each outcome, and what was read of them."""
    rows = prepared((Record(*row) for row in unpack(chunk.raw)), plan)
    good = [row for row in rows if not row.problem]
    found = find(good, principal_of(job))
    verdicts = [
        judge(row, found[row.line], plan.options)
        if not row.problem
        else Verdict(row, Outcome.INVALID, row.problem)
        for row in rows
    ]
    keep_unique(verdicts)
    lines = (chunk.first_line, chunk.last_line)
    ImportRow.objects.filter(job=job, line__range=lines).delete()
    copy_rows(ImportRow._meta.db_table, ROW_COLUMNS, (_stored(job, v) for v in verdicts))
    counts = Counter(str(verdict.outcome) for verdict in verdicts)
    return dict(counts), pack([row.dump() for row in rows])


def _stored(job: ImportJob, verdict: Verdict) -> list[object]:
    row = verdict.row
    return [
        job.pk,
        row.line,
        verdict.outcome,
        verdict.lead_id,
        row.name,
        verdict.reason,
        row.keys,
        {},
        "",
    ]


def rows_of(chunk: ImportChunk) -> list[Prepared]:
    return [Prepared.load(values) for values in unpack(chunk.prepared)]


def compare(job: ImportJob) -> dict[str, int]:
    """Set aside rows about somebody whom an earlier row is about; return all counts afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH told AS (
                SELECT line, unnest(keys) AS key FROM leads_importrow
                WHERE job_id = %(job)s AND outcome IN ('created', 'updated', 'unchanged')
                UNION
                SELECT line, 'lead:' || lead_id FROM leads_importrow
                WHERE job_id = %(job)s AND outcome IN ('updated', 'unchanged')),
            shared AS (
                SELECT key, min(line) AS first FROM told GROUP BY key HAVING count(*) > 1),
            later AS (
                SELECT line, min(first) AS first, min(key) AS key FROM told JOIN shared USING (key)
                WHERE line > first GROUP BY line)
            UPDATE leads_importrow AS r SET outcome = 'duplicate', reason =
                CASE left(later.key, 1) WHEN 'e' THEN 'Same e-mail address as line '
                  WHEN 'p' THEN 'Same phone number as line ' WHEN 'x' THEN 'Same id as line '
                  ELSE 'Same person as line ' END || later.first || '. The first one counts.'
            FROM later WHERE r.job_id = %(job)s AND r.line = later.line
            """,
            {"job": job.pk},
        )
        cursor.execute(
            "SELECT outcome, count(*) FROM leads_importrow WHERE job_id = %s GROUP BY outcome",
            [job.pk],
        )
        return dict(cursor.fetchall())
