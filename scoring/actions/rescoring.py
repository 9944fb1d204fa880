"""Writing scores: for leads that changed, for those that time changed, and for everybody."""

# ruff: noqa: S608  (which rows are meant comes from the engine's scopes)

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F, Max, Min

from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.actions import NewActivity, membership, record_activities
from leads.events import LeadQualified, LeadScoreCrossed
from leads.models import DirtyLead, LeadScore
from scoring import engine, queries
from scoring.models import Rescore

DIRTY_QUEUE, DUE_QUEUE, RESCORE_QUEUE = "dirty_leads", "score_due", "rescore"
BATCH = 2_000
RANGE = 50_000
LEASE = timedelta(minutes=5)
NOTHING = engine.Outcome(0, 0, ())


@transaction.atomic
def rescore(lead_ids: Iterable[int], *, at: datetime, announce: bool = True) -> engine.Outcome:
    """Bring these leads' scores up to date and tell who crossed a threshold.

    :param announce: publish events and write timelines; loading history does not.
    """
    scope = engine.Ids(sorted(set(lead_ids)))
    _lock(scope)
    return _score(scope, at=at, announce=announce)


@transaction.atomic
def rescore_range(scope: engine.IdRange, *, at: datetime, announce: bool) -> engine.Outcome:
    with connection.cursor() as cursor:
        # Scoring everybody gives way to people at work: it tries again a moment later.
        cursor.execute("SET LOCAL lock_timeout = '500ms'; SET LOCAL work_mem = '64MB'")
    _lock(scope)
    return _score(scope, at=at, announce=announce)


def rescore_everyone(*, at: datetime, announce: bool = False) -> int:
    """Score all leads now, range by range; return how many scores changed. For loading data."""
    edges = LeadScore.objects.aggregate(first=Min("lead_id"), last=Max("lead_id"))
    if edges["first"] is None:
        return 0
    return sum(
        rescore_range(engine.IdRange(first, first + RANGE), at=at, announce=announce).changed
        for first in range(edges["first"], edges["last"] + 1, RANGE)
    )


def _lock(scope: engine.Scope) -> None:
    """Take the score rows in order of ids, as everybody does.

    The picture is taken after this, so two workers never overwrite a newer score with an older.
    """
    holds = scope.holds("lead_id")
    with connection.cursor() as cursor:
        # Counted there, so that no ids travel.
        cursor.execute(
            f"SELECT count(*) FROM (SELECT lead_id FROM leads_leadscore WHERE {holds.sql} "
            "ORDER BY lead_id FOR NO KEY UPDATE) AS locked",
            holds.params,
        )


def _score(scope: engine.Scope, *, at: datetime, announce: bool) -> engine.Outcome:
    version = queries.published_version()
    if version is None:
        return NOTHING
    outcome = engine.score(version, queries.rules_of(version), scope=scope, at=at)
    qualified = engine.qualify(version, scope=scope, at=at)
    if announce:
        _announce_crossings(outcome.crossings, at=at)
        _announce_qualified(qualified, at=at)
    return outcome


def _announce_crossings(crossings: Sequence[engine.Crossing], *, at: datetime) -> None:
    record_activities(
        [
            NewActivity(
                lead_id=crossing.lead_id,
                type="score_crossed",
                occurred_at=at,
                properties={
                    "from": crossing.from_temperature,
                    "to": crossing.to_temperature,
                    "score": crossing.score,
                },
            )
            for crossing in crossings
        ]
    )
    for crossing in crossings:
        publish(
            LeadScoreCrossed(
                lead_id=crossing.lead_id,
                from_temperature=crossing.from_temperature,
                to_temperature=crossing.to_temperature,
                score=crossing.score,
            ),
            at=at,
        )


def _announce_qualified(qualified: Sequence[engine.Qualified], *, at: datetime) -> None:
    record_activities(
        [
            NewActivity(
                lead_id=lead.lead_id,
                type="qualified",
                occurred_at=at,
                properties={"kind": lead.kind, "score": lead.score},
            )
            for lead in qualified
        ]
    )
    for lead in qualified:
        publish(LeadQualified(lead_id=lead.lead_id, kind=lead.kind, score=lead.score), at=at)


# Queues -------------------------------------------------------------------------------------------


def rescore_dirty(*, at: datetime) -> int:
    """Work on one batch of the dirty queue; return how many leads were taken."""
    claim = pump.claim(DirtyLead, limit=BATCH)
    if not claim:
        return 0
    ids = [item.pk for item in claim.items]
    with transaction.atomic():
        rescore(ids, at=at)
        membership.refresh(ids, at=at)
        _finish_dirty(ids, str(claim.token))
    return len(ids)


def _finish_dirty(ids: Sequence[int], token: str) -> None:
    """Take the rows off the queue, unless they were queued again; locked in order of ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH mine AS MATERIALIZED (SELECT lead_id FROM leads_dirtylead "
            "WHERE lead_id = ANY(%s) AND lease_token = %s ORDER BY lead_id FOR UPDATE) "
            "DELETE FROM leads_dirtylead d USING mine WHERE d.lead_id = mine.lead_id",
            [list(ids), token],
        )


def queue_due(*, at: datetime) -> int:
    """Queue leads whose score the passing of time changes by now; return how many."""
    if queries.published_version() is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_dirtylead (lead_id, due_at, attempts)
            SELECT s.lead_id, now(), 0 FROM leads_leadscore s
            JOIN leads_lead lead ON lead.id = s.lead_id
            WHERE s.next_change_at <= %s
              AND lead.merged_into_id IS NULL AND lead.deleted_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM leads_dirtylead d WHERE d.lead_id = s.lead_id)
            ORDER BY s.next_change_at LIMIT %s
            ON CONFLICT DO NOTHING
            """,
            [at, BATCH],
        )
        queued: int = cursor.rowcount
    if queued:
        pump.wake(DIRTY_QUEUE)
    return queued


def continue_rescore(*, at: datetime) -> int:
    """Score the next range of a full pass; a pass that was interrupted goes on where it was."""
    claim = pump.claim(Rescore, limit=1, lease=LEASE)
    for item in claim.items:
        _score_next_range(item, claim.token, at=at)
    return len(claim.items)


def _score_next_range(item: Rescore, token: UUID, *, at: datetime) -> None:
    scope = engine.IdRange(item.next_id, item.next_id + RANGE)
    try:
        with transaction.atomic():
            outcome = rescore_range(scope, at=at, announce=True)
            progress = {
                "next_id": scope.end,
                "scored": F("scored") + outcome.scored,
                "changed": F("changed") + outcome.changed,
                "attempts": 0,
            }
            if scope.end > item.last_id:
                pump.finish(Rescore, [item.pk], token=token, done_at=at, **progress)
            else:
                pump.postpone(Rescore, item.pk, token=token, seconds=0, **progress)
    except OperationalError:  # somebody holds a lead of this range
        pump.postpone(Rescore, item.pk, token=token, seconds=2)
