"""Laying a lead aside, for good or until a day, and bringing it back.

Who is laid aside is disqualified until then, so that no rule hands it to sales; when the day comes
it is a lead again, and the rules say anew what it is.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import record_activity
from leads.events import LeadDisqualified, LeadRecycled
from leads.models import Lead, Lifecycle, Stage, Status
from pipeline.actions.cycles import close_cycle
from pipeline.actions.ledger import lock_lead, open_cycle_of, save_lead
from pipeline.models import CloseReason, LostReason, SalesCycle
from pipeline.models.resting import Rest

logger = structlog.get_logger(__name__)

QUEUE = "resting"
BATCH = 200
LONGEST = timedelta(days=3650)
CUSTOMERS = (Lifecycle.CUSTOMER, Lifecycle.EVANGELIST)
LOST_AS = {
    Rest.Reason.NOT_NOW: LostReason.TIMING,
    Rest.Reason.NOT_A_FIT: LostReason.NOT_A_FIT,
}
LOST = CloseReason.Kind.LOST


class NotLaidAside(Conflict):
    """The lead is not laid aside (any more)."""

    code = "not_laid_aside"


@transaction.atomic
def lay_aside(
    lead_id: int,
    *,
    reason: str,
    at: datetime,
    note: str = "",
    wake_at: datetime | None = None,
    user: User | None = None,
) -> Rest:
    """Disqualify with a reason; “not now” with the day to ask again. An open cycle is lost by it.

    :raises Invalid: naming each field. :raises Conflict: a customer, or laid aside already.
    """
    lead = lock_lead(lead_id)
    text = clean_text(note, limit=500)
    _refuse(reason, wake_at, at)
    if lead.lifecycle in CUSTOMERS:
        raise Conflict("This lead is a customer. Close its open cycle as lost instead.")
    if resting(lead_id) is not None:
        raise Conflict("This lead is laid aside already. Bring it back first.")
    cycle = open_cycle_of(lead)
    if cycle is not None:
        _lose(lead, cycle, reason, text, at=at, user=user)
        lead = lock_lead(lead_id)
    waits = reason == Rest.Reason.NOT_NOW
    status = Status.NURTURING if waits else Status.UNQUALIFIED
    save_lead(lead, at=at, status=status, lifecycle=Lifecycle.DISQUALIFIED)
    rest = Rest.objects.create(
        lead=lead, reason=reason, note=text, at=at, by=user, wake_at=wake_at, due_at=wake_at
    )
    properties = {"reason": rest.get_reason_display(), "note": text}
    if wake_at:
        properties["until"] = wake_at.isoformat()
    record_activity(lead.pk, "disqualified", at=at, properties=properties, user=user)
    publish(LeadDisqualified(lead_id=lead.pk, reason=reason), at=at, actor=user)
    return rest


def _refuse(reason: str, wake_at: datetime | None, at: datetime) -> None:
    mistakes = []
    if reason not in Rest.Reason.values:
        known = ", ".join(Rest.Reason.values)
        mistakes.append(FieldError("reason", f"Say why: one of {known}.", "required"))
    if reason == Rest.Reason.NOT_NOW and wake_at is None:
        mistakes.append(FieldError("wake_at", "Say when to ask again.", "required"))
    if wake_at is not None and reason != Rest.Reason.NOT_NOW:
        message = "Only “not now” has a day to ask again. Leave it empty."
        mistakes.append(FieldError("wake_at", message))
    elif wake_at is not None and not at < wake_at <= at + LONGEST:
        mistakes.append(FieldError("wake_at", "Choose a day to come, within ten years."))
    if mistakes:
        raise Invalid(mistakes[0].message, errors=mistakes)


def _lose(
    lead: Lead, cycle: SalesCycle, reason: str, note: str, *, at: datetime, user: User | None
) -> None:
    lost = cycle.pipeline.stages.filter(category=Stage.Category.LOST).order_by("position").first()
    if lost is None:
        raise Conflict(f"The pipeline “{cycle.pipeline}” has no stage for lost leads. Add one.")
    words = Rest.Reason(reason).label
    wanted = LOST_AS.get(Rest.Reason(reason), LostReason.OTHER)
    close_cycle(
        lead.pk,
        to=lost,
        at=at,
        actor=user,
        reason=_known_reason(wanted),
        note=f"{words}: {note}" if note else words,
    )


def _known_reason(wanted: str) -> str:
    """The company's own list may lack it: then “other”, or what it has."""
    known = list(
        CloseReason.objects.filter(kind=LOST, archived_at=None)
        .order_by("position", "pk")
        .values_list("key", flat=True)
    )
    choices = [key for key in (wanted, LostReason.OTHER.value) if key in known]
    return next(iter([*choices, *known]), wanted)


def resting(lead_id: int) -> Rest | None:
    return Rest.objects.filter(lead=lead_id, ended_at=None).select_related("by").first()


@transaction.atomic
def bring_back(lead_id: int, *, at: datetime, user: User | None = None) -> None:
    """A lead again, before its day or although it was laid aside for good.

    :raises NotLaidAside: it is not.
    """
    lead = lock_lead(lead_id)
    rest = resting(lead_id)
    if rest is None:
        raise NotLaidAside("This lead is not laid aside. There is nothing to bring back.")
    rest.ended_at, rest.due_at, rest.lease_token = at, None, None
    rest.save(update_fields=["ended_at", "due_at", "lease_token"])
    save_lead(lead, at=at, status=Status.RECYCLED, lifecycle=Lifecycle.LEAD)
    why = {"reason": rest.get_reason_display(), "note": rest.note}
    record_activity(lead.pk, "recycled", at=at, properties=why, user=user)
    publish(LeadRecycled(lead_id=lead.pk), at=at, actor=user)
    if lead.owner is not None and lead.owner != user:
        notify(
            lead.owner,
            kind="lead",
            title=f"{lead.name} is back: {rest.note or 'it was “not now” until today'}",
            url=f"/leads/{lead.public_id}/",
            dedupe_key=f"rest-{rest.pk}",
        )


def wake_due(*, at: datetime) -> int:
    """Bring back those whose day has come; return how many were looked at."""
    claim = pump.claim(Rest, limit=BATCH)
    for rest in claim.items:
        try:
            with transaction.atomic():
                _wake(rest, at=at)
                pump.finish(Rest, [rest.pk], token=claim.token)
        except Exception:
            # One that cannot be brought back must not keep the others asleep.
            logger.exception("waking_failed", rest=rest.pk)
            pump.postpone(
                Rest, rest.pk, token=claim.token, seconds=pump.retry_seconds(rest.attempts)
            )
    return len(claim.items)


def _wake(rest: Rest, *, at: datetime) -> None:
    """A lead that is gone, or that somebody brought back meanwhile, is left as it is."""
    try:
        bring_back(rest.lead_id, at=at)
    except (NotFound, NotLaidAside):
        Rest.objects.filter(pk=rest.pk, ended_at=None).update(ended_at=at)
