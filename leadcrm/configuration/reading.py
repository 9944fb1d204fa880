"""Reading a file: every part must be of its shape, and a mistake says where it stands."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from leadcrm.lib.errors import DomainError, FieldError, Invalid

Result = TypeVar("Result")
MOST_ROWS = 500


def mapping(raw: Any, path: str, known: Sequence[str]) -> Mapping[str, Any]:
    """:raises Invalid: it is something else, or has keys that mean nothing."""
    if not isinstance(raw, dict):
        raise Invalid.field(path, f"Write settings here, such as {known[0]}: …")
    unknown = [key for key in raw if key not in known]
    if unknown:
        shown = str(unknown[0])[:60]
        message = f"“{shown}” has no meaning here. Use: {', '.join(known)}."
        raise Invalid.field(f"{path}.{shown}" if path else shown, message, "unknown")
    return raw


def rows(raw: Any, path: str) -> list[tuple[str, Any]]:
    """Each with its path."""
    if raw is None:
        return []
    if not isinstance(raw, list) or len(raw) > MOST_ROWS:
        raise Invalid.field(path, f"Write a list of at most {MOST_ROWS} entries, each with a dash.")
    return [(f"{path}.{n}", row) for n, row in enumerate(raw)]


def text(raw: Any, path: str, *, limit: int = 200, required: bool = True) -> str:
    if raw is None and not required:
        return ""
    if not isinstance(raw, str) or (required and not raw.strip()) or len(raw) > limit:
        raise Invalid.field(path, f"Write some text of at most {limit} characters.")
    return raw


def whole(raw: Any, path: str, low: int, high: int) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
        raise Invalid.field(path, f"Write a whole number from {low:,} to {high:,}.")
    return raw


def placed(
    path: str, act: Callable[[], Result], renamed: Mapping[str, str] | None = None
) -> Result:
    """Do it; what it refuses is told with the place in the file.

    :raises Invalid:
    """
    try:
        return act()
    except DomainError as error:
        errors = [
            FieldError(f"{path}.{_renamed(e.field, renamed or {})}".rstrip("."), e.message, e.code)
            for e in error.errors
        ]
        raise Invalid(error.detail, errors=errors or [FieldError(path, error.detail)]) from None


def _renamed(field: str, names: Mapping[str, str]) -> str:
    head, dot, tail = field.partition(".")
    return names.get(head, head) + dot + tail
