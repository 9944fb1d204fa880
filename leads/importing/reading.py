"""The first steps: a look at the beginning of the file, then all of it into chunks of rows."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import IO, Any

from django.db import transaction

from leadcrm.lib import normalise, pump
from leads.importing import csvfile, xlsxfile
from leads.importing.csvfile import Record
from leads.importing.detecting import (
    CSV,
    DELIMITERS,
    SAMPLE_BYTES,
    NotATable,
    delimiter_of,
    encoding_of,
    kind_of,
)
from leads.importing.files import blocks_of, on_disk
from leads.importing.packing import pack
from leads.models import ImportChunk, ImportJob

CHUNK_ROWS = 1_000
CHUNK_LETTERS = 4_000_000
MOST_COLUMNS = 500
SAMPLES = 12
LEASE = timedelta(minutes=10)
HEADING_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What the beginning of a file tells. `reading` says how to read the rest."""

    kind: str
    reading: dict[str, Any]
    columns: list[dict[str, Any]]


def look(file: IO[bytes], chosen: Mapping[str, Any]) -> Look:
    """How to read a file, and its columns; what somebody chose goes before what is detected.

    :raises NotATable: it has no columns and rows.
    """
    file.seek(0)
    head = file.read(SAMPLE_BYTES)
    kind = kind_of(head)
    reading = _reading_of_csv(head, chosen) if kind == CSV else _reading_of_xlsx(file, chosen)
    found = _of_text(head, reading) if kind == CSV else xlsxfile.records(file, reading["sheet"])
    first = list(islice(found, SAMPLES))
    if not first:
        raise NotATable("This file is empty. Choose one with headings and rows below them.")
    if "has_header" not in reading:
        reading["has_header"] = not any(_is_address(cell) for cell in first[0].cells)
    return Look(kind, reading, _columns(first, has_header=reading["has_header"]))


def _reading_of_csv(head: bytes, chosen: Mapping[str, Any]) -> dict[str, Any]:
    encoding = chosen.get("encoding") or encoding_of(head)
    text = "".join(csvfile.decoded([head], encoding))
    delimiter = chosen.get("delimiter") or delimiter_of(text)
    kept = {name: chosen[name] for name in ("has_header",) if name in chosen}
    return {"encoding": encoding, "delimiter": delimiter, **kept}


def _reading_of_xlsx(file: IO[bytes], chosen: Mapping[str, Any]) -> dict[str, Any]:
    names = xlsxfile.sheets(file)
    sheet = chosen.get("sheet")
    kept = {name: chosen[name] for name in ("has_header",) if name in chosen}
    return {"sheet": sheet if sheet in names else names[0], "sheets": names, **kept}


def _of_text(head: bytes, reading: Mapping[str, Any]) -> Iterator[Record]:
    text = csvfile.decoded([head], reading["encoding"])
    return _after_hint(csvfile.records(text, reading["delimiter"]), reading["delimiter"])


def _after_hint(records: Iterator[Record], delimiter: str) -> Iterator[Record]:
    """Excel may write `sep=;` above the headings."""
    for record in records:
        joined = delimiter.join(record.cells)
        if record.line > 1 or not joined.lower().startswith("sep="):
            yield record


def _is_address(cell: str) -> bool:
    return "@" in cell and normalise.email(cell) is not None


def _columns(first: list[Record], *, has_header: bool) -> list[dict[str, Any]]:
    headings = first[0].cells if has_header else [""] * max(len(r.cells) for r in first)
    while has_header and headings and not headings[-1].strip():
        headings = headings[:-1]  # delimiters at the end of lines make columns without a name
    rows = first[1:] if has_header else first
    if not headings or first[0].problem:
        raise NotATable(
            f"The headings in line {first[0].line} cannot be read. "
            "The first row of the file should name its columns."
        )
    if len(headings) > MOST_COLUMNS:
        raise NotATable(
            f"This file has {len(headings):,} columns, at most {MOST_COLUMNS} can be imported. "
            "Take out those you do not need."
        )
    if not rows:
        raise NotATable("There are headings but no rows below them, so nobody to import.")
    names = _names(headings)
    return [
        {"name": name, "samples": [_shown(r.cells, at) for r in rows]}
        for at, name in enumerate(names)
    ]


def _names(headings: Iterable[str]) -> list[str]:
    """A name for each column: those without one get a number, those named alike too."""
    names: list[str] = []
    for number, heading in enumerate(headings, start=1):
        name = normalise.clean_text(heading.replace("\ufeff", ""), limit=HEADING_LIMIT)
        name = " ".join(name.split()) or f"Column {number}"
        again, plain = 2, name
        while name in names:
            name, again = f"{plain} ({again})", again + 1
        names.append(name)
    return names


def _shown(cells: list[str], at: int) -> str:
    return normalise.clean_text(cells[at])[:80] if at < len(cells) else ""


def records_of(job: ImportJob) -> Iterator[Record]:
    """Every row of the file below the headings."""
    reading = job.reading
    skipped = 1 if reading["has_header"] else 0
    if job.kind == CSV:
        text = csvfile.decoded(blocks_of(job), reading["encoding"])
        found = _after_hint(csvfile.records(text, reading["delimiter"]), reading["delimiter"])
        yield from islice(found, skipped, None)
    else:
        with on_disk(job) as file:
            yield from islice(xlsxfile.records(file, reading["sheet"]), skipped, None)


def into_chunks(job: ImportJob, *, token: uuid.UUID) -> int | None:
    """Read the file to its end; return how many rows it has, None when the lease was lost.

    What an interrupted worker stored already is passed over.
    """
    stored = list(
        ImportChunk.objects.filter(job=job).order_by("number").values_list("rows", flat=True)
    )
    passed, rows = sum(stored), sum(stored)
    for number, chunk in enumerate(
        _chunks(islice(records_of(job), passed, None)), start=len(stored)
    ):
        rows += len(chunk)
        if not _store(job, number, chunk, rows, token=token):
            return None
    return rows


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    letters = 0
    for record in records:
        chunk.append(record)
        letters += sum(map(len, record.cells))
        if len(chunk) == CHUNK_ROWS or letters > CHUNK_LETTERS:
            yield chunk
            chunk, letters = [], 0
    if chunk:
        yield chunk


@transaction.atomic
def _store(
    job: ImportJob, number: int, chunk: list[Record], rows: int, *, token: uuid.UUID
) -> bool:
    """Keep one chunk and renew the lease, both or neither."""
    mine = ImportJob.objects.filter(pk=job.pk, lease_token=token)
    if not mine.update(rows=rows, due_at=pump.after(LEASE.total_seconds())):
        return False
    ImportChunk.objects.create(
        job=job,
        number=number,
        first_line=chunk[0].line,
        last_line=chunk[-1].line,
        rows=len(chunk),
        raw=pack([[record.line, record.cells, record.problem] for record in chunk]),
        due_at=None,
    )
    return True


def described(job: ImportJob) -> str:
    """“412 rows, 9 columns, semicolons, UTF-8”."""
    parts = [f"{job.rows:,} rows" if job.rows else "", f"{len(job.columns):,} columns"]
    if job.kind == CSV:
        delimiter = job.reading.get("delimiter", ",")
        parts.append(DELIMITERS.get(delimiter, f"parted by “{delimiter}”"))
        parts.append(job.reading.get("encoding", "").removesuffix("-sig").upper())
    else:
        parts.append(f"sheet “{job.reading.get('sheet', '')}”")
    return ", ".join(part for part in parts if part)
