"""Writing scores: for leads that changed, for those that time changed, and for everybody."""

# ruff: noqa: S608  (which rows are meant comes from the engine's scopes)

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max, Min

from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.actions import NewActivity, membership, record_activities
from leads.events import LeadQualified, LeadScoreCrossed, LeadUnqualified
from leads.models import DirtyLead, LeadScore
from scoring import engine, queries
from scoring.models import Cause, ModelVersion

DIRTY_QUEUE, DUE_QUEUE = "dirty_leads", "score_due"
BATCH = 2_000
RANGE = 50_000
SWEPT = 20_000
NOTHING = engine.Outcome(0, 0, ())


@dataclass(frozen=True, slots=True)
class Told:
    """What a batch is to tell others of.

    `crossings`: whose temperature changed. `qualified`: who qualifies or no longer does.
    """

    crossings: bool = True
    qualified: bool = True
    cause: str = Cause.CHANGE


EVERYTHING = Told()
SILENCE = Told(crossings=False, qualified=False)


@transaction.atomic
def rescore(
    lead_ids: Iterable[int], *, at: datetime | None, announce: bool = True
) -> engine.Outcome:
    """Bring these leads' scores up to date and tell who crossed a threshold.

    :param at: None for the moment at which their score rows are locked: what was committed until
        then counts.
    :param announce: publish events and write timelines; loading history does not.
    """
    scope = engine.Ids(sorted(set(lead_ids)))
    moment = lock(scope)
    return _score(scope, at=at or moment, told=EVERYTHING if announce else SILENCE)


@transaction.atomic
def rescore_range(scope: engine.IdRange, *, at: datetime, announce: bool) -> engine.Outcome:
    gently()
    lock(scope)
    return _score(scope, at=at, told=EVERYTHING if announce else SILENCE)


def gently() -> None:
    with connection.cursor() as cursor:
        # Scoring everybody gives way to people at work: it tries again a moment later.
        cursor.execute("SET LOCAL lock_timeout = '500ms'; SET LOCAL work_mem = '64MB'")


def rescore_everyone(*, at: datetime, announce: bool = False) -> int:
    """Score all leads now, range by range; return how many scores changed. For loading data."""
    edges = LeadScore.objects.aggregate(first=Min("lead_id"), last=Max("lead_id"))
    if edges["first"] is None:
        return 0
    return sum(
        rescore_range(engine.IdRange(first, first + RANGE), at=at, announce=announce).changed
        for first in range(edges["first"], edges["last"] + 1, RANGE)
    )


def lock(scope: engine.Scope) -> datetime:
    """Take the score rows in order of ids, as everybody does; return when they were ours.

    The picture is taken after this, so two workers never overwrite a newer score with an older.
    """
    holds = scope.holds("lead_id")
    with connection.cursor() as cursor:
        # Counted there, so that no ids travel.
        cursor.execute(
            "SELECT count(*), clock_timestamp() FROM (SELECT lead_id FROM leads_leadscore "
            f"WHERE {holds.sql} ORDER BY lead_id FOR NO KEY UPDATE) AS locked",
            holds.params,
        )
        _, moment = cursor.fetchone()
        return moment  # type: ignore[no-any-return]


def _score(scope: engine.Scope, *, at: datetime, told: Told) -> engine.Outcome:
    """By the version that pages show, and by all others that somebody will look at."""
    outcome = NOTHING
    for version in queries.live_versions():
        rules = queries.rules_of(version)
        if version.is_shown:
            outcome = engine.score(version, rules, scope=scope, at=at)
            engine.forget(version, scope=scope)
            announce(outcome.crossings, engine.qualify(version, scope=scope, at=at), at, told)
        else:
            coming = version.state == ModelVersion.State.PUBLISHING
            engine.keep(version, rules, scope=scope, at=at, everyone=coming)
    return outcome


def announce(
    crossings: Sequence[engine.Crossing],
    qualified: Sequence[engine.Qualified],
    at: datetime,
    told: Told,
) -> None:
    if told.crossings:
        _announce_crossings(crossings, at=at)
    if told.qualified:
        _announce_qualified([row for row in qualified if not row.left], at=at, cause=told.cause)
        _announce_left([row for row in qualified if row.left], at=at)


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


def _announce_qualified(qualified: Sequence[engine.Qualified], *, at: datetime, cause: str) -> None:
    why = {"cause": cause} if cause != Cause.CHANGE else {}
    record_activities(
        [
            NewActivity(
                lead_id=lead.lead_id,
                type="qualified",
                occurred_at=at,
                properties={"kind": lead.kind, "score": lead.score, **why},
            )
            for lead in qualified
        ]
    )
    for lead in qualified:
        event = LeadQualified(lead_id=lead.lead_id, kind=lead.kind, score=lead.score, cause=cause)
        publish(event, at=at)


def _announce_left(left: Sequence[engine.Qualified], *, at: datetime) -> None:
    for lead in left:
        publish(LeadUnqualified(lead_id=lead.lead_id, kind=lead.kind, score=lead.score), at=at)


# Queues -------------------------------------------------------------------------------------------


def rescore_dirty(*, at: datetime | None = None) -> int:
    """Work on one batch of the dirty queue; return how many leads were taken."""
    claim = pump.claim(DirtyLead, limit=BATCH)
    if not claim:
        return 0
    ids = [item.pk for item in claim.items]
    scope = engine.Ids(sorted(ids))
    with transaction.atomic():
        locked_at = lock(scope)
        moment = at or locked_at
        _score(scope, at=moment, told=EVERYTHING)
        membership.refresh(ids, at=moment)
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


DUE = """
    WITH due AS (
        (SELECT s.lead_id, s.next_change_at FROM leads_leadscore s
            WHERE s.next_change_at <= %(at)s ORDER BY s.next_change_at LIMIT %(most)s)
        UNION ALL
        (SELECT v.lead_id, v.next_change_at FROM scoring_versionscore v
            WHERE v.next_change_at <= %(at)s ORDER BY v.next_change_at LIMIT %(most)s)
    )
    INSERT INTO leads_dirtylead (lead_id, due_at, attempts)
    SELECT lead.id, now(), 0 FROM leads_lead lead
    WHERE lead.id IN (SELECT lead_id FROM due)
      AND lead.merged_into_id IS NULL AND lead.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM leads_dirtylead d WHERE d.lead_id = lead.id)
    ORDER BY lead.id
    ON CONFLICT DO NOTHING
"""


def queue_due(*, at: datetime) -> int:
    """Queue leads whose score the passing of time changes by now; return how many."""
    engine.sweep(limit=SWEPT)
    if not queries.live_versions():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"at": at, "most": BATCH})
        queued: int = cursor.rowcount
    if queued:
        pump.wake(DIRTY_QUEUE)
    return queued
