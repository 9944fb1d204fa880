"""Segments and lists in the file. Those it does not name stay as they are."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadcrm.accounts.models import User
from leadcrm.configuration import reading
from leadcrm.lib.errors import Invalid
from leads.actions import segments as actions
from leads.models import Segment
from leads.segments import named_in

KNOWN = ("id", "name", "description", "kind", "conditions")
ID = re.compile(r"[0-9a-z]{12}")


def read() -> list[dict[str, Any]]:
    found = Segment.objects.filter(archived_at=None).order_by("name", "pk")
    return [_shape(segment) for segment in found]


def _shape(segment: Segment) -> dict[str, Any]:
    shape: dict[str, Any] = {"id": segment.public_id, "name": segment.name}
    if segment.description:
        shape["description"] = segment.description
    if segment.kind == Segment.Kind.FROZEN:
        return shape | {"kind": "frozen"}
    return shape | {"conditions": segment.conditions}


def write(raw: Any, *, path: str, at: datetime, user: User | None) -> None:
    """:raises Invalid: with the place of each mistake."""
    wanted = [_checked(row, place) for place, row in reading.rows(raw, path)]
    ids = [row["id"] for _, row in wanted if row.get("id")]
    for place, row in wanted:
        if ids.count(row.get("id")) > 1:
            raise Invalid.field(f"{place}.id", "This id stands here twice. Keep one.")
    for place, row in _in_order(wanted):
        reading.placed(place, lambda row=row: _save(row, at=at, user=user))  # type: ignore[misc]


def _checked(raw: Any, path: str) -> tuple[str, Mapping[str, Any]]:
    row = reading.mapping(raw, path, KNOWN)
    reading.text(row.get("name"), f"{path}.name")
    reading.text(row.get("description"), f"{path}.description", limit=300, required=False)
    if row.get("id") is not None and not (isinstance(row["id"], str) and ID.fullmatch(row["id"])):
        message = "An id has 12 small letters and digits. Leave it out for a new segment."
        raise Invalid.field(f"{path}.id", message)
    if row.get("kind", "live") not in Segment.Kind.values:
        raise Invalid.field(f"{path}.kind", "A segment is live or frozen.", "unknown_choice")
    return path, row


def _in_order(wanted: list[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Those that others of the file name come first."""
    waiting, placed = list(wanted), []
    while waiting:
        left = {row.get("id") for _, row in waiting}
        ready = [each for each in waiting if not named_in(each[1].get("conditions")) & left]
        for each in ready or waiting:  # a circle is refused when it is saved
            placed.append(each)
            waiting.remove(each)
    return placed


def _save(row: Mapping[str, Any], *, at: datetime, user: User | None) -> None:
    found = Segment.objects.filter(archived_at=None)
    known = found.filter(public_id=row["id"]).first() if row.get("id") else None
    known = known or found.filter(name__iexact=row["name"]).first()
    kind, tree = row.get("kind", Segment.Kind.LIVE.value), row.get("conditions")
    if known is None:
        actions.create_segment(
            name=row["name"],
            kind=kind,
            tree=tree,
            description=row.get("description") or "",
            public_id=row.get("id"),
            user=user,
        )
        return
    if known.kind != kind:
        raise Invalid.field("kind", f"“{known}” is {known.get_kind_display().lower()} here.")
    actions.update_segment(
        known.pk, name=row["name"], description=row.get("description") or "", tree=tree, at=at
    )
