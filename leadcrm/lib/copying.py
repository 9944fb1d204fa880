"""Many rows at once: PostgreSQL's COPY in, from plain Python values."""

import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from operator import is_
from typing import Any

from django.db import connection

_SPECIAL = re.compile(r"[\\\n\r\t]")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of texts, numbers, moments, lists of texts (arrays) and dictionaries (JSON)."""
    copy_text(table, columns, as_text(rows))


def as_text(rows: Iterable[Sequence[Any]]) -> str:
    """The rows as COPY reads them. Written column by column: values of one are mostly of a kind."""
    columns = [_column(values) for values in zip(*rows, strict=True)]
    return "".join(["\t".join(line) + "\n" for line in zip(*columns, strict=True)])


def copy_text(table: str, columns: Sequence[str], text: str) -> None:
    if not text:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    with connection.cursor() as cursor:
        cursor.cursor.copy_expert(f"COPY {quote(table)} ({names}) FROM STDIN", io.StringIO(text))


def _column(values: tuple[Any, ...]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        return values
    first = values[0]
    if all(map(is_, values, repeat(first))):
        return [_value(first)] * len(values)
    if kinds == {int}:
        return list(map(str, values))
    return [_value(value) for value in values]


def _value(value: Any) -> str:
    if type(value) is str:
        return _SPECIAL.sub(_escape, value) if _SPECIAL.search(value) else value
    if value is None:
        return "\\N"
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        value = json.dumps(value)
    elif isinstance(value, list):
        value = _array(value)
    text = value if isinstance(value, str) else str(value)
    return _SPECIAL.sub(_escape, text) if _SPECIAL.search(text) else text


def _array(values: list[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]
