"""Pairs of measurements, and a table of what came out."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Options:
    leads: int
    small: int
    pairs: int
    seconds: float
    mails: int
    queue: int
    rows: int
    activities: int


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    ours: str
    bare: str = ""
    ratio: str = ""


def compared(
    what: str, ours: Callable[[], float], bare: Callable[[], float], *, pairs: int, unit: str
) -> Line:
    """Both return a rate; one after the other in turns, so that a busy machine is busy for both."""
    rates = [(ours(), bare()) for _ in range(pairs)]
    ratio = statistics.median(mine / theirs for mine, theirs in rates)
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    return Line(what, f"{mine:,.0f} {unit}", f"{theirs:,.0f} {unit}", f"{ratio:.2f}")


def rate_of(work: Callable[[], int]) -> float:
    """How many a second; `work` returns how many it did."""
    started = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - started)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def sql(statement: str, *params: Any) -> int:
    """Run it; how many rows it concerned."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return int(cursor.rowcount)


def show(title: str, lines: Sequence[Line], head: Line) -> None:
    rows = [head, *lines]
    columns = [[getattr(row, name) for row in rows] for name in Line.__slots__]
    widths = [max(map(len, column)) for column in columns]
    print(f"\n{title}")
    for cells in zip(*columns, strict=True):
        first, *others = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(
            "  ",
            first,
            " ",
            "  ".join(cell.strip().rjust(len(cell)) for cell in others),
            flush=True,
        )
