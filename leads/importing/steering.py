"""The course of an import: what people decide, and the steps that workers do in between.

A job's own steps (reading, comparing, finishing, purging) and each of its chunks are work items
with a lease. What a step writes, and that it is done, commits together and only under the lease:
after a kill the rest is done, and nothing twice.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import IO, Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.accounts.access import KeyPrincipal, person_behind
from leadcrm.accounts.actions import notify
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions.fields import create_field
from leads.importing import reading, targets
from leads.importing.applying import apply
from leads.importing.checking import check, compare
from leads.importing.cleaning import plan_of
from leads.importing.detecting import ENCODINGS, NotATable
from leads.importing.files import keep, on_disk
from leads.importing.options import Options
from leads.importing.undoing import drop_companies, undo
from leads.models import ImportChunk, ImportJob, ImportMemory, ImportPart, ImportRow, Source
from leads.models.attribution import Channel

logger = structlog.get_logger(__name__)

JOBS, CHUNKS = "imports", "import_chunks"
State, Step = ImportJob.State, ImportChunk.Step
MAX_ATTEMPTS = 4
KEEP = timedelta(days=90)  # an import can be undone as long as its rows are kept
SOURCE_KEY = "import"
BEFORE = {State.CHECKING: Step.READ, State.RUNNING: Step.CHECKED, State.UNDOING: Step.APPLIED}
OVER = frozenset({State.DONE, State.CANCELLED, State.UNDONE, State.FAILED})
BROKEN = "An error of ours stopped this row. Import it again, or report it with its line."


class NotNow(Conflict):
    """What was asked for does not fit what the import is doing."""

    code = "import_state"


class LostLease(Exception):
    """Another worker took the chunk over; this one's writes are rolled back."""


# ---- what people decide ----


@transaction.atomic
def accept(
    file: IO[bytes],
    *,
    name: str,
    principal: Any,
    chosen: Mapping[str, Any] | None = None,
    source: Source | None = None,
    mapping: Mapping[str, Any] | None = None,
    options: Options | None = None,
    goes_on: str = "",
) -> ImportJob:
    """Keep a file and look at its beginning; reading the rest is work for later.

    :param mapping: targets by heading, before those that are guessed.
    :param goes_on: `check` or `import`: what happens without anybody asking again.
    :raises NotATable: it cannot be imported, with the cure.
    :raises Invalid: the mapping names no heading of the file.
    """
    seen = reading.look(file, chosen or {})
    job = ImportJob(
        name=clean_text(name, limit=200) or "leads.csv",
        kind=seen.kind,
        reading=seen.reading,
        columns=seen.columns,
        source=source or _import_source(),
        user=person_behind(principal),
        api_key=principal.key if isinstance(principal, KeyPrincipal) else None,
    )
    remembered = _memory(seen.columns)
    job.mapping = _with_chosen(seen.columns, _suggested(seen.columns, remembered), mapping or {})
    known = remembered.options if remembered else Options().dump()
    job.options = options.dump() if options else known | {"owner_id": None}
    job.goes_on = goes_on
    job.save(force_insert=True)
    file.seek(0)
    job.size = keep(job, iter(lambda: file.read(1_048_576), b""))
    job.save(update_fields=["size"])
    pump.wake(JOBS)
    return job


def _import_source() -> Source:
    source, _ = Source.objects.get_or_create(
        key=SOURCE_KEY,
        defaults={"name": "Import", "kind": Source.Kind.IMPORT, "channel": Channel.IMPORT},
    )
    return source


def _memory(columns: Sequence[Mapping[str, Any]]) -> ImportMemory | None:
    hashed = targets.headings_hash(column["name"] for column in columns)
    return ImportMemory.objects.filter(headings_hash=hashed).first()


def _suggested(columns: Sequence[Mapping[str, Any]], remembered: ImportMemory | None) -> list[str]:
    pairs = [(column["name"], column["samples"]) for column in columns]
    return targets.suggested(pairs, remembered.mapping if remembered else {})


