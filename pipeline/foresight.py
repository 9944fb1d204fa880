"""How sales ended, and how much work would come to whom if leads qualified otherwise."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Max, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from leadcrm.accounts.models import User
from leads.foresight import (
    Asked,
    Load,
    Moves,
    Sale,
    tells_load,
    tells_open_sales,
    tells_sales,
)
from leads.models import Lead
from pipeline import queries
from pipeline.models import LostReason, PoolMember, SalesCycle

PLAYED = 200  # leads whose routing is tried out; the others are shared in the same proportions
PART = 10_000  # ids in one query


@tells_sales
def cycles(asked: Asked) -> Iterator[Sale]:
    within = {"gte": asked.since, "lt": asked.until}
    closed = Q(**{f"closed_at__{op}": at for op, at in within.items()})
    sent_back = Q(**{f"rejected_at__{op}": at for op, at in within.items()})
    rows = (
        SalesCycle.objects.filter(closed | sent_back)
        .filter(lead__merged_into=None, lead__deleted_at=None, lead__is_test=False)
        .annotate(ended=Greatest("closed_at", "rejected_at"))
        .order_by("-ended", "-pk")
    )
    for row in rows[: asked.limit]:
        yield Sale(
            lead_id=row.lead_id,
            cycle=row.number,
            opened_at=row.opened_at,
            mql_at=row.mql_at,
            sql_at=row.sql_at,
            accepted_at=row.accepted_at,
            rejected_at=row.rejected_at,
            rejected_reason=row.rejected_reason,
            closed_at=row.closed_at,
            won=row.outcome == SalesCycle.Outcome.WON if row.closed_at else None,
            lost_reason=LostReason(row.lost_reason).label if row.lost_reason else "",
        )


@tells_open_sales
def open_cycles(after: int, limit: int) -> list[int]:
    rows = SalesCycle.objects.filter(
        SalesCycle.OPEN,
        lead__gt=after,
        lead__is_test=False,
        lead__merged_into=None,
        lead__deleted_at=None,
    )
    return list(rows.order_by("lead").values_list("lead_id", flat=True)[:limit])


@tells_load
def work(moves: Moves) -> list[Load]:
    """Leads without an owner are given out as the routing rules would; owned ones stay."""
    coming = moves.coming("sql") | moves.coming("hot")
    owners = _owners(coming)
    ready = Counter(owner for owner in owners.values() if owner)
    gone = _owners(moves.ceasing("sql") | moves.ceasing("hot"))
    ready.subtract(owner for owner in gone.values() if owner)
    unowned = sorted(lead for lead in moves.coming("sql") if owners.get(lead, 0) is None)
    given = _given(unowned)
    people = User.objects.filter(
        Q(pk__in=[pk for pk, by in ready.items() if by])
        | Q(pk__in=PoolMember.objects.values("user"))
    ).filter(is_active=True)
    rooms = dict(
        PoolMember.objects.values("user").annotate(room=Max("open_cap")).values_list("user", "room")
    )
    now = queries.open_counts([person.pk for person in people])
    rows = [
        Load(
            person.name,
            f"/leads/?owner={person.pk}",
            now[person.pk],
            given.pop(person.name, 0),
            ready[person.pk],
            rooms.get(person.pk),
        )
        for person in people.order_by("name", "pk")
    ]
    return rows + [Load(name, "/routing/", 0, count) for name, count in sorted(given.items())]


def _owners(leads: frozenset[int]) -> dict[int, int | None]:
    """Of those that are open: what is closed is nobody's work."""
    ids = sorted(leads)
    return {
        lead: owner
        for first in range(0, len(ids), PART)
        for lead, owner in Lead.objects.open()
        .filter(pk__in=ids[first : first + PART])
        .values_list("pk", "owner")
    }


def _given(leads: list[int]) -> Counter[str]:
    """Who would get how many of these leads; more than can be played are scaled up."""
    rule_set = queries.published_rule_set()
    if rule_set is None or not leads:
        return Counter()
    step = max(1, len(leads) // PLAYED)
    played = leads[::step][:PLAYED]
    rules = list(queries.rules_of(rule_set))
    forecasts = queries.dry_run(rules, played, at=timezone.now())
    counts = Counter(row.user or row.queue for row in forecasts)
    return Counter({name: round(n * len(leads) / len(played)) for name, n in counts.items()})
