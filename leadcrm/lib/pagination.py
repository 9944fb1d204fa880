"""Keyset paging: a page starts after the last row of the one before, so depth costs nothing.

The cursor carries the values of the ordering columns of that row, the primary key last.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet, Value

from leadcrm.lib.errors import Invalid

Row = TypeVar("Row", bound=Model)
COUNT_CAP = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of rows; `next` and `previous` are opaque cursors, None at an end."""

    rows: Sequence[Row]
    next: str | None
    previous: str | None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def keyset_page(
    queryset: QuerySet[Row], *, ordering: Sequence[str], size: int, cursor: str | None = None
) -> Page[Row]:
    """The page of `size` rows at `cursor`.

    :param ordering: field paths, `-` for descending; the last must be unique. Nullable fields
        sort last in both directions.
    :raises Invalid: the cursor was not made by this function for this ordering.
    """
    backwards, values = _decode(cursor, len(ordering)) if cursor else (False, None)
    found = _rows_after(queryset, ordering, values, size + 1, backwards=backwards)
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next = (backwards and bool(found)) or (not backwards and more)
    has_previous = (backwards and more) or (not backwards and cursor is not None)
    return Page(
        found,
        _encode(found[-1], ordering, backwards=False) if has_next and found else None,
        _encode(found[0], ordering, backwards=True) if has_previous and found else None,
    )


def neighbours(
    queryset: QuerySet[Row], *, ordering: Sequence[str], row: Row, field: str
) -> tuple[Any, Any]:
    """A field of the rows before and after `row` in this ordering, None at an end; one query."""
    values = [_value_of(row, name.lstrip("-")) for name in ordering]
    nearest = [
        rows.annotate(side=Value(side), part=Value(part)).values_list("side", "part", field)[:1]
        for side, backwards in enumerate((True, False))
        for part, rows in enumerate(_parts(queryset, ordering, values, backwards=backwards))
    ]
    found: dict[int, Any] = {}
    for side, _, value in sorted(nearest[0].union(*nearest[1:], all=True), key=itemgetter(0, 1)):
        found.setdefault(side, value)
    return found.get(0), found.get(1)


def _rows_after(
    queryset: QuerySet[Row],
    ordering: Sequence[str],
    values: Sequence[Any] | None,
    limit: int,
    *,
    backwards: bool,
) -> list[Row]:
    """Up to `limit` rows beyond `values`, walking backwards if asked.

    A nullable leading column is read in two steps, known values and then nulls: each is one range
    of a plain index, where `NULLS LAST` in one query would sort the whole table.
    """
    found: list[Row] = []
    try:
        for part in _parts(queryset, ordering, values, backwards=backwards):
            found += part[: limit - len(found)]
            if len(found) >= limit:
                break
    except (ValidationError, TypeError, ValueError):
        raise _stale_cursor() from None
    return found


def _parts(
    queryset: QuerySet[Row],
    ordering: Sequence[str],
    values: Sequence[Any] | None,
    *,
    backwards: bool,
) -> Iterator[QuerySet[Row]]:
    """The rows beyond `values` in parts that follow each other."""
    directed = [_flip(name) if backwards else name for name in ordering]
    lead = directed[0].lstrip("-")
    if not _is_nullable(queryset, lead):
        yield _segment(queryset, directed, values, backwards=backwards)
        return
    for is_null in (True, False) if backwards else (False, True):
        part = queryset.filter(**{f"{lead}__isnull": is_null})
        names, bounds = (directed[1:], values and values[1:]) if is_null else (directed, values)
        if values is not None and (values[0] is None) != is_null:
            if is_null == backwards:
                continue  # this part lies on the other side of the cursor
            bounds = None
        yield _segment(part, names, bounds, backwards=backwards)