def _with_chosen(
    columns: Sequence[Mapping[str, Any]], guessed: Sequence[str], chosen: Mapping[str, Any]
) -> list[str]:
    names = [column["name"] for column in columns]
    if unknown := sorted(set(chosen) - set(names)):
        message = f"There is no heading “{unknown[0][:60]}” in this file."
        raise Invalid.field("mapping", message, "unknown")
    known = targets.known()
    if bad := [n for n, t in chosen.items() if not isinstance(t, str) or t not in known]:
        message = f"“{bad[0][:60]}” goes to an unknown field."
        raise Invalid.field("mapping", message, "unknown")
    taken = set(chosen.values())
    return [
        chosen.get(name, target if target not in taken or target in targets.REPEATABLE else "")
        for name, target in zip(names, guessed, strict=True)
    ]


@transaction.atomic
def read_again(job_id: int, chosen: Mapping[str, Any]) -> None:
    """Read the file in another way: other letters, other signs between cells, another sheet.

    :raises NotNow: it was imported already. :raises Invalid: no such way of reading.
    """
    job = _lock(job_id, State.READING, State.READY, State.CHECKING, State.CHECKED, State.FAILED)
    _check_reading(chosen)
    with on_disk(job) as file:
        seen = reading.look(file, chosen)
    ImportChunk.objects.filter(job=job).delete()
    ImportRow.objects.filter(job=job).delete()
    job.kind, job.reading, job.columns = seen.kind, seen.reading, seen.columns
    job.mapping = _suggested(seen.columns, _memory(seen.columns))
    job.rows, job.counts, job.state, job.reason = 0, {}, State.READING, ""
    _begin_step(job)
    job.save()


def _check_reading(chosen: Mapping[str, Any]) -> None:
    encoding, delimiter = chosen.get("encoding"), chosen.get("delimiter")
    if encoding and encoding not in {*ENCODINGS, "utf-8-sig", "utf-16-le", "utf-16-be"}:
        raise Invalid.field("encoding", f"Choose one of {', '.join(ENCODINGS)}.", "unknown")
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise Invalid.field("delimiter", "One sign parts the cells, such as a comma.", "invalid")


def _begin_step(job: ImportJob) -> None:
    """The job itself is due now, whoever held it."""
    job.due_at, job.lease_token, job.attempts = timezone.now(), None, 0
    pump.wake(JOBS)


@transaction.atomic
def start_check(
    job_id: int,
    *,
    mapping: Sequence[str],
    options: Options,
    at: datetime,
    source: Source | None = None,
) -> None:
    """Try every row without writing anything. Columns for new fields make these fields.

    :raises Invalid: a column goes nowhere known, or nothing tells who the rows are about.
    :raises NotNow: the file is still being read, or was imported.
    """
    job = _lock(job_id, State.READY, State.CHECKED)
    job.mapping = _checked_mapping(job, mapping)
    job.options = options.dump()
    job.source = source or job.source
    _remember(job, at=at)
    job.counts, job.reason = {}, ""
    ImportRow.objects.filter(job=job).delete()
    job.chunks.update(step=Step.READ)
    _go(job, State.CHECKING)
    job.save()


def _checked_mapping(job: ImportJob, mapping: Sequence[str]) -> list[str]:
    if len(mapping) != len(job.columns):
        raise Invalid.field("mapping", f"Say where each of the {len(job.columns)} columns goes.")
    known, errors, taken = targets.known(), list[FieldError](), set[str]()
    for column, target in zip(job.columns, mapping, strict=True):
        heading = column["name"]
        if target not in known:
            errors.append(
                FieldError("mapping", f"“{heading}” goes to an unknown field.", "unknown")
            )
        elif target in taken and target not in targets.REPEATABLE:
            message = f"Two columns go to {targets.label_of(target)}. Ignore one of them."
            errors.append(FieldError("mapping", message, "twice"))
        taken.add(target)
    who = {"email", "phone", targets.NAME, "first_name", "last_name", targets.EXTERNAL, targets.ID}
    if not errors and not taken & who:
        message = "No column says who the rows are about. Choose one with e-mails, phones or names."
        errors.append(FieldError("mapping", message, "required"))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    return [
        _new_field(column["name"]) if target == targets.NEW_FIELD else target
        for column, target in zip(job.columns, mapping, strict=True)
    ]


