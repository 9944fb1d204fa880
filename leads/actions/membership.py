# ruff: noqa: S608  (SQL comes from the condition compiler; values are bound)
"""Who is in which segment: for leads that changed, for those that time moves, and for everybody.

All ask the same predicate, so they agree. Whoever decides holds the leads' score rows, as scoring
does: of two workers the later one sees what the earlier wrote.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.eventlog.actions import publish_many
from leadcrm.lib import pump
from leads.actions.activities import mark_dirty
from leads.conditions import LEADS, Predicate, compile
from leads.events import LeadEnteredSegment, LeadLeftSegment
from leads.models import Lead, Segment, SegmentClock, SegmentMembership
from leads.segments.references import awaited, in_order, named_in, users_of

QUEUE, CLOCK_QUEUE = "segments", "segment_clock"
RANGE = 50_000
BATCH = 2_000
MOST_TOLD = 2_000
LEASE = timedelta(minutes=5)
DAILY_SECONDS = 24 * 3600.0
Cause = SegmentMembership.Cause
PRESENT = "statement_timestamp()"
LIVE = "lead.merged_into_id IS NULL AND lead.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Change:
    segment_id: int
    lead_id: int
    entered: bool


def refresh(lead_ids: Iterable[int], *, at: datetime, cause: str = Cause.CHANGE) -> list[Change]:
    """Let these leads enter and leave segments, in the caller's transaction.

    Segments that name others come after them, so that one pass settles all.
    """
    live = list(Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE).order_by("pk"))
    if not live:
        return []
    ids = sorted(set(lead_ids))
    _lock("lead_id = ANY(%s)", [ids])
    changes: list[Change] = []
    for step in in_order(live):
        found = _differences(step, ids)
        _write(found, at=at, cause=cause)
        changes += found
    _set_clocks(live, ids)
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


def _write(changes: Sequence[Change], *, at: datetime, cause: str) -> None:
    came = [(c.segment_id, c.lead_id) for c in changes if c.entered]
    gone = [(c.segment_id, c.lead_id) for c in changes if not c.entered]
    with connection.cursor() as cursor:
        if came:
            cursor.execute(
                "INSERT INTO leads_segmentmembership (segment_id, lead_id, entered_at, came_by) "
                "SELECT s, l, %s, %s FROM unnest(%s::bigint[], %s::bigint[]) AS new (s, l) "
                "ON CONFLICT DO NOTHING",
                [at, cause, *map(list, zip(*came, strict=True))],
            )
        if gone:
            cursor.execute(
                "UPDATE leads_segmentmembership m SET left_at = greatest(%s, m.entered_at), "
                f"went_by = CASE WHEN {LIVE} THEN %s ELSE 'gone' END "
                "FROM unnest(%s::bigint[], %s::bigint[]) AS old (s, l), leads_lead lead "
                "WHERE m.segment_id = old.s AND m.lead_id = old.l AND m.left_at IS NULL "
                "AND lead.id = m.lead_id",
                [at, cause, *map(list, zip(*gone, strict=True))],
            )
    sizes = Counter[int]()
    for change in changes:
        sizes[change.segment_id] += 1 if change.entered else -1
    for segment_id, by in sorted(sizes.items()):
        if by:
            Segment.objects.filter(pk=segment_id).update(size=F("size") + by)


def _tell(changes: Sequence[Change], *, at: datetime) -> None:
    publish_many(
        [
            (LeadEnteredSegment if change.entered else LeadLeftSegment)(
                lead_id=change.lead_id, segment_id=change.segment_id
            )
            for change in changes
        ],
        at=at,
    )
    if changes:  # what decides by these segments whether somebody is qualified looks again
        asked = set(Segment.objects.filter(public_id__in=awaited()).values_list("pk", flat=True))
        mark_dirty(change.lead_id for change in changes if change.segment_id in asked)


# As time passes -----------------------------------------------------------------------------------


def _next_moment(segments: Iterable[Segment]) -> Predicate | None:
    """SQL for the first moment at which time alone may change what these segments say of `lead`."""
    changes = {
        (change.sql, change.params): change
        for segment in segments
        for change in compile(segment.conditions).changes
    }
    if not changes:
        return None
    future = [
        f"(SELECT x.at FROM (SELECT {change.sql} AS at) AS x WHERE x.at > {PRESENT})"
        for change in changes.values()
    ]
    params = tuple(value for change in changes.values() for value in change.params)
    return Predicate(f"LEAST({', '.join(future)})", params)


def _set_clocks(segments: Sequence[Segment], ids: Sequence[int]) -> None:
    """When to look at these leads again, of all segments."""
    soonest = _next_moment(segments)
    with connection.cursor() as cursor:
        if soonest is not None:
            cursor.execute(
                f"""
                WITH soonest AS MATERIALIZED (
                  SELECT lead.id, {soonest.sql} AS at FROM {LEADS}
                  WHERE lead.id = ANY(%s) AND {LIVE}
                ), late AS (
                  DELETE FROM leads_segmentclock c USING soonest s
                  WHERE c.lead_id = s.id AND s.at IS NULL
                )
                INSERT INTO leads_segmentclock (lead_id, due_at)
                SELECT id, at FROM soonest WHERE at IS NOT NULL ORDER BY id
                ON CONFLICT (lead_id) DO UPDATE SET due_at = excluded.due_at
                WHERE leads_segmentclock.due_at <> excluded.due_at
                """,
                [*soonest.params, list(ids)],
            )
        cursor.execute(
            "DELETE FROM leads_segmentclock c USING leads_lead lead WHERE c.lead_id = ANY(%s) "
            f"AND lead.id = c.lead_id AND ({'true' if soonest is None else f'NOT ({LIVE})'})",
            [list(ids)],
        )


def _advance_clocks(segment: Segment, low: int, high: int) -> None:
    """Look at leads of a range no later than this segment needs."""
    soonest = _next_moment([segment])
    if soonest is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO leads_segmentclock (lead_id, due_at)
            SELECT id, at FROM (
              SELECT lead.id, {soonest.sql} AS at FROM {LEADS}
              WHERE lead.id >= %s AND lead.id < %s AND {LIVE}
            ) AS soonest WHERE at IS NOT NULL ORDER BY id
            ON CONFLICT (lead_id) DO UPDATE SET due_at = excluded.due_at
            WHERE leads_segmentclock.due_at > excluded.due_at
            """,
            [*soonest.params, low, high],
        )


