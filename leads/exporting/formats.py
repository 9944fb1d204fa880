"""Lines as a CSV file or an Excel workbook, neither ever whole in memory."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from leads.exporting.columns import Line

CSV, XLSX = "csv", "xlsx"
FORMATS = (CSV, XLSX)
ROWS_AT_ONCE = 500


def content_type(format_: str) -> str:
    if format_ == CSV:
        return "text/csv; charset=utf-8"
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_blocks(headings: list[str], rows: Iterable[Line]) -> Iterator[bytes]:
    """The file in blocks of some hundred lines."""
    yield b"\xef\xbb\xbf"  # or Excel takes UTF-8 for Latin-1
    yield _block([headings])
    waiting = iter(rows)
    while block := list(islice(waiting, ROWS_AT_ONCE)):
        yield _block(block)


def _block(rows: Iterable[Iterable[str | int]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def workbook(headings: list[str], rows: Iterable[Line]) -> IO[bytes]:
    """A temporary file that goes away when it is closed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Leads")
    sheet.freeze_panes = "A2"
    sheet.append(headings)
    for row in rows:
        sheet.append([_cell(value) for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever asked for it closes it)
    book.save(file)
    file.seek(0)
    return file


def workbook_blocks(headings: list[str], rows: Iterable[Line]) -> Iterator[bytes]:
    with workbook(headings, rows) as file:
        while block := file.read(65_536):
            yield block


def _cell(value: str | int) -> str | int:
    return ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
