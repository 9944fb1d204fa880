"""Deleting what nobody was recognised in, in small batches, while nobody waits for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from leads.models import TrackingBatch, TrackingPolicy
from leads.tracking.storing import forget_salts

QUEUE = "visitor_pruning"
BATCH = 2000
EVERY = timedelta(hours=1)

# Ids are given in the order of arrival: only the oldest rows are looked at, never all of them to
# find that none is old. That makes months of their own (partitions) needless, which could not hold
# the unique pair that stores an event once.
OLD_EVENTS = """
    DELETE FROM leads_visitorevent WHERE id IN (
        SELECT id FROM (
            SELECT id, received_at FROM leads_visitorevent ORDER BY id LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED) oldest
        WHERE received_at < %(before)s)
"""
# Browsers of people stay with them; a hint is nobody's.
OLD_VISITORS = """
    SELECT v.id FROM leads_visitor v
    WHERE v.link_id IS NULL AND v.last_seen_at < %(before)s {kind}
      AND NOT EXISTS (
        SELECT FROM leads_identitylink l WHERE l.visitor_id = v.id AND l.confidence <> 'low')
    ORDER BY v.last_seen_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
OF_PEOPLE, OF_MACHINES = "", "AND v.klass = 'machine'"


@dataclass(frozen=True, slots=True)
class Pruned:
    visitors: int
    events: int


def drain() -> int:
    """Once in a while: delete one batch; 0 when nothing is left, until the next hour."""
    due = Q(pruned_at=None) | Q(pruned_at__lt=Now() - EVERY)
    TrackingPolicy.objects.get_or_create(pk=1)
    policy = TrackingPolicy.objects.filter(due, pk=1).first()
    if policy is None:
        return 0
    pruned = prune(policy)
    if pruned.visitors + pruned.events == 0:
        TrackingPolicy.objects.filter(pk=1).update(pruned_at=Now())
    return pruned.visitors + pruned.events


@transaction.atomic
def prune(policy: TrackingPolicy, *, limit: int = BATCH, at: datetime | None = None) -> Pruned:
    """Delete one batch of each kind; what was told on a timeline stays there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = at or cursor.fetchone()[0]
        old = now - timedelta(days=policy.keep_days)
        old_machines = now - timedelta(days=min(policy.keep_machine_days, policy.keep_days))
        cursor.execute(OLD_EVENTS, {"before": old, "limit": limit})
        events = cursor.rowcount
        visitors = set[int]()
        for kind, before in ((OF_PEOPLE, old), (OF_MACHINES, old_machines)):
            cursor.execute(OLD_VISITORS.format(kind=kind), {"before": before, "limit": limit})
            visitors.update(row[0] for row in cursor.fetchall())
        events += _delete_visitors(sorted(visitors))
    forget_salts(now)
    TrackingBatch.objects.filter(due_at=None, received_at__lt=old_machines).delete()
    TrackingPolicy.objects.filter(pk=policy.pk).update(
        pruned_visitors=F("pruned_visitors") + len(visitors),
        pruned_events=F("pruned_events") + events,
    )
    return Pruned(len(visitors), events)


def _delete_visitors(ids: list[int]) -> int:
    """With what hangs on them; in SQL, for the ORM would load it all first."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_visitorevent WHERE visitor_id = ANY(%s)", [ids])
        events = cursor.rowcount
        cursor.execute("DELETE FROM leads_visit WHERE visitor_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM leads_identitylink WHERE visitor_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM leads_visitor WHERE id = ANY(%s)", [ids])
    return int(events)