def _new_field(heading: str) -> str:
    return create_field({"label": heading[:60], "type": "text"}).name


def _remember(job: ImportJob, *, at: datetime) -> None:
    headings = [column["name"] for column in job.columns]
    ImportMemory.objects.update_or_create(
        headings_hash=targets.headings_hash(headings),
        defaults={
            "mapping": dict(zip(headings, job.mapping, strict=True)),
            "options": {**job.options, "owner_id": None, "owner": _lasting(job.options)},
            "used_at": at,
        },
    )


def _lasting(options: Mapping[str, Any]) -> str:
    """Whom leads went to last time is not who gets the next ones."""
    return "queue" if options["owner"] == "person" else str(options["owner"])


@transaction.atomic
def start(job_id: int, *, at: datetime) -> None:
    """Import what was checked.

    :raises NotNow: it was not checked, or is under way.
    """
    job = _lock(job_id, State.CHECKED)
    job.started_at, job.counts = at, {}
    _go(job, State.RUNNING)
    job.save()


@transaction.atomic
def pause(job_id: int) -> None:
    """Chunks under work are finished, the others wait."""
    job = _lock(job_id, State.RUNNING)
    job.chunks.filter(lease_token=None).update(due_at=None)
    job.state, job.due_at, job.lease_token = State.PAUSED, None, None
    job.save()


@transaction.atomic
def resume(job_id: int) -> None:
    job = _lock(job_id, State.PAUSED)
    _go(job, State.RUNNING)
    job.save()


@transaction.atomic
def cancel(job_id: int, *, at: datetime) -> None:
    """Stop here. What was imported stays, and can be undone."""
    job = _lock(
        job_id, State.READING, State.READY, State.CHECKING, State.CHECKED, State.RUNNING,
        State.PAUSED,
    )  # fmt: skip
    began = job.started_at is not None
    job.chunks.filter(lease_token=None).update(due_at=None)
    _end(job, State.CANCELLED, at=at)
    job.counts = job.counts if began else {}
    job.save()


@transaction.atomic
def start_undo(job_id: int, *, at: datetime) -> None:
    """Take back what was imported, except what people changed since.

    :raises NotNow: it is under way, undone already, or its rows were purged.
    """
    job = _lock(job_id, State.DONE, State.CANCELLED, State.PAUSED, State.UNDONE)
    if job.purged_at is not None:
        raise NotNow("The rows of this import were purged, so it cannot be undone any more.")
    if job.started_at is None:
        raise NotNow("Nothing of this file was imported, so there is nothing to undo.")
    if job.state == State.UNDONE:
        return
    job.chunks.filter(lease_token=None).update(due_at=None)
    job.undone_at = at
    _go(job, State.UNDOING)
    job.save()


@transaction.atomic
def purge(job_id: int, *, at: datetime) -> None:
    """Forget the file and what became of its rows. The leads stay.

    :raises NotNow: it is under way.
    """
    job = _lock(job_id, *OVER, State.READY, State.CHECKED)
    _purge(job, at=at)
    job.save()


def _purge(job: ImportJob, *, at: datetime) -> None:
    if job.state not in OVER:
        job.state = State.CANCELLED
    for model in (ImportRow, ImportChunk, ImportPart):
        model._default_manager.filter(job=job).delete()
    job.columns = [{"name": column["name"], "samples": []} for column in job.columns]
    job.purged_at, job.due_at, job.lease_token = at, None, None


def _lock(job_id: int, *states: str) -> ImportJob:
    job: ImportJob = ImportJob.objects.select_for_update(of=("self",)).get(pk=job_id)
    if job.state not in states:
        raise NotNow(_TOO_SOON.get(State(job.state), "This import is over."))
    return job


_TOO_SOON = {
    State.READING: "The file is still being read. Wait a moment.",
    State.READY: "Check the rows first.",
    State.CHECKING: "The rows are being checked. Wait a moment.",
    State.CHECKED: "The rows are checked. Import them, or change the columns.",
    State.RUNNING: "The import is running.",
    State.PAUSED: "The import is paused. Go on with it, or stop it.",
    State.UNDOING: "The import is being undone.",
    State.UNDONE: "This import was undone.",
    State.FAILED: "This file could not be read.",
}


