"""Moves that nobody makes by hand: when something happens, and when time has passed."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.actions import notify
from leadcrm.lib import pump
from leadcrm.lib.errors import DomainError, NotFound
from leads.actions import record_activity
from leads.models import Lead, Stage
from pipeline import queries
from pipeline.actions.ledger import TIMER_QUEUE, lock_lead, open_cycle_of
from pipeline.actions.stages import move_to_stage
from pipeline.models import AutoMove, StageTimer, Transition

logger = structlog.get_logger(__name__)
BATCH = 100
AGAIN = timedelta(days=1)  # after which a move that was refused is tried once more
Trigger = AutoMove.Trigger


@transaction.atomic
def apply_moves(
    lead_id: int, triggers: Collection[str], *, at: datetime, since: datetime, segment: str = ""
) -> Transition | None:
    """Make the first move that a rule of the lead's stage asks for; once, however often it is told.

    :param since: when it happened; a lead that came into its stage later is left where it is.
    """
    lead = lock_lead(lead_id)
    if lead.stage is None or (lead.stage_entered_at and lead.stage_entered_at >= since):
        return None
    if open_cycle_of(lead) is None:
        return None
    about = Q(trigger__in=triggers) & (~Q(trigger=Trigger.SEGMENT) | Q(segment=segment))
    rules = AutoMove.objects.filter(about, stage=lead.stage, enabled=True)
    for rule in rules.select_related("to_stage").order_by("pk"):
        made = _try(lead, rule, at=at)
        if made is not None:
            return made
    return None


def _try(lead: Lead, rule: AutoMove, *, at: datetime) -> Transition | None:
    """Make the move, or tell the owner once why it could not be made."""
    try:
        with transaction.atomic():
            return move_to_stage(
                lead.pk,
                to=rule.to_stage.key,
                at=at,
                cause=Transition.Cause.AUTO,
                reason=rule.reason,
                note=f"By rule: {rule.get_trigger_display()}.",
            )
    except NotFound:
        return None
    except DomainError as error:
        _tell_refused(lead, rule, error.detail)
        return None


def _tell_refused(lead: Lead, rule: AutoMove, why: str) -> None:
    if lead.owner is None or not lead.owner.is_active:
        return
    entered = lead.stage_entered_at.isoformat() if lead.stage_entered_at else ""
    notify(
        lead.owner,
        kind="stage",
        title=f"{lead.name} was not moved to {rule.to_stage}",
        body=why,
        dedupe_key=f"auto:{rule.pk}:{lead.pk}:{entered}"[:100],
        url=queries.lead_url(lead),
        lead_id=lead.pk,
    )


# Time ---------------------------------------------------------------------------------------------


def sweep_timers(*, at: datetime, limit: int = BATCH) -> int:
    """Look at the leads whose stage has a limit that may have passed; how many were taken."""
    claim = pump.claim(StageTimer, limit=limit)
    for timer in claim.items:
        try:
            _look(timer.lead_id, token=claim.token, at=at)
        except NotFound:
            StageTimer.objects.filter(pk=timer.pk).delete()
        except Exception:
            logger.exception("Could not look at a stage timer")
            seconds = pump.retry_seconds(timer.attempts)
            pump.postpone(StageTimer, timer.pk, token=claim.token, seconds=seconds)
    return len(claim.items)


@transaction.atomic
def _look(lead_id: int, *, token: uuid.UUID, at: datetime) -> None:
    lead = lock_lead(lead_id)
    timer = StageTimer.objects.filter(pk=lead_id, lease_token=token).first()
    if timer is None:
        return
    if lead.stage is None or lead.stage_id != timer.stage_id or open_cycle_of(lead) is None:
        timer.delete()
        return
    _tell_late(lead, lead.stage, timer, at=at)
    rules = _timed(lead.stage)
    due = [rule for rule in rules if moves_at(rule, lead, timer) <= at]
    if any(_try(lead, rule, at=at) for rule in due):
        return  # the stage it came to has set the timer anew
    _set(timer, _next_look(lead, lead.stage, rules, timer, at=at))


def _timed(stage: Stage) -> list[AutoMove]:
    found = AutoMove.objects.filter(stage=stage, trigger__in=AutoMove.TIMED, enabled=True)
    return list(found.select_related("to_stage").order_by("pk"))


def moves_at(rule: AutoMove, lead: Lead, timer: StageTimer) -> datetime:
    """When a rule moves the lead, as things stand. What is planned keeps it from being idle."""
    since = timer.entered_at
    if rule.trigger == Trigger.IDLE:
        score = lead.score_row
        moments = [since, score.last_activity_at, lead.next_step_at]
        since = max(moment for moment in moments if moment)
    return since + timedelta(days=rule.days or 0)


def _late_at(stage: Stage, timer: StageTimer) -> datetime | None:
    if stage.sla_hours is None or timer.told_at is not None:
        return None
    return timer.entered_at + timedelta(hours=stage.sla_hours)


def _tell_late(lead: Lead, stage: Stage, timer: StageTimer, *, at: datetime) -> None:
    late_at = _late_at(stage, timer)
    if late_at is None or late_at > at:
        return
    timer.told_at = at
    hours = stage.sla_hours or 0
    limit = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    properties = {"stage": stage.name, "hours": hours}
    record_activity(lead.pk, "stage_late", at=at, properties=properties)
    for user in queries.responsible_for(lead):
        notify(
            user,
            kind="stage",
            title=f"{lead.name} stays too long in {stage}",
            body=f"Leads leave this stage within {limit}. Move it on, or close it.",
            dedupe_key=f"stage-late:{lead.pk}:{timer.entered_at.isoformat()}",
            url=queries.lead_url(lead),
            lead_id=lead.pk,
        )


def _next_look(
    lead: Lead, stage: Stage, rules: list[AutoMove], timer: StageTimer, *, at: datetime
) -> datetime | None:
    moments = [max(moves_at(rule, lead, timer), at + AGAIN) for rule in rules
               if moves_at(rule, lead, timer) <= at]  # fmt: skip
    moments += [m for rule in rules if (m := moves_at(rule, lead, timer)) > at]
    if late_at := _late_at(stage, timer):
        moments.append(late_at)
    return min(moments, default=None)


def _set(timer: StageTimer, due_at: datetime | None) -> None:
    timer.due_at, timer.lease_token, timer.attempts = due_at, None, 0
    timer.save(update_fields=["due_at", "lease_token", "attempts", "told_at"])


SET_TIMERS = """
INSERT INTO pipeline_stagetimer (lead_id, stage_id, entered_at, due_at, attempts)
SELECT l.id, l.stage_id, l.stage_entered_at, now(), 0
  FROM leads_lead l
  JOIN pipeline_salescycle c ON c.lead_id = l.id AND c.closed_at IS NULL
 WHERE l.stage_id = %s AND l.stage_entered_at IS NOT NULL
   AND l.merged_into_id IS NULL AND l.deleted_at IS NULL
    ON CONFLICT (lead_id) DO UPDATE SET due_at = now(), lease_token = NULL, attempts = 0,
       told_at = CASE WHEN pipeline_stagetimer.stage_id = excluded.stage_id
                      THEN pipeline_stagetimer.told_at END,
       stage_id = excluded.stage_id, entered_at = excluded.entered_at
"""


def retime_stage(stage: Stage) -> None:
    """After its limits changed: look at everybody who is in it, in one statement."""
    if stage.sla_hours is None and not _timed(stage):
        StageTimer.objects.filter(stage=stage).delete()
        return
    with connection.cursor() as cursor:
        cursor.execute(SET_TIMERS, [stage.pk])
    pump.wake(TIMER_QUEUE)


def due_timers() -> int:
    return StageTimer.objects.filter(due_at__lte=Now()).count()
