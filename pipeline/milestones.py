"""When cycles qualified and were won, and for how much."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from django.db.models import Count, Max, Sum

from leads.milestones import Asked, Milestone, tells_milestones
from pipeline import facts
from pipeline.models import CycleFact, Deal, SalesCycle

BATCH = 2_000
COLUMNS = {"mql": "mql_at", "sql": "sql_at", "won": "closed_at"}


@tells_milestones
def of_cycles(asked: Asked) -> Iterator[Milestone]:
    facts.be_current()
    for kind, column in COLUMNS.items():
        if kind in asked.kinds:
            yield from _of(kind, column, asked)


def _of(kind: str, column: str, asked: Asked) -> Iterator[Milestone]:
    within = {f"{column}__gte": asked.since, f"{column}__lt": asked.until}
    found = CycleFact.objects.filter(**within).order_by(column, "pk")
    if kind == "won":
        found = found.filter(outcome=SalesCycle.Outcome.WON)
    rows = found.values_list("pk", "lead_id", column).iterator(chunk_size=BATCH)
    while some := list(islice(rows, BATCH)):
        sold = _sold([cycle for cycle, _, _ in some]) if kind == "won" else {}
        for cycle, lead, at in some:
            value, currency = sold.get(cycle, (None, ""))
            yield Milestone(lead, kind, at, value, currency)


def _sold(cycles: Sequence[int]) -> dict[int, tuple[Decimal, str]]:
    """What the won deals of cycles come to; left out where they are in several currencies."""
    rows = (
        Deal.objects.filter(cycle__in=cycles, state=Deal.State.WON)
        .values("cycle")
        .annotate(total=Sum("amount"), of=Max("currency"), kinds=Count("currency", distinct=True))
        .order_by()
    )
    return {row["cycle"]: (row["total"], row["of"]) for row in rows if row["kinds"] == 1}
