"""Who took how many leads out; large files are made by a worker and kept for some days."""

import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from leadcrm.accounts.access import KeyPrincipal, person_behind
from leadcrm.accounts.actions import notify
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, DomainError
from leads.exporting.columns import Line, headings, lines
from leads.exporting.formats import CSV, csv_blocks, workbook
from leads.filters import narrowed
from leads.models import ExportJob, ExportPart, Lead
from leads.models.lead import LeadQuerySet

logger = structlog.get_logger(__name__)

QUEUE = "exports"
AT_ONCE = {"csv": 20_000, "xlsx": 2_000}  # more than so many rows are a worker's job
KEEP = timedelta(days=3)
LEASE = timedelta(minutes=5)
PART_BYTES = 1_048_576
MAX_ATTEMPTS = 4
State = ExportJob.State


class NotReady(Conflict):
    """The file is still being made, or expired."""

    code = "export_not_ready"


class LostLease(Exception):
    pass


def leads_of(principal: Any, query: str) -> LeadQuerySet:
    """The leads of a list as this person sees it.

    :raises BadFilter: naming each field.
    """
    request = HttpRequest()
    request.user = principal
    leads: LeadQuerySet = Lead.objects.visible_to(principal)
    return narrowed(leads, QueryDict(query), request)[0]


def noted(
    principal: Any, *, format_: str, query: str = "", columns: Sequence[str] = ()
) -> ExportJob:
    """Write down that somebody takes leads out now; `stream` adds how many."""
    return ExportJob.objects.create(
        format=format_,
        query=query,
        columns=list(columns),
        state=State.STREAMED,
        due_at=None,
        **_who(principal),
    )


def order(principal: Any, *, format_: str, query: str, columns: Sequence[str] = ()) -> ExportJob:
    """Have a file made by a worker.

    :param columns: keys of columns; all, where none is named.
    :raises BadFilter: the query is none of the list.
    """
    leads_of(principal, query)
    job = ExportJob.objects.create(
        format=format_, query=query, columns=list(columns), **_who(principal)
    )
    pump.wake(QUEUE)
    return job


def _who(principal: Any) -> dict[str, Any]:
    key = principal.key if isinstance(principal, KeyPrincipal) else None
    return {"user": person_behind(principal), "api_key": key}


def stream(job: ExportJob, leads: LeadQuerySet) -> Iterator[Line]:
    """The lines, counted; an export that breaks off is written down as far as it came."""
    counted = 0
    try:
        for line in lines(leads, job.columns):
            counted += 1
            yield line
    finally:
        ExportJob.objects.filter(pk=job.pk).update(rows=counted, finished_at=timezone.now())


def blocks_of(job: ExportJob) -> Iterator[bytes]:
    """The finished file.

    :raises NotReady: there is none yet, or no more.
    """
    if job.state == State.EXPIRED:
        raise NotReady("This export expired. Export the list again.")
    if job.state != State.READY:
        raise NotReady("This export is still being made. Wait a moment.")
    return _blocks(job)


def _blocks(job: ExportJob) -> Iterator[bytes]:
    parts = ExportPart.objects.filter(job=job).order_by("number")
    for key in list(parts.values_list("pk", flat=True)):
        yield zlib.decompress(bytes(ExportPart.objects.get(pk=key).data))


# ---- what workers do ----


def drain() -> int:
    """Make one file, or let one expire; return how many were taken."""
    claim = pump.claim(ExportJob, limit=1, lease=LEASE)
    for job in claim.items:
        try:
            _work_on(job, claim.token)
        except LostLease:
            pass
        except Exception as error:
            logger.exception("export_failed", job=job.pk)
            _record_failure(job, claim.token, error)
    return len(claim.items)


def _work_on(job: ExportJob, token: uuid.UUID) -> None:
    if job.state == State.WAITING:
        _make(job, token)
        return
    with transaction.atomic():
        if pump.finish(ExportJob, [job.pk], token=token, state=State.EXPIRED):
            ExportPart.objects.filter(job=job).delete()


def _make(job: ExportJob, token: uuid.UUID) -> None:
    ExportPart.objects.filter(job=job).delete()
    principal = KeyPrincipal(job.api_key) if job.api_key else job.user
    rows = 0

    def counted() -> Iterator[Line]:
        nonlocal rows
        for line in lines(leads_of(principal, job.query), job.columns):
            rows += 1
            yield line

    if job.format == CSV:
        size = _keep(job, csv_blocks(headings(job.columns), counted()), token)
    else:
        with workbook(headings(job.columns), _held(job, counted(), token)) as file:
            size = _keep(job, iter(lambda: file.read(PART_BYTES), b""), token)
    _finish(job, token, rows=rows, size=size)


def _held(job: ExportJob, rows: Iterable[Line], token: uuid.UUID) -> Iterator[Line]:
    """Rows that renew the lease now and then, while a workbook is being written."""
    for number, row in enumerate(rows):
        if number % 5_000 == 0:
            _renew(job, token)
        yield row


def _keep(job: ExportJob, blocks: Iterable[bytes], token: uuid.UUID) -> int:
    size, number, waiting = 0, 0, bytearray()
    for block in blocks:
        waiting += block
        size += len(block)
        if len(waiting) >= PART_BYTES:
            _add_part(job, number, bytes(waiting), token)
            number, waiting = number + 1, bytearray()
    if waiting:
        _add_part(job, number, bytes(waiting), token)
    return size


@transaction.atomic
def _add_part(job: ExportJob, number: int, data: bytes, token: uuid.UUID) -> None:
    _renew(job, token)
    ExportPart.objects.create(job=job, number=number, data=zlib.compress(data, 1))


def _renew(job: ExportJob, token: uuid.UUID) -> None:
    mine = ExportJob.objects.filter(pk=job.pk, lease_token=token)
    if not mine.update(due_at=pump.after(LEASE.total_seconds())):
        raise LostLease


@transaction.atomic
def _finish(job: ExportJob, token: uuid.UUID, *, rows: int, size: int) -> None:
    now = timezone.now()
    done = ExportJob.objects.filter(pk=job.pk, lease_token=token).update(
        state=State.READY,
        rows=rows,
        size=size,
        finished_at=now,
        expires_at=now + KEEP,
        due_at=now + KEEP,  # to expire
        lease_token=None,
        attempts=0,
    )
    if done and job.user is not None:
        notify(
            job.user,
            kind="export",
            title=f"Your export of {rows:,} leads is ready",
            body=f"Download it within {KEEP.days} days.",
            dedupe_key=f"export:{job.pk}",
            url=f"/exports/{job.public_id}/",
        )


def _record_failure(job: ExportJob, token: uuid.UUID, error: Exception) -> None:
    if isinstance(error, DomainError) or job.attempts >= MAX_ATTEMPTS:
        words = error.detail if isinstance(error, DomainError) else "Try again, or report it."
        pump.finish(ExportJob, [job.pk], token=token, state=State.FAILED, reason=words)
    else:
        seconds = pump.retry_seconds(job.attempts)
        pump.postpone(ExportJob, job.pk, token=token, seconds=seconds)
