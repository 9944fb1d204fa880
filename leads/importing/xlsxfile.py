"""Rows of an Excel workbook, streamed, with what a malicious one could do kept away.

openpyxl reads and writes row by row in flat memory, where faster readers hold the whole sheet.
"""

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import repeat
from typing import IO, Any

import structlog
from openpyxl import load_workbook

from leads.importing.csvfile import Record
from leads.importing.detecting import NotATable

logger = structlog.get_logger(__name__)

MAX_ENTRIES = 1_000
MAX_UNPACKED = 1_000_000_000
MAX_RATIO = 100
MAX_SHARED_TEXT = 100_000_000  # held in memory while the sheet is read
SMALL = 10_000_000  # below this a high ratio does no harm
MAX_ROW = 1_048_576
FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
UNSOLVED = "\x01"  # before a formula without a result: no cell of a workbook can hold it
DAMAGED = "This workbook is damaged. Open it in Excel, save it again, or save it as CSV."


def sheets(file: IO[bytes]) -> list[str]:
    """The names of the sheets, the one that was open first.

    :raises NotATable: no workbook, or one that must not be unpacked.
    """
    _check_archive(file)
    book = _opened(file)
    try:
        names = [sheet.title for sheet in book.worksheets]
        active = book.active.title if book.active is not None else ""
    finally:
        book.close()
    if not names:
        raise NotATable("This workbook has no sheet with cells.")
    return sorted(names, key=lambda name: name != active)


def records(file: IO[bytes], sheet: str) -> Iterator[Record]:
    """Every row that is not blank, under its number in the sheet.

    A formula stands for its result as Excel stored it. Where there is none the cell holds the
    formula itself, marked `UNSOLVED`.

    :raises NotATable: the workbook breaks off.
    """
    book = _opened(file)
    formulas = _opened(file, results=False) if _has_formulas(file) else None
    try:
        rows = _rows(book, sheet)
        written = _rows(formulas, sheet) if formulas else repeat(())
        for number, (row, said) in enumerate(zip(rows, written, strict=False), start=1):
            if number > MAX_ROW:
                return
            cells = [_text(value) for value in row]
            for place, formula in enumerate(said):
                if place < len(row) and row[place] is None and formula is not None:
                    cells[place] = f"{UNSOLVED}{_text(getattr(formula, 'text', formula))}"
            if any(cells):
                yield Record(number, cells)
    except NotATable:
        raise
    except Exception as error:  # the library raises whatever the broken part makes it raise
        logger.warning("workbook_unreadable", error=type(error).__name__)
        raise NotATable(DAMAGED) from error
    finally:
        book.close()


def _rows(book: Any, sheet: str) -> Iterator[tuple[Any, ...]]:
    found = book[sheet]
    found.reset_dimensions()
    rows: Iterator[tuple[Any, ...]] = found.iter_rows(values_only=True)
    return rows


def _has_formulas(file: IO[bytes]) -> bool:
    """Whether any sheet has one, found without reading cells: most files have none."""
    file.seek(0)
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
    return any(_holds_formula(archive, name) for name in names)


def _holds_formula(archive: zipfile.ZipFile, name: str) -> bool:
    tail = b""
    with archive.open(name) as part:
        while block := part.read(1_048_576):
            if FORMULA.search(tail + block):
                return True
            tail = block[-16:]
    return False


def _opened(file: IO[bytes], *, results: bool = True) -> Any:
    file.seek(0)
    try:
        return load_workbook(file, read_only=True, data_only=results, keep_links=False)
    except Exception as error:
        raise NotATable(DAMAGED) from error


def _check_archive(file: IO[bytes]) -> None:
    """Refuse what unpacks to far more than it is."""
    file.seek(0)
    try:
        entries = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise NotATable(DAMAGED) from error
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        raise NotATable("This is a ZIP archive, not a workbook. Choose a CSV or .xlsx file.")
    unpacked = sum(entry.file_size for entry in entries)
    bombs = [
        e for e in entries if e.file_size > SMALL and e.file_size > MAX_RATIO * e.compress_size
    ]
    texts = sum(e.file_size for e in entries if e.filename == "xl/sharedStrings.xml")
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or bombs or texts > MAX_SHARED_TEXT:
        raise NotATable(
            "This workbook unpacks to far more than its size, so it is not opened. "
            "Save the sheet as CSV and choose that."
        )


def _text(value: Any) -> str:
    """A cell as somebody would have typed it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)
