"""The rows that were set aside, as a file to correct and import again."""

import csv
import io
from collections.abc import Iterator

from leads.importing.packing import unpack
from leads.importing.xlsxfile import UNSOLVED
from leads.models import ImportChunk, ImportJob, ImportRow
from leads.spreadsheets import guarded

LINE, REASON = "Line", "Reason"
ASIDE = (
    ImportRow.Outcome.INVALID,
    ImportRow.Outcome.DUPLICATE,
    ImportRow.Outcome.SKIPPED,
)


def lines(job: ImportJob) -> Iterator[str]:
    """CSV with each row's line, its cells under their own headings, and the reason in words."""
    headings = [column["name"] for column in job.columns]
    yield "\ufeff" + _line([LINE, *headings, REASON])
    chunks = ImportChunk.objects.filter(job=job).order_by("number")
    for key in list(chunks.values_list("pk", flat=True)):
        yield from _of_chunk(ImportChunk.objects.get(pk=key), len(headings))


def _of_chunk(chunk: ImportChunk, width: int) -> Iterator[str]:
    aside = ImportRow.objects.filter(
        job=chunk.job_id, line__range=(chunk.first_line, chunk.last_line), outcome__in=ASIDE
    )
    reasons = dict(aside.values_list("line", "reason"))
    if not reasons:
        return
    for line, cells, _ in unpack(chunk.raw):
        if line in reasons:
            padded = [*cells[:width], *[""] * (width - len(cells))]
            yield _line([str(line), *padded, reasons[line]])


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([guarded(_readable(cell)) for cell in cells])
    return text.getvalue()


def _readable(cell: str) -> str:
    """Bytes that were no letters become a mark, so that the file can be read at all."""
    cell = cell.removeprefix(UNSOLVED)
    return cell.encode("utf-8", "replace").decode() if not cell.isascii() else cell
