"""What programs tell of visitors: for the person it is known to be, else kept with the visitor."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.models import Lead, Visitor, VisitorEvent
from leads.tracking.ingest import insert_events, leads_of
from leads.tracking.stitching import Confidence, Method, link_visitor


@dataclass(frozen=True, slots=True)
class Known:
    """A visitor and the lead it is at the moment, if any."""

    pk: int
    link_id: int | None
    lead_id: int | None
    has_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing a visitor did, by a name of its own or by none."""

    token: uuid.UUID
    type: str
    occurred_at: datetime
    key: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    category: str = ""


def known_visitors(tokens: Iterable[uuid.UUID]) -> dict[uuid.UUID, Known]:
    found = list(Visitor.objects.filter(token__in=set(tokens)))
    leads = leads_of(visitor.link_id for visitor in found)
    return {
        v.token: Known(
            v.pk,
            v.link_id,
            leads.get(v.link_id) if v.link_id else None,
            v.consent == Visitor.Consent.DENIED,
        )
        for v in found
    }


def keep(told: Sequence[Told], *, at: datetime) -> list[bool]:
    """Store what nobody is known for yet; whether each was news."""
    tokens = sorted({one.token for one in told}, key=lambda token: token.bytes)
    Visitor.objects.bulk_create(
        [Visitor(token=token, first_seen_at=at, last_seen_at=at) for token in tokens],
        ignore_conflicts=True,
    )
    by_token = dict(Visitor.objects.filter(token__in=tokens).values_list("token", "pk"))
    rows = [_row(one, by_token[one.token], at) for one in told]
    new = {(row.visitor_id, row.event_id) for row in insert_events(rows)}
    return [(row.visitor_id, row.event_id) in new for row in rows]


def _row(told: Told, visitor_id: int, at: datetime) -> VisitorEvent:
    name = uuid.uuid5(told.token, told.key) if told.key else uuid.uuid4()
    return VisitorEvent(
        visitor_id=visitor_id,
        event_id=name,
        type=told.type,
        occurred_at=told.occurred_at,
        received_at=at,
        properties=told.properties,
        category=told.category,
    )


def name_visitors(pairs: Iterable[tuple[uuid.UUID, int]], *, at: datetime) -> None:
    """A program that knows both says that these visitors are these leads."""
    wanted = dict(pairs)
    leads = Lead.objects.in_bulk(wanted.values())
    for token, lead_id in wanted.items():
        link_visitor(token, leads[lead_id], method=Method.API, confidence=Confidence.HIGH, at=at)
