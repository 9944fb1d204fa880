"""Leads as lines of a spreadsheet, in the columns that an import takes back."""

from leads.exporting.columns import Column, Line, available, check, chosen, headings, lines
from leads.exporting.formats import (
    CSV,
    FORMATS,
    XLSX,
    content_type,
    csv_blocks,
    workbook_blocks,
)
from leads.exporting.jobs import (
    AT_ONCE,
    QUEUE,
    NotReady,
    blocks_of,
    drain,
    noted,
    order,
    stream,
)

__all__ = [
    "AT_ONCE",
    "CSV",
    "FORMATS",
    "QUEUE",
    "XLSX",
    "Column",
    "Line",
    "NotReady",
    "available",
    "blocks_of",
    "check",
    "chosen",
    "content_type",
    "csv_blocks",
    "drain",
    "headings",
    "lines",
    "noted",
    "order",
    "stream",
    "workbook_blocks",
]
