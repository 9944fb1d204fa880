"""What happens while a lead waits for a person: the warning, the end of its time, and the steps
that its target names after that. Every hop is written down.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.actions import record_activity
from leads.models import Activity, Lead
from pipeline import queries
from pipeline.actions.answers import refuse
from pipeline.actions.ledger import lock_lead
from pipeline.actions.mail import write_to
from pipeline.actions.owners import assign
from pipeline.actions.response import recount
from pipeline.actions.routing import route
from pipeline.models import Assignment, ClockHop, ResponseClock, ResponseStep
from pipeline.worktime import after_working_minutes

logger = structlog.get_logger(__name__)

BATCH = 100
Deed = ResponseStep.Deed
Kind = ClockHop.Kind


def sweep_clocks(*, limit: int = BATCH) -> int:
    """Warn of, mark and escalate what is due; return how many clocks were looked at."""
    claim = pump.claim(ResponseClock, limit=limit)
    for clock in claim.items:
        try:
            with transaction.atomic():
                _sweep(clock, at=timezone.now())
        except Exception:
            # One that cannot be looked at must not keep the others waiting.
            logger.exception("clock_sweep_failed", clock=clock.pk)
            seconds = pump.retry_seconds(clock.attempts)
            pump.postpone(ResponseClock, clock.pk, token=claim.token, seconds=seconds)
    return len(claim.items)


def _sweep(claimed: ResponseClock, *, at: datetime) -> None:
    lead = _lock(claimed.lead_id)
    clock = (
        ResponseClock.objects.select_for_update(of=("self",))
        .select_related("target", "cycle")
        .filter(pk=claimed.pk, lease_token=claimed.lease_token)
        .first()
    )
    if clock is None:
        return
    if lead is None or not clock.is_running:
        clock.due_at = None
    else:
        _look_at(lead, clock, at=at)
    clock.lease_token = None
    clock.save()


def _lock(lead_id: int) -> Lead | None:
    return lock_lead(lead_id) if Lead.objects.live().filter(pk=lead_id).exists() else None


def _look_at(lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    if clock.is_stale:
        recount(lead, clock, at=at)
        if clock.due_at is not None and clock.due_at > at and clock.late_at is None:
            return
    if at < clock.respond_by:
        _warn(lead, clock, at=at)
    else:
        _mark_late(lead, clock, at=at)
        _climb(lead, clock, at=at)


def _warn(lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    clock.due_at = clock.respond_by
    if clock.warned_at is not None:
        return
    clock.warned_at = at
    minutes = max(int((clock.respond_by - at).total_seconds() // 60), 1)
    told = queries.responsible_for(lead)
    title = f"{lead.name} waits for an answer: {minutes} min left"
    _tell(lead, clock, told, kind="response_due", title=title, key="due")
    words = f"Told {_names(told)} that {minutes} min were left"
    _hop(lead, clock, Kind.WARNED, words, told, minutes=-minutes, at=at)


def _mark_late(lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    """Written down and told once to whoever must act and to the manager above."""
    if clock.late_at is not None:
        return
    clock.late_at = clock.escalated_at = at
    record_activity(
        lead.pk,
        "response_late",
        at=at,
        properties={"target_minutes": clock.target_minutes},
        klass=Activity.Class.MACHINE,
        dedupe_key=f"response-late:{_run(clock)}",
    )
    manager = queries.manager_of(lead)
    told = _each_once([*queries.responsible_for(lead), *filter(None, [manager])])
    title = f"{lead.name} has had no answer for {clock.target_minutes} min"
    _tell(lead, clock, told, kind="response_late", title=title, key="late")
    words = f"Past its target of {clock.target_minutes} min; told {_names(told)}"
    _hop(lead, clock, Kind.LATE, words, told, minutes=0, at=at)


# The steps after that -----------------------------------------------------------------------------


def _climb(lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    """Do each step whose moment has come, and wait for the next."""
    clock.due_at = None
    for minutes, steps in groupby(_steps_ahead(clock), key=lambda step: step.minutes):
        moment = moment_of(clock, minutes, lead.owner)
        if moment > at:
            clock.due_at = moment
            return
        for step in steps:
            _do(step, lead, clock, at=at)
            lead.refresh_from_db(fields=["owner", "team"])
        clock.climbed, clock.escalated_at = minutes, at


def _steps_ahead(clock: ResponseClock) -> Sequence[ResponseStep]:
    if clock.target is None:
        return []
    steps = clock.target.steps.select_related("person", "pool").order_by("minutes", "pk")
    return list(steps if clock.climbed is None else steps.filter(minutes__gt=clock.climbed))


def moment_of(clock: ResponseClock, minutes: int, owner: User | None) -> datetime:
    """When a step is due: so long after the target, counted as the target is."""
    if clock.uses_working_hours:
        return after_working_minutes(queries.calendar_for(owner), clock.respond_by, minutes)
    return clock.respond_by + timedelta(minutes=minutes)


def _do(step: ResponseStep, lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    if step.deed in {Deed.NEXT, Deed.TO_POOL, Deed.TO_PERSON}:
        _give_on(step, lead, clock, at=at)
        return
    told = _whom(step, lead)
    title = f"{lead.name} still waits, {_span(clock, at)} now"
    _tell(lead, clock, told, kind="response_late", title=title, key=f"step:{step.pk}")
    words = f"{step.get_deed_display()}: told {_names(told)}"
    _hop(lead, clock, Kind.TOLD, words, told, minutes=step.minutes, at=at)


def _whom(step: ResponseStep, lead: Lead) -> list[User]:
    if step.deed == Deed.TELL_OWNER:
        return queries.responsible_for(lead)
    if step.deed == Deed.TELL_PERSON:
        there = step.person is not None and step.person.is_active
        return [step.person] if there and step.person else queries.administrators()
    managers = queries.managers_of(lead)
    if step.deed == Deed.TELL_ABOVE:
        managers = managers[1:]
    return managers[:1] or queries.administrators()


def _give_on(step: ResponseStep, lead: Lead, clock: ResponseClock, *, at: datetime) -> None:
    """To somebody else, who is told as of every lead. If nobody can take it, it stays."""
    former = lead.owner
    made, why = _given(step, lead, at=at)
    if made is None or made.owner is None:
        told = queries.managers_of(lead)[:1] or queries.administrators()
        title = f"Nobody else could take {lead.name}, who still waits"
        _tell(lead, clock, told, kind="response_late", title=title, key=f"step:{step.pk}")
        words = f"{step.get_deed_display()}: {why} It stays with {_holder(lead)}"
        _hop(lead, clock, Kind.NOBODY, words, told, minutes=step.minutes, at=at)
        return
    words = f"From {former or 'the queue'} to {made.owner}"
    told = [made.owner]
    _hop(lead, clock, Kind.REASSIGNED, words, told, minutes=step.minutes, at=at, assignment=made)


def _given(step: ResponseStep, lead: Lead, *, at: datetime) -> tuple[Assignment | None, str]:
    if step.deed == Deed.TO_PERSON:
        person = step.person
        if person is None or not person.is_active or person == lead.owner:
            return None, f"{person} has it already or cannot have it."
        note = "Not answered in time."
        cause = Assignment.Cause.ESCALATED
        return assign(lead.pk, owner=person, at=at, cause=cause, note=note), ""
    return _routed_on(step, lead, at=at)


def _routed_on(step: ResponseStep, lead: Lead, *, at: datetime) -> tuple[Assignment | None, str]:
    """Tried inside a savepoint: an escalation never takes a lead from its owner into a queue."""
    found: Assignment | None = None
    with transaction.atomic():
        current = Assignment.objects.filter(Assignment.CURRENT, lead=lead).first()
        if current is not None and current.owner_id is not None:
            refuse(current, Assignment.Answer.LATE)
        decision = route(
            lead.pk,
            at=at,
            cause="escalated",
            again=True,
            pool=step.pool if step.deed == Deed.TO_POOL else None,
            assigned_as=Assignment.Cause.ESCALATED,
            note="Not answered in time.",
        )
        why = decision.reason if decision else ""
        if decision is not None and decision.chosen_id is not None:
            found = Assignment.objects.get(Assignment.CURRENT, lead=lead)
        else:
            transaction.set_rollback(True)
    return found, why


# Telling and writing down -------------------------------------------------------------------------


def _tell(
    lead: Lead, clock: ResponseClock, users: Iterable[User], *, kind: str, title: str, key: str
) -> None:
    """In the app; and by e-mail whoever hears of somebody else's lead: they do not look there."""
    body, url = f"{_holder(lead)} is responsible.", queries.lead_url(lead)
    dedupe_key = f"response-{key}:{_run(clock)}"
    for user in users:
        notify(
            user,
            kind=kind,
            title=title,
            body=body,
            dedupe_key=dedupe_key,
            url=url,
            lead_id=lead.pk,
        )
        if kind == "response_late" and user != lead.owner:
            context: dict[str, object] = {
                "title": title,
                "body": body,
                "url": settings.SITE_URL + url,
            }
            own_key = f"{dedupe_key}:{user.pk}"
            write_to(user, kind="waits", context=context, dedupe_key=own_key, lead=lead)