def _go(job: ImportJob, state: str) -> None:
    """Make the chunks due that this state works on; with none left the job goes on at once."""
    job.state = state
    waiting = job.chunks.filter(step=BEFORE[State(state)], lease_token=None)
    job.chunks_left = waiting.update(due_at=Now(), attempts=0, reason="")
    job.chunks_left += job.chunks.filter(
        step=BEFORE[State(state)], lease_token__isnull=False
    ).count()
    job.due_at, job.lease_token, job.attempts = None, None, 0
    if job.chunks_left:
        pump.wake(CHUNKS)
    else:
        _begin_step(job)


def _end(job: ImportJob, state: str, *, at: datetime) -> None:
    """Nothing more to do until the rows are purged."""
    job.state, job.finished_at = state, at
    job.due_at, job.lease_token, job.attempts = at + KEEP, None, 0


# ---- what workers do: chunks ----


def drain_chunks() -> int:
    """Work on one chunk of any import; return how many were taken."""
    claim = pump.claim(ImportChunk, limit=1)
    for chunk in claim.items:
        _work_on(chunk, claim.token)
    return len(claim.items)


def _work_on(chunk: ImportChunk, token: uuid.UUID) -> None:
    try:
        with transaction.atomic():
            _advance(chunk, token)
    except LostLease:
        return
    except Exception:
        logger.exception("import_chunk_failed", chunk=chunk.pk)
        if chunk.attempts < MAX_ATTEMPTS:
            pump.postpone(
                ImportChunk, chunk.pk, token=token, seconds=pump.retry_seconds(chunk.attempts)
            )
        else:
            _give_up(chunk, token)


def _advance(chunk: ImportChunk, token: uuid.UUID) -> None:
    job = ImportJob.objects.select_related("user", "api_key", "source").get(pk=chunk.job_id)
    if job.state not in BEFORE or chunk.step != BEFORE[State(job.state)]:
        pump.finish(ImportChunk, [chunk.pk], token=token)  # paused or stopped meanwhile
        return
    changes: dict[str, Any] = {}
    at = timezone.now()
    if job.state == State.CHECKING:
        counts, changes["prepared"] = check(job, chunk, plan_of(job))
        changes["step"] = Step.CHECKED
    elif job.state == State.RUNNING:
        counts = apply(job, chunk, plan_of(job), at=at)
        changes |= {"step": Step.APPLIED, "companies": chunk.companies}
    else:
        counts = undo(job, chunk, at=at)
        changes["step"] = Step.UNDONE
    _settle(chunk, token, counts, changes)


def _settle(
    chunk: ImportChunk, token: uuid.UUID, counts: Mapping[str, int], changes: Mapping[str, Any]
) -> None:
    """Mark the chunk done and add up; the last one wakes the job. The job's lock comes last."""
    if not pump.finish(ImportChunk, [chunk.pk], token=token, **changes):
        raise LostLease
    job: ImportJob = ImportJob.objects.select_for_update(of=("self",)).get(pk=chunk.job_id)
    for outcome, rows in counts.items():
        job.counts[outcome] = job.counts.get(outcome, 0) + rows
    job.chunks_left = max(job.chunks_left - 1, 0)
    if not job.chunks_left and job.state in BEFORE:
        _begin_step(job)
    job.save(update_fields=["counts", "chunks_left", "due_at", "lease_token", "attempts"])


@transaction.atomic
def _give_up(chunk: ImportChunk, token: uuid.UUID) -> None:
    """Set the rows aside, so that one bad chunk does not hold up the others."""
    job: ImportJob = ImportJob.objects.get(pk=chunk.job_id)
    lines = (chunk.first_line, chunk.last_line)
    rows = ImportRow.objects.filter(job=job, line__range=lines)
    step = {State.CHECKING: Step.CHECKED, State.RUNNING: Step.APPLIED}.get(
        State(job.state), Step.UNDONE
    )
    if job.state == State.RUNNING:
        rows.update(outcome=ImportRow.Outcome.INVALID, reason=BROKEN, lead=None)
    counts = {"invalid": chunk.rows}
    try:
        _settle(chunk, token, counts, {"step": step, "reason": BROKEN})
    except LostLease:
        return