def _segment(
    queryset: QuerySet[Row],
    directed: Sequence[str],
    values: Sequence[Any] | None,
    *,
    backwards: bool,
) -> QuerySet[Row]:
    last = not backwards
    nullable = {name: _is_nullable(queryset, name.lstrip("-")) for name in directed[1:]}
    rows = queryset.order_by(
        *[_order(name, nulls_last=last) if nullable.get(name) else name for name in directed]
    )
    if values is not None:
        # The bound on the first column alone is implied, but is what an index can start from.
        rows = rows.filter(_at_or_beyond(directed[0], values[0]))
        rows = rows.filter(_after(directed, values, nulls_last=last, nullable=nullable))
    return rows


def _is_nullable(queryset: QuerySet[Any], path: str) -> bool:
    """Whether the column behind a field path may be null; annotations may."""
    if path in queryset.query.annotations:
        return True
    options = queryset.model._meta
    if path == "pk":
        return False
    *relations, name = path.split("__")
    for relation in relations:
        related = options.get_field(relation).related_model
        options = related._meta
    return bool(name != "pk" and options.get_field(name).null)


@dataclass(frozen=True, slots=True)
class CappedCount:
    """A count that stops at `COUNT_CAP`, shown as “1,000+”."""

    value: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.value:,}+" if self.capped else f"{self.value:,}"


def capped_count(queryset: QuerySet[Any], *, cap: int = COUNT_CAP) -> CappedCount:
    count = queryset.order_by()[: cap + 1].count()
    return CappedCount(min(count, cap), count > cap)


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _order(name: str, *, nulls_last: bool) -> Any:
    field = F(name.lstrip("-"))
    nulls: dict[str, bool] = {"nulls_last": True} if nulls_last else {"nulls_first": True}
    return field.desc(**nulls) if name.startswith("-") else field.asc(**nulls)


def _after(
    ordering: Sequence[str],
    values: Sequence[Any],
    *,
    nulls_last: bool,
    nullable: Mapping[str, bool],
) -> Q:
    """Rows strictly after `values`: (a > x) or (a = x and b > y) or …, nulls counted as an end."""
    condition = Q()
    for index, name in enumerate(ordering):
        beyond = _beyond(
            name, values[index], nulls_last=nulls_last, nullable=nullable.get(name, False)
        )
        if beyond is None:
            continue
        for earlier, value in zip(ordering[:index], values[:index], strict=True):
            beyond &= _equals(earlier, value)
        condition |= beyond
    return condition if condition else Q(pk__in=[])


def _at_or_beyond(name: str, value: Any) -> Q:
    return Q(**{f"{name.lstrip('-')}__{'lte' if name.startswith('-') else 'gte'}": value})


def _beyond(name: str, value: Any, *, nulls_last: bool, nullable: bool) -> Q | None:
    field = name.lstrip("-")
    if value is None:
        return None if nulls_last else Q(**{f"{field}__isnull": False})
    beyond = Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
    return beyond | Q(**{f"{field}__isnull": True}) if nulls_last and nullable else beyond


def _equals(name: str, value: Any) -> Q:
    field = name.lstrip("-")
    return Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})


def _encode(row: Model, ordering: Sequence[str], *, backwards: bool) -> str:
    values = [_value_of(row, name.lstrip("-")) for name in ordering]
    text = json.dumps([backwards, values], default=_plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value_of(row: Any, path: str) -> Any:
    for part in path.split("__"):
        row = getattr(row, part, None)
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"A cursor cannot hold {type(value).__name__}")


def _decode(cursor: str, length: int) -> tuple[bool, list[Any]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        backwards, values = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if not isinstance(values, list) or len(values) != length:
            raise ValueError
        if any(isinstance(value, (dict, list)) or "\x00" in str(value) for value in values):
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error, UnicodeError):
        raise _stale_cursor() from None
    return bool(backwards), values


def _stale_cursor() -> Invalid:
    return Invalid.field(
        "cursor", "This page link is no longer valid. Start again from the first page."
    )