def _hop(
    lead: Lead,
    clock: ResponseClock,
    kind: str,
    words: str,
    told: Sequence[User],
    *,
    minutes: int,
    at: datetime,
    assignment: Assignment | None = None,
) -> None:
    ClockHop.objects.create(
        lead=lead,
        cycle=clock.cycle,
        kind=kind,
        at=at,
        started_at=clock.started_at,
        minutes=minutes,
        words=words[:300],
        told=[user.pk for user in told],
        assignment=assignment,
    )
    if kind in {Kind.TOLD, Kind.NOBODY}:
        record_activity(
            lead.pk,
            "response_escalated",
            at=at,
            properties={"words": words},
            klass=Activity.Class.MACHINE,
            dedupe_key=f"response-step:{_run(clock)}:{minutes}:{words[:40]}",
        )


def _run(clock: ResponseClock) -> str:
    return f"{clock.pk}:{clock.started_at.timestamp():.0f}"


def _span(clock: ResponseClock, at: datetime) -> str:
    minutes = int((at - clock.started_at).total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _holder(lead: Lead) -> str:
    return lead.owner.name if lead.owner else f"the queue of {lead.team}" if lead.team else "Nobody"


def _names(users: Sequence[User]) -> str:
    return ", ".join(user.name for user in users) or "nobody"


def _each_once(users: Iterable[User]) -> list[User]:
    return list({user.pk: user for user in users}.values())
