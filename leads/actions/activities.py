"""What leads do and what is done with them, written down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import Json, execute_values

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.activity_types import type_of
from leads.events import LeadContacted, LeadReplied
from leads.models import Activity
from leads.segments.references import activities_named

DIRTY_QUEUE = "dirty_leads"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewActivity:
    """One thing to write on a lead's timeline. With a `dedupe_key` it is written once."""

    lead_id: int
    type: str
    occurred_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    category: str = ""
    klass: str = Activity.Class.HUMAN
    user_id: int | None = None
    dedupe_key: str | None = None
    link_id: int | None = None


def record_activity(
    lead_id: int,
    type_: str,
    *,
    at: datetime,
    properties: dict[str, Any] | None = None,
    user: User | None = None,
    category: str = "",
    klass: str = Activity.Class.HUMAN,
    dedupe_key: str | None = None,
) -> int | None:
    """Write one activity; return its id, or None when its `dedupe_key` was written before."""
    return record_activities(
        [
            NewActivity(
                lead_id=lead_id,
                type=type_,
                occurred_at=at,
                properties=properties or {},
                user_id=user.pk if user else None,
                category=category,
                klass=klass,
                dedupe_key=dedupe_key,
            )
        ]
    )[0]


@transaction.atomic
def record_activities(activities: Sequence[NewActivity]) -> list[int | None]:
    """Write many in one statement; the ids in the order given, None for those known already.

    Marks the leads for re-scoring and moves their last activity. A human response or a message
    from the lead is published as an event.
    """
    if not activities:
        return []
    ids = _insert(activities)
    written = [
        (activity, id_) for activity, id_ in zip(activities, ids, strict=True) if id_ is not None
    ]
    _move_last_activity([activity for activity, _ in written])
    mark_dirty({a.lead_id for a, _ in written if _matters(a.type)})
    for activity, id_ in written:
        _publish(activity, id_)
    return ids


def _matters(type_: str) -> bool:
    """Whether scores or segments may depend on it."""
    return type_of(type_).scored or type_ in activities_named()


def _insert(activities: Sequence[NewActivity]) -> list[int | None]:
    rows = [
        (
            index,
            a.lead_id,
            a.type,
            a.occurred_at,
            Json(a.properties),
            a.category,
            a.klass,
            a.user_id,
            a.dedupe_key,
            a.link_id,
        )
        for index, a in enumerate(activities)
    ]
    # One statement that also tells which input each id belongs to: RETURNING alone cannot, since
    # conflicting rows are missing from it.
    statement = """
        WITH input
          (i, lead_id, type, occurred_at, properties, category, klass, user_id, dedupe_key, link_id)
          AS (VALUES %s),
        numbered AS (
          SELECT nextval(pg_get_serial_sequence('leads_activity', 'id')) AS id, input.* FROM input),
        written AS (
          INSERT INTO leads_activity
            (id, lead_id, type, occurred_at, properties, category, klass, user_id, dedupe_key,
             link_id)
          OVERRIDING SYSTEM VALUE
          SELECT id, lead_id, type, occurred_at, properties, category, klass, user_id, dedupe_key,
            link_id FROM numbered
          ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
          RETURNING id)
        SELECT numbered.i, written.id FROM numbered JOIN written USING (id)
    """
    template = (
        "(%s, %s::bigint, %s, %s::timestamptz, %s::jsonb, %s, %s, %s::bigint, %s::varchar, "
        "%s::bigint)"
    )
    with connection.cursor() as cursor:
        found = execute_values(
            cursor.cursor, statement, rows, template=template, page_size=len(rows), fetch=True
        )
    by_index = dict(found)
    return [by_index.get(index) for index in range(len(activities))]


def _move_last_activity(activities: Sequence[NewActivity]) -> None:
    """System entries do not count: a lead is as lively as what people do."""
    latest: dict[int, NewActivity] = {}
    for activity in activities:
        known = latest.get(activity.lead_id)
        if type_of(activity.type).scored and (
            known is None or activity.occurred_at > known.occurred_at
        ):
            latest[activity.lead_id] = activity
    if not latest:
        return
    rows = sorted((a.lead_id, a.occurred_at, a.type) for a in latest.values())
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            """
            WITH v (lead_id, at, type) AS (VALUES %s),
            held AS MATERIALIZED (  -- in the order in which scoring takes them
                SELECT lead_id FROM leads_leadscore WHERE lead_id IN (SELECT lead_id FROM v)
                ORDER BY lead_id FOR NO KEY UPDATE)
            UPDATE leads_leadscore AS s SET last_activity_at = v.at, last_activity_type = v.type
            FROM v JOIN held USING (lead_id)
            WHERE s.lead_id = v.lead_id
              AND (s.last_activity_at IS NULL OR s.last_activity_at < v.at)
            """,
            rows,
            template="(%s::bigint, %s::timestamptz, %s)",
            page_size=len(rows),
        )


def _publish(activity: NewActivity, activity_id: int) -> None:
    kind = type_of(activity.type)
    if kind.responds:
        publish(
            LeadContacted(
                lead_id=activity.lead_id, activity_id=activity_id, user_id=activity.user_id
            ),
            at=activity.occurred_at,
        )
    if activity.type == "email_reply":
        publish(
            LeadReplied(lead_id=activity.lead_id, activity_id=activity_id),
            at=activity.occurred_at,
        )


def mark_dirty(lead_ids: Iterable[int]) -> None:
    """Queue leads for re-scoring; one row for each lead, however often it is asked for."""
    ids = sorted(set(lead_ids))
    if not ids:
        return
    with connection.cursor() as cursor:
        # A row under work loses its lease, so that the work is done once more with what is new.
        cursor.execute(
            """
            INSERT INTO leads_dirtylead (lead_id, due_at, attempts)
            SELECT id, now(), 0 FROM unnest(%s::bigint[]) AS id
            ON CONFLICT (lead_id) DO UPDATE SET due_at = now(), lease_token = NULL, attempts = 0
            """,
            [ids],
        )
    pump.wake(DIRTY_QUEUE)


@transaction.atomic
def reclassify(dedupe_keys: Iterable[str], *, klass: str) -> int:
    """Judge activities anew, whether a person did them; their leads are scored again."""
    rows = Activity.objects.filter(dedupe_key__in=list(dedupe_keys)).exclude(klass=klass)
    lead_ids = list(rows.values_list("lead_id", flat=True))
    changed = rows.update(klass=klass)
    mark_dirty(lead_ids)
    return changed
