"""Lists of the API: `{"results", "next", "previous"}` with whole addresses."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.lib.errors import DomainError, FieldError
from leadcrm.lib.pagination import Page

PAGE_SIZE = 50
LARGEST = 200
PARAMETERS = [
    OpenApiParameter("cursor", str, description="From `next` or `previous`."),
    OpenApiParameter("page_size", int, description=f"1 to {LARGEST}; {PAGE_SIZE} when left out."),
]


class BadPageSize(DomainError):
    code = "invalid"
    title = "Some values need correcting"


def size_of(request: Request) -> int:
    """:raises BadPageSize:"""
    raw = request.query_params.get("page_size") or str(PAGE_SIZE)
    if raw.isascii() and raw.isdigit() and 1 <= int(raw[:9]) <= LARGEST:
        return int(raw)
    message = f"Write a number from 1 to {LARGEST}."
    raise BadPageSize(message, errors=[FieldError("page_size", message)])


def answer(
    request: Request, page: Page[Any], shape: Callable[[Any], Any] | None = None
) -> Response:
    rows: Sequence[Any] = page.rows if shape is None else [shape(row) for row in page]
    return Response(envelope(request, page, rows))


def envelope(request: Request, page: Page[Any], results: Sequence[Any]) -> dict[str, Any]:
    return {
        "results": results,
        "next": _address(request, page.next),
        "previous": _address(request, page.previous),
    }


def _address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode(safe=',')}")
