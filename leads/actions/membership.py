# ruff: noqa: S608  (SQL comes from the condition compiler; values are bound)
"""Who is in which segment: for the leads that just changed, and for everybody.

Both ask the same predicate, so they agree. Whoever decides holds the leads' score rows, as scoring
does: of two workers the later one sees what the earlier wrote.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from leadcrm.eventlog.actions import publish_many
from leadcrm.lib import pump
from leads.actions.activities import mark_dirty
from leads.conditions import LEADS, compile
from leads.events import LeadEnteredSegment, LeadLeftSegment
from leads.models import Lead, Segment
from leads.segments.references import in_order, users_of

QUEUE = "segments"
RANGE = 50_000
LEASE = timedelta(minutes=5)
DAILY_SECONDS = 24 * 3600.0
SOONEST_SECONDS = 300.0
SHARE_OF_TIME = 20  # a recount of a second is repeated after 20 at the earliest
LIVE = "lead.merged_into_id IS NULL AND lead.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Change:
    segment_id: int
    lead_id: int
    entered: bool


def refresh(lead_ids: Iterable[int], *, at: datetime) -> list[Change]:
    """Let these leads enter and leave segments, in the caller's transaction.

    Segments that name others come after them, so that one pass settles all.
    """
    live = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE).order_by("pk")
    if not live.exists():
        return []
    ids = sorted(set(lead_ids))
    _lock("lead_id = ANY(%s)", [ids])
    changes: list[Change] = []
    for step in in_order(live):
        found = _differences(step, ids)
        _write(found, at=at)
        changes += found
    _tell(changes, at=at)
    return changes


def _lock(which: str, params: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT lead_id FROM leads_leadscore WHERE {which} "
            "ORDER BY lead_id FOR NO KEY UPDATE) AS locked",
            params,
        )


def _differences(segments: Sequence[Segment], ids: Sequence[int]) -> list[Change]:
    """Where membership and conditions disagree, of all these segments in one statement."""
    predicates = [compile(segment.conditions) for segment in segments]
    columns = ", ".join(f"({LIVE} AND {predicate.sql})" for predicate in predicates)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH answers AS MATERIALIZED (
              SELECT lead.id AS lead_id, ARRAY[{columns}] AS inside FROM {LEADS}
              WHERE lead.id = ANY(%s)
            )
            SELECT wanted.segment_id, answers.lead_id, answers.inside[wanted.n]
            FROM answers CROSS JOIN unnest(%s::bigint[]) WITH ORDINALITY AS wanted (segment_id, n)
            LEFT JOIN leads_segmentmembership m ON m.segment_id = wanted.segment_id
              AND m.lead_id = answers.lead_id AND m.left_at IS NULL
            WHERE answers.inside[wanted.n] <> (m.id IS NOT NULL)
            ORDER BY 1, 2
            """,
            [
                *(value for predicate in predicates for value in predicate.params),
                list(ids),
                [segment.pk for segment in segments],
            ],
        )
        return [Change(*row) for row in cursor.fetchall()]


def _write(changes: Sequence[Change], *, at: datetime) -> None:
    came = [(c.segment_id, c.lead_id) for c in changes if c.entered]
    gone = [(c.segment_id, c.lead_id) for c in changes if not c.entered]
    with connection.cursor() as cursor:
        if came:
            cursor.execute(
                "INSERT INTO leads_segmentmembership (segment_id, lead_id, entered_at) "
                "SELECT s, l, %s FROM unnest(%s::bigint[], %s::bigint[]) AS new (s, l) "
                "ON CONFLICT DO NOTHING",
                [at, *map(list, zip(*came, strict=True))],
            )
        if gone:
            cursor.execute(
                "UPDATE leads_segmentmembership m SET left_at = greatest(%s, m.entered_at) "
                "FROM unnest(%s::bigint[], %s::bigint[]) AS old (s, l) "
                "WHERE m.segment_id = old.s AND m.lead_id = old.l AND m.left_at IS NULL",
                [at, *map(list, zip(*gone, strict=True))],
            )
    for segment_id in {c.segment_id for c in changes}:
        by = sum(1 if c.entered else -1 for c in changes if c.segment_id == segment_id)
        Segment.objects.filter(pk=segment_id).update(size=F("size") + by)


def _tell(changes: Iterable[Change], *, at: datetime) -> None:
    publish_many(
        [
            (LeadEnteredSegment if change.entered else LeadLeftSegment)(
                lead_id=change.lead_id, segment_id=change.segment_id
            )
            for change in changes
        ],
        at=at,
    )


# Counting from scratch ----------------------------------------------------------------------------


def drain() -> int:
    """Look at the next range of leads of a segment that is due."""
    claim = pump.claim(Segment, limit=1, lease=LEASE)
    for segment in claim.items:
        _count_next_range(segment, claim.token, at=timezone.now())
    return len(claim.items)


def _count_next_range(segment: Segment, token: UUID, *, at: datetime) -> None:
    last = Lead.objects.aggregate(last=Max("pk"))["last"] or 0
    low, high = segment.next_id, segment.next_id + RANGE
    began = time.monotonic()
    try:
        with transaction.atomic():
            if segment.is_live:
                _recount(segment, low, high, at=at)
            if high <= last:
                pump.postpone(Segment, segment.pk, token=token, seconds=0, next_id=high, attempts=0)
            else:
                took = (time.monotonic() - began) * (last / RANGE + 1)
                _settle(segment, token, seconds=took, at=at)
    except OperationalError:  # somebody holds a lead of this range
        pump.postpone(Segment, segment.pk, token=token, seconds=2)


def _recount(segment: Segment, low: int, high: int, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        # Counting gives way to people at work: it tries again a moment later.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        _lock("lead_id >= %s AND lead_id < %s", [low, high])
        predicate = compile(segment.conditions)
        cursor.execute(
            f"""
            WITH inside AS MATERIALIZED (
              SELECT lead.id FROM {LEADS}
              WHERE lead.id >= %s AND lead.id < %s AND {LIVE} AND {predicate.sql}
            ), current AS (
              SELECT lead_id FROM leads_segmentmembership
              WHERE segment_id = %s AND lead_id >= %s AND lead_id < %s AND left_at IS NULL
            )
            SELECT coalesce(i.id, c.lead_id), i.id IS NOT NULL
            FROM inside i FULL JOIN current c ON c.lead_id = i.id
            WHERE i.id IS NULL OR c.lead_id IS NULL ORDER BY 1
            """,
            [low, high, *predicate.params, segment.pk, low, high],
        )
        changes = [Change(segment.pk, lead_id, entered) for lead_id, entered in cursor.fetchall()]
    _write(changes, at=at)
    _tell(changes, at=at)
    if any(use.kind == "Segment" for use in users_of(segment.public_id)):
        mark_dirty(change.lead_id for change in changes)  # those that name this one come next


def _settle(segment: Segment, token: UUID, *, seconds: float, at: datetime) -> None:
    """All leads were looked at: count the members exactly and say when to look again."""
    now = segment.memberships.filter(left_at=None, lead__in=Lead.objects.live())
    changes = {"next_id": 0, "counted_at": at, "size": now.count(), "attempts": 0}
    if not segment.is_live:
        pump.finish(Segment, [segment.pk], token=token, **changes)
        return
    timely = bool(compile(segment.conditions).changes)
    pause = max(SOONEST_SECONDS, SHARE_OF_TIME * seconds) if timely else DAILY_SECONDS
    pump.postpone(Segment, segment.pk, token=token, seconds=pause, **changes)
