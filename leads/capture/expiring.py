"""Quarantine ends: what nobody let through is deleted, and its number kept for reconciliation."""

from datetime import timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from leads.models import InboxItem, Reconciliation, SpamPolicy

logger = structlog.get_logger(__name__)

QUEUE = "quarantine_expiry"
EVERY = timedelta(hours=1)
BATCH = 1000
UNPROVEN = "bad_signature"

# Who lets one through at this moment holds its row; it is passed by and looked at again.
EXPIRE = """
    WITH old AS MATERIALIZED (
        SELECT id FROM leads_inboxitem
        WHERE state = %(state)s AND (reason_code = %(unproven)s) = %(is_unproven)s
          AND settled_at < now() - %(days)s * interval '1 day'
          AND NOT EXISTS (SELECT FROM leads_inquiry q WHERE q.inbox_item_id = leads_inboxitem.id)
          AND NOT EXISTS (
            SELECT FROM leads_confirmation c WHERE c.inbox_item_id = leads_inboxitem.id)
        ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
    unlinked AS (UPDATE leads_remotelead SET item_id = NULL WHERE item_id IN (SELECT id FROM old)),
    unlearnt AS (
        UPDATE leads_spamrule SET learned_from_id = NULL
        WHERE learned_from_id IN (SELECT id FROM old)),
    begun AS (
        UPDATE leads_unfinished SET inbox_item_id = NULL
        WHERE inbox_item_id IN (SELECT id FROM old)),
    gone AS (
        DELETE FROM leads_inboxitem WHERE id IN (SELECT id FROM old)
        RETURNING received_at, source_id),
    counted AS (
        SELECT (g.received_at AT TIME ZONE 'UTC')::date AS day,
               coalesce(s.key, %(unknown)s) AS key, coalesce(max(s.name), 'Not yet known') AS name,
               count(*) AS number
        FROM gone g LEFT JOIN leads_source s ON s.id = g.source_id GROUP BY 1, 2),
    kept AS (
        INSERT INTO leads_expiredcaptures AS e (day, key, name, number)
        SELECT day, key, name, number FROM counted
        ON CONFLICT (day, key) DO UPDATE SET number = e.number + excluded.number
        RETURNING 1)
    SELECT coalesce(sum(number), 0), (SELECT count(*) FROM kept) FROM counted
"""


def drain() -> int:
    """Once in a while: delete a batch of each kind; 0 when nothing is left, until the next hour."""
    due = Q(expired_at=None) | Q(expired_at__lt=Now() - EVERY)
    SpamPolicy.objects.get_or_create(pk=1)
    policy = SpamPolicy.objects.filter(due, pk=1).first()
    if policy is None:
        return 0
    deleted = expire(policy)
    if deleted:
        logger.info("quarantine_expired", captures=deleted)
    else:
        SpamPolicy.objects.filter(pk=1).update(expired_at=Now())
    return deleted


@transaction.atomic
def expire(policy: SpamPolicy, *, limit: int = BATCH) -> int:
    """Delete one batch of each kind and add it to the counts, both or neither."""
    kinds = ((False, policy.keep_days), (True, policy.keep_unproven_days))
    return sum(_expire(is_unproven, days, limit) for is_unproven, days in kinds if days)


def _expire(is_unproven: bool, days: int, limit: int) -> int:  # noqa: FBT001
    values: dict[str, Any] = {
        "state": InboxItem.State.QUARANTINED,
        "unproven": UNPROVEN,
        "is_unproven": is_unproven,
        "unknown": Reconciliation.UNKNOWN,
        "days": days,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE, values)
        row = cursor.fetchone()
    return int(row[0])