def drain_clocks() -> int:
    """Look again at leads whose moment has come; return how many."""
    due = SegmentClock.objects.filter(due_at__lte=Now()).order_by("due_at")
    ids = list(due.values_list("lead_id", flat=True)[:BATCH])
    if not ids:
        return 0
    with transaction.atomic():
        SegmentClock.objects.filter(lead__in=ids, due_at__lte=Now()).delete()
        refresh(ids, at=timezone.now(), cause=Cause.TIME)
    return len(ids)


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
    try:
        with transaction.atomic():
            if segment.is_live:
                _recount(segment, low, high, at=at)
            if high <= last:
                pump.postpone(Segment, segment.pk, token=token, seconds=0, next_id=high, attempts=0)
            else:
                _settle(segment, token, at=at)
    except OperationalError:  # somebody holds a lead of this range
        pump.postpone(Segment, segment.pk, token=token, seconds=2)


def _recount(segment: Segment, low: int, high: int, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        # Counting gives way to people at work: it tries again a moment later.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        _lock("lead_id >= %s AND lead_id < %s", [low, high])
        wrong = disagreements(segment)
        cursor.execute(wrong.sql, [*wrong.params, low, high])
        changes = [Change(segment.pk, lead_id, entered) for lead_id, entered in cursor.fetchall()]
    cause = Cause.CONDITIONS if segment.counted_at is None else Cause.RECOUNT
    _write(changes, at=at, cause=cause)
    _advance_clocks(segment, low, high)
    # Half a million events that nobody waits for would only hold up the others.
    if len(changes) <= MOST_TOLD or users_of(segment.public_id):
        _tell(changes, at=at)
    if _is_named(segment):
        mark_dirty(change.lead_id for change in changes)  # those that name this one come next


def disagreements(segment: Segment) -> Predicate:
    """SQL for leads whose membership is not what the conditions say: their id, and what they say.

    Two parameters more bound the ids: from, and up to but not including.
    """
    predicate = compile(segment.conditions)
    return Predicate(
        f"""
        SELECT lead.id, ({predicate.sql}) AND {LIVE} FROM {LEADS}
        LEFT JOIN leads_segmentmembership m
          ON m.segment_id = %s AND m.lead_id = lead.id AND m.left_at IS NULL
        WHERE (({predicate.sql}) AND {LIVE}) <> (m.id IS NOT NULL)
          AND lead.id >= %s AND lead.id < %s ORDER BY lead.id
        """,
        (*predicate.params, segment.pk, *predicate.params),
    )


def _is_named(segment: Segment) -> bool:
    others = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE)
    return any(segment.public_id in named_in(other.conditions) for other in others)


def _settle(segment: Segment, token: UUID, *, at: datetime) -> None:
    """All leads were looked at: count the members exactly and say when to look again."""
    now = segment.memberships.filter(left_at=None, lead__in=Lead.objects.live())
    changes = {"next_id": 0, "counted_at": at, "size": now.count(), "attempts": 0}
    if not segment.is_live:
        pump.finish(Segment, [segment.pk], token=token, **changes)
        return
    pump.postpone(Segment, segment.pk, token=token, seconds=DAILY_SECONDS, **changes)
