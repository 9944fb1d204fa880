"""Where leads come in, and how each source does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from leads.attribution.channels import label_of
from leads.models import Connection, InboxItem, RemoteLead, Source
from leads.queries.captures import Balance, balances

STUCK = Q(state__in=(RemoteLead.State.NO_ACCESS, RemoteLead.State.FAILED))
NOTHING = dict.fromkeys(InboxItem.State.values, 0)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source with what came since a moment. `connection` is None for forms, the API …"""

    source: Source
    connection: Connection | None
    last_received_at: datetime | None
    balance: Balance
    stuck: int = 0  # leads that could not be fetched by their ids

    @property
    def waiting(self) -> int:
        """What wants eyes."""
        states = self.balance.states
        return states["needs_review"] + states["failed"] + states["quarantined"]

    @property
    def channel(self) -> str:
        return label_of(self.source.channel)


def sources() -> QuerySet[Source]:
    newest = (
        InboxItem.objects.filter(source=OuterRef("pk")).order_by("-pk").values("received_at")[:1]
    )
    stuck = (
        RemoteLead.objects.filter(STUCK, connection=OuterRef("pk"))
        .order_by()
        .values("connection")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return (
        Source.objects.select_related("connection")
        .annotate(last_received_at=Subquery(newest), stuck=Subquery(stuck))
        .order_by("name", "pk")
    )


def source_rows(
    principal: Any, *, since: datetime, key: str = "", archived: bool | None = None
) -> list[SourceRow]:
    """Sources with what became of their captures; the page and the API show the same."""
    counted = {balance.key: balance for balance in balances(principal, since=since)}
    found: Any = sources().filter(key=key) if key else sources()
    if archived is not None:
        found = found.filter(archived_at__isnull=not archived)
    return [
        SourceRow(
            source,
            getattr(source, "connection", None),
            source.last_received_at,
            counted.get(source.key) or Balance(source.name, source.key, 0, dict(NOTHING)),
            source.stuck or 0,
        )
        for source in found
    ]


def connections() -> QuerySet[Connection]:
    return Connection.objects.select_related("source", "mapping")


def samples(connection: Connection, *, most: int) -> list[InboxItem]:
    """The newest captures of a source, to look at when its fields are mapped."""
    items = InboxItem.objects.filter(source=connection.pk).exclude(reason_code="announced")
    return list(items.order_by("-pk")[:most])


def remote_counts(connection: Connection) -> Mapping[str, int]:
    """Leads that were named only, by how far they are."""
    rows = connection.remote_leads.values_list("state").annotate(count=Count("pk")).order_by()
    return dict(rows)


def remote_problem(connection: Connection) -> RemoteLead | None:
    """The newest lead that could not be fetched, with the reason."""
    return connection.remote_leads.filter(STUCK).order_by("-pk").first()
