"""Rows of a CSV file with their line numbers, whatever is wrong with some of them.

A broken quote spoils its own line and no other: a cell may span lines only where that gives a row
which fits the headings.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_LINE = 1_048_576
MAX_SPAN = 500  # lines in one cell
BLANK: list[str] = []

csv.field_size_limit(MAX_LINE + 1)


@dataclass(frozen=True, slots=True)
class Record:
    """A row; with a `problem` its cells are what could be made of it."""

    line: int
    cells: list[str] = field(default_factory=list)
    problem: str = ""


TOO_LONG = (
    f"This line is longer than {MAX_LINE // 1024:,} kB. "
    "A quote may be missing before it; shorten the cell."
)
NEVER_CLOSED = (
    "A quote is opened in this line and never closed. "
    "Close it, or double the quotes inside the cell."
)


def decoded(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The text with `\\n` at the end of lines, however they ended. What cannot be read stays."""
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(encoding)(errors), translate=True
    )
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


class Lines:
    """Numbered lines of a text that comes in blocks; what was taken can be given back."""

    def __init__(self, blocks: Iterable[str]) -> None:
        self._blocks = iter(blocks)
        self._rest = ""
        self._waiting: deque[tuple[int, str | None]] = deque()
        self._number = 0
        self._skipping = False
        self._ended = False

    def take(self) -> tuple[int, str | None] | None:
        """The next line with its number; None for its text when it is too long to keep."""
        while not self._waiting and not self._ended:
            self._fill()
        return self._waiting.popleft() if self._waiting else None

    def take_all(self) -> list[tuple[int, str | None]]:
        """Every line at hand, at least one unless the text is over."""
        while not self._waiting and not self._ended:
            self._fill()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def give_back(self, lines: Iterable[tuple[int, str | None]]) -> None:
        self._waiting.extendleft(reversed(list(lines)))

    def _fill(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            self._ended = True
            if self._rest or self._skipping:
                self._add(self._rest)
            return
        *lines, self._rest = (self._rest + block).split("\n")
        for line in lines:
            self._add(line)
        if len(self._rest) > MAX_LINE:
            self._skipping, self._rest = True, ""

    def _add(self, line: str) -> None:
        self._number += 1
        too_long = self._skipping or len(line) > MAX_LINE
        self._skipping = False
        self._waiting.append((self._number, None if too_long else line))


def records(text: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Every row that is not blank. The first one found says how wide the others should be."""
    lines = Lines(text)
    width = 0
    while batch := lines.take_all():
        for record in _batch(batch, lines, delimiter, width):
            if record.problem or any(record.cells):
                width = width or len(record.cells)
                yield record


def _batch(
    batch: list[tuple[int, str | None]], lines: Lines, delimiter: str, width: int
) -> Iterator[Record]:
    """Read many lines in one go where each is a row of its own; else go through them one by one."""
    texts = [line for _, line in batch if line is not None]
    if len(texts) == len(batch):
        try:
            rows = list(csv.reader(texts, delimiter=delimiter, strict=True))
        except csv.Error:
            rows = []
        if len(rows) == len(texts):
            for (number, _), cells in zip(batch, rows, strict=True):
                yield Record(number, cells)
            return
    lines.give_back(batch)
    last = batch[-1][0]
    while (taken := lines.take()) is not None:
        record = _careful(taken, lines, delimiter, width)
        width = width or len(record.cells)
        yield record
        if taken[0] >= last:
            return


def _careful(taken: tuple[int, str | None], lines: Lines, delimiter: str, width: int) -> Record:
    number, line = taken
    if line is None:
        return Record(number, problem=TOO_LONG)
    cells = _parsed([line], delimiter)
    if cells is not None:
        return Record(number, cells)
    if (cells := _joined(line, lines, delimiter, width)) is not None:
        return Record(number, cells)
    loose = next(csv.reader([line], delimiter=delimiter), BLANK)
    if _is_closed(line, delimiter):
        return Record(number, loose)  # "Kestrel" Logistics: odd, and clear enough
    return Record(number, loose, NEVER_CLOSED)


def _parsed(lines: list[str], delimiter: str) -> list[str] | None:
    """The one row that these lines are; None where a quote is wrong or open."""
    try:
        rows = list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _is_closed(line: str, delimiter: str) -> bool:
    try:
        list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" not in str(error) and line.count('"') % 2 == 0
    return True


def _joined(line: str, lines: Lines, delimiter: str, width: int) -> list[str] | None:
    """The row that begins here and ends some lines further on; what is not of it is given back."""
    parts, taken, size = [line], [], len(line)
    while len(parts) < MAX_SPAN and size < MAX_LINE and (following := lines.take()) is not None:
        taken.append(following)
        text = following[1]
        if text is None:
            break
        parts.append(text)
        size += len(text)
        if '"' not in text:
            continue
        cells = _parsed(parts, delimiter)
        if cells is not None:
            if not width or len(cells) == width:
                return cells
            break
    lines.give_back(taken)
    return None
