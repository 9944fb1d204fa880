"""What every write here begins and ends with: the lock on the lead, and the ledgers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Value, When
from django.db.models.functions import Least

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib.errors import NotFound
from leads.actions import mark_dirty, record_activity
from leads.events import StageChanged
from leads.models import Lead, Lifecycle, Stage
from pipeline.models import AutoMove, SalesCycle, StageTimer, Transition

TIMER_QUEUE = "stage_timers"

LIFECYCLE_ORDER = [
    Lifecycle.SUBSCRIBER,
    Lifecycle.LEAD,
    Lifecycle.MQL,
    Lifecycle.SQL,
    Lifecycle.PQL,
    Lifecycle.OPPORTUNITY,
    Lifecycle.CUSTOMER,
    Lifecycle.EVANGELIST,
]


def lock_lead(lead_id: int) -> Lead:
    """The lead, locked until the transaction ends. The first lock any action here takes.

    :raises NotFound: it was deleted or merged.
    """
    return lock_leads([lead_id])[0]


def lock_leads(lead_ids: Sequence[int]) -> list[Lead]:
    """Many leads, locked in the order of their keys so that two such calls cannot block each other.

    :raises NotFound: none of them is there any more.
    """
    leads = list(
        Lead.objects.live()
        .select_for_update(of=("self",), no_key=True)
        .select_related("stage__pipeline", "owner", "team")
        .filter(pk__in=lead_ids)
        .order_by("pk")
    )
    if not leads:
        raise NotFound("This lead is no longer there. It may have been deleted or merged.")
    return leads


def save_lead(lead: Lead, *, at: datetime, **changes: Any) -> None:
    """Write only the columns named; the lead's other writers keep theirs."""
    for name, value in changes.items():
        setattr(lead, name, value)
    lead.updated_at = at
    lead.save(update_fields=[*changes, "updated_at"])


def advance_lifecycle(lead: Lead, to: str) -> dict[str, Any]:
    """The change of lifecycle to save: forward only, except out of “disqualified”."""
    if lead.lifecycle == Lifecycle.DISQUALIFIED:
        return {"lifecycle": to}
    forward = LIFECYCLE_ORDER.index(Lifecycle(to)) > LIFECYCLE_ORDER.index(
        Lifecycle(lead.lifecycle)
    )
    return {"lifecycle": to} if forward else {}


def open_cycle_of(lead: Lead) -> SalesCycle | None:
    return SalesCycle.objects.filter(SalesCycle.OPEN, lead=lead).first()


def write_transition(
    lead: Lead,
    cycle: SalesCycle,
    to: Stage,
    *,
    at: datetime,
    cause: str,
    actor: User | None = None,
    note: str = "",
    **changes: Any,
) -> Transition:
    """Put the lead into a stage and write it down everywhere it must be: the one way to do it."""
    from_stage, since = lead.stage, lead.stage_entered_at
    seconds = max(int((at - since).total_seconds()), 0) if since and from_stage else None
    save_lead(lead, at=at, stage=to, stage_entered_at=at, **changes)
    transition = Transition.objects.create(
        lead=lead,
        cycle=cycle,
        from_stage=from_stage,
        to_stage=to,
        at=at,
        actor=actor,
        cause=cause,
        seconds_in_from=seconds,
    )
    note_reached(cycle, to, at=at)
    _set_timer(lead, from_stage, to, at=at)
    properties = {
        "from": from_stage.name if from_stage else "",
        "to": to.name,
        "cause": cause,
        "note": note,
    }
    record_activity(lead.pk, "stage_changed", at=at, user=actor, properties=properties)
    publish(
        StageChanged(
            lead_id=lead.pk,
            transition_id=transition.pk,
            from_stage=from_stage.key if from_stage else "",
            to_stage=to.key,
        ),
        at=at,
        actor=actor,
    )
    mark_dirty([lead.pk])
    return transition


def _set_timer(lead: Lead, start: Stage | None, to: Stage, *, at: datetime) -> None:
    """Have the lead looked at when it has been in a stage long enough for its limits and rules."""
    places = [stage for stage in (start, to) if stage is not None]
    timed = set(
        AutoMove.objects.filter(stage__in=places, trigger__in=AutoMove.TIMED, enabled=True)
        .order_by()
        .values_list("stage", flat=True)
    ) | {stage.pk for stage in places if stage.sla_hours}
    if to.is_open and to.pk in timed:
        fresh = {"stage": to, "entered_at": at, "due_at": at, "told_at": None}
        StageTimer.objects.update_or_create(
            lead=lead, defaults={**fresh, "lease_token": None, "attempts": 0}
        )
    elif timed:
        StageTimer.objects.filter(lead=lead).delete()


def note_reached(cycle: SalesCycle, to: Stage, *, at: datetime) -> None:
    """The furthest stage, and when it qualified: whoever skips a stage has passed it, too.

    Lost is no step on the way to won.
    """
    if to.category == Stage.Category.LOST:
        return
    as_far = Stage.objects.filter(pk=OuterRef("furthest"), position__gte=to.position)
    marks = Stage.objects.filter(pipeline=to.pipeline_id, position__lte=to.position)
    SalesCycle.objects.filter(pk=cycle.pk).update(
        furthest=Case(
            When(Exists(as_far), then="furthest"), default=to.pk, output_field=BigIntegerField()
        ),
        **{
            f"{kind}_at": Case(
                When(Exists(marks.filter(key=kind)), then=Least(f"{kind}_at", Value(at))),
                default=f"{kind}_at",
            )
            for kind in ("mql", "sql")
        },
    )


RECOUNT = """
UPDATE pipeline_salescycle AS c
   SET furthest_id = told.furthest,
       mql_at = least(c.mql_at, told.mql), sql_at = least(c.sql_at, told.sql)
  FROM (
    SELECT t.cycle_id, (array_agg(t.to_stage_id ORDER BY s.position DESC))[1] AS furthest,
           min(t.at) FILTER (WHERE s.position >= mql.position) AS mql,
           min(t.at) FILTER (WHERE s.position >= sql.position) AS sql
      FROM pipeline_transition t JOIN leads_stage s ON s.id = t.to_stage_id
      LEFT JOIN leads_stage mql ON mql.pipeline_id = s.pipeline_id AND mql.key = 'mql'
      LEFT JOIN leads_stage sql ON sql.pipeline_id = s.pipeline_id AND sql.key = 'sql'
     WHERE s.category <> 'lost'
     GROUP BY t.cycle_id
  ) AS told
 WHERE told.cycle_id = c.id
   AND (c.furthest_id IS DISTINCT FROM told.furthest
        OR least(c.mql_at, told.mql) IS DISTINCT FROM c.mql_at
        OR least(c.sql_at, told.sql) IS DISTINCT FROM c.sql_at)
"""


def recount_reached() -> int:
    """What `note_reached` keeps, for all cycles from their transitions; how many it put right.

    For rows that were written in bulk, and for stages put into another order.
    """
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        changed: int = cursor.rowcount
    return changed
