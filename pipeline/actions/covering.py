"""Open leads of somebody who is away: to whoever covers, and back afterwards."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import structlog
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from leadcrm.accounts.models import Absence, User
from leadcrm.lib import pump
from leads.models import Lead
from pipeline import queries
from pipeline.actions.owners import assign_many
from pipeline.models import Assignment, CoverShift

logger = structlog.get_logger(__name__)

QUEUE = "cover_shifts"
BATCH = 20
CHUNK = 500


@transaction.atomic
def plan_shifts(user_ids: Sequence[int], *, at: datetime) -> None:
    """Follow what people wrote down of their absences; run twice it changes nothing."""
    for user in User.objects.filter(pk__in=user_ids):
        for absence in Absence.objects.filter(user=user, moves_leads=True):
            shift, _ = CoverShift.objects.get_or_create(absence=absence, defaults={"due_at": None})
            _set_due(shift, absence, user)
        if user.pk not in queries.absences_now([user], at):
            give_back(user, at=at)
    pump.wake(QUEUE)


def _set_due(shift: CoverShift, absence: Absence, user: User) -> None:
    """Midnight where the person is: of the first day, then after the last."""
    due: datetime | None = None
    if shift.handed_over_at is None:
        due = _midnight(absence.first_day, user)
    elif shift.returned_at is None:
        due = _midnight(absence.last_day + timedelta(days=1), user)
    CoverShift.objects.filter(pk=shift.pk).update(due_at=due, lease_token=None)


def _midnight(day: date, user: User) -> datetime:
    return datetime.combine(day, time.min, tzinfo=user.zone)


def sweep_shifts(*, limit: int = BATCH) -> int:
    """Hand over and give back what is due; return how many absences were looked at."""
    claim = pump.claim(CoverShift, limit=limit)
    for shift in claim.items:
        try:
            with transaction.atomic():
                _sweep(shift, at=timezone.now())
        except Exception:
            # One that fails must not keep the others waiting.
            logger.exception("cover_shift_failed", absence=shift.pk)
            seconds = pump.retry_seconds(shift.attempts)
            pump.postpone(CoverShift, shift.pk, token=claim.token, seconds=seconds)
    return len(claim.items)


def _sweep(shift: CoverShift, *, at: datetime) -> None:
    absence = Absence.objects.select_related("user", "cover").get(pk=shift.pk)
    user = absence.user
    today = at.astimezone(user.zone).date()
    if today > absence.last_day:
        give_back(user, at=at)
        shift.returned_at = at
        shift.handed_over_at = shift.handed_over_at or at
    elif today >= absence.first_day and shift.handed_over_at is None:
        _hand_over(absence, at=at)
        shift.handed_over_at = at
    shift.save(update_fields=["handed_over_at", "returned_at"])
    _set_due(shift, absence, user)


def _hand_over(absence: Absence, *, at: datetime) -> None:
    """To the cover, or whoever covers for them; with nobody there the leads stay, and the watch
    tells the manager.
    """
    user = absence.user
    cover = queries.stand_in(user, at)
    if cover is None:
        return
    leads = Lead.objects.live().open().filter(owner=user).order_by("pk")
    note = f"{user.name} is away until {absence.last_day:%-d %b}. {absence.note}".strip()
    _assign(list(leads.values_list("pk", flat=True)), cover, Assignment.Cause.COVER, note, at=at)


def give_back(user: User, *, at: datetime) -> None:
    """What covers got of somebody who is here again, and nobody has reassigned since."""
    before = Assignment.objects.filter(lead=OuterRef("lead"), pk__lt=OuterRef("pk"))
    covered = (
        Assignment.objects.filter(Assignment.CURRENT, cause=Assignment.Cause.COVER)
        .annotate(former=Subquery(before.order_by("-pk").values("owner")[:1]))
        .filter(former=user.pk, lead__in=Lead.objects.live().open().values("pk"))
        .order_by("lead")
    )
    if user.is_active:
        ids = list(covered.values_list("lead_id", flat=True))
        note = f"{user.name} is back."
        _assign(ids, user, Assignment.Cause.RETURNED, note, at=at)


def _assign(lead_ids: Sequence[int], owner: User, cause: str, note: str, *, at: datetime) -> None:
    for start in range(0, len(lead_ids), CHUNK):
        chunk = lead_ids[start : start + CHUNK]
        assign_many(chunk, owner=owner, at=at, cause=cause, note=note)