# ---- what workers do: the job's own steps ----


def drain_jobs() -> int:
    """Do one step of one import; return how many were taken."""
    claim = pump.claim(ImportJob, limit=1, lease=reading.LEASE)
    for job in claim.items:
        try:
            _step(job, claim.token)
        except Exception:
            logger.exception("import_step_failed", job=job.pk)
            if job.attempts < MAX_ATTEMPTS:
                seconds = pump.retry_seconds(job.attempts)
                pump.postpone(ImportJob, job.pk, token=claim.token, seconds=seconds)
            else:
                _fail(job, claim.token, BROKEN)
    return len(claim.items)


def _step(job: ImportJob, token: uuid.UUID) -> None:
    if job.state == State.READING:
        _read(job, token)
        return
    with transaction.atomic():
        locked = _mine(job, token)
        if locked is None:
            return
        at = timezone.now()
        if locked.state == State.CHECKING:
            locked.counts = compare(locked)
            _wait_for(locked, State.CHECKED, at=at)
        elif locked.state == State.RUNNING:
            _end(locked, State.DONE, at=at)
            _tell(locked)
        elif locked.state == State.UNDOING:
            _finish_undo(locked, at=at)
        elif locked.due_at is not None and locked.state != State.PAUSED:
            _purge(locked, at=at)
        locked.save()
    if locked.goes_on == "import" and locked.state == State.CHECKED:
        start(locked.pk, at=timezone.now())


def _mine(job: ImportJob, token: uuid.UUID) -> ImportJob | None:
    mine = ImportJob.objects.select_for_update(of=("self",)).filter(pk=job.pk, lease_token=token)
    found: ImportJob | None = mine.select_related("user").first()
    return found


def _wait_for(job: ImportJob, state: str, *, at: datetime) -> None:
    """Somebody decides next; a file that is forgotten here is purged in the end."""
    _end(job, state, at=at)
    job.finished_at = None


def _read(job: ImportJob, token: uuid.UUID) -> None:
    try:
        rows = reading.into_chunks(job, token=token)
    except NotATable as problem:
        _fail(job, token, problem.detail)
        return
    if rows is None:
        return
    if not rows:
        _fail(job, token, "There are headings but no rows below them, so nobody to import.")
        return
    with transaction.atomic():
        locked = _mine(job, token)
        if locked is None:
            return
        locked.rows = rows
        _wait_for(locked, State.READY, at=timezone.now())
        locked.save()
    if locked.goes_on:
        _check_by_itself(locked)


def _check_by_itself(job: ImportJob) -> None:
    try:
        start_check(
            job.pk, mapping=job.mapping, options=Options.load(job.options), at=timezone.now()
        )
    except Invalid as problem:
        ImportJob.objects.filter(pk=job.pk).update(reason=problem.detail, goes_on="")


def _fail(job: ImportJob, token: uuid.UUID, reason: str) -> None:
    ImportJob.objects.filter(pk=job.pk, lease_token=token).update(
        state=State.FAILED, reason=reason, due_at=timezone.now() + KEEP, lease_token=None
    )


def _finish_undo(job: ImportJob, *, at: datetime) -> None:
    """A chunk that was still being imported when the undo began is undone now."""
    if job.chunks.filter(step=Step.APPLIED).exists():
        _go(job, State.UNDOING)
        return
    drop_companies(job)
    _end(job, State.UNDONE, at=at)
    _tell(job)


def _tell(job: ImportJob) -> None:
    if job.user is None:
        return
    counts = job.counts
    if job.state == State.UNDONE:
        title, body = f"{job.name} is undone", f"{counts.get('undone', 0):,} rows taken back"
    else:
        title = f"{job.name} is imported"
        body = (
            f"{counts.get('created', 0):,} new, {counts.get('updated', 0):,} updated, "
            f"{counts.get('invalid', 0) + counts.get('duplicate', 0):,} set aside"
        )
    notify(
        job.user,
        kind="import",
        title=title,
        body=body,
        dedupe_key=f"import:{job.pk}:{job.state}",
        url=f"/import/{job.public_id}/",
    )
