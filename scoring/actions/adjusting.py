"""Points by hand: each is a dated row with a reason, and counts until it expires."""

from datetime import datetime, timedelta

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, FieldError, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import NewActivity, mark_dirty, record_activities
from leads.models import Lead
from scoring.actions.checking import is_whole, refuse
from scoring.models import Adjustment, ScoringModel

MOST_AT_ONCE = 50
LONGEST = timedelta(days=3650)


class AdjustmentOver(Conflict):
    """It does not count any more."""

    code = "adjustment_over"


@transaction.atomic
def adjust_score(
    lead_id: int,
    *,
    points: int,
    reason: str | None,
    at: datetime,
    expires_at: datetime | None = None,
    user: User | None = None,
    model: ScoringModel | None = None,
) -> Adjustment:
    """Add or take points. :raises Invalid: naming each field. :raises NotFound: no such lead."""
    if not Lead.objects.live().filter(pk=lead_id).exists():
        raise NotFound
    model = model or ScoringModel.objects.filter(is_default=True).first()
    if model is None:
        raise NotFound("There is no scoring model yet.")
    text = clean_text(reason if isinstance(reason, str) else "", limit=300)
    refuse(_mistakes(lead_id, points, text, expires_at, at))
    made = Adjustment.objects.create(
        model=model,
        lead_id=lead_id,
        points=points,
        reason=text,
        at=at,
        expires_at=expires_at,
        made_by=user,
    )
    _note(made, points, at=at, user=user)
    return made


def _mistakes(
    lead_id: int, points: int, reason: str, expires_at: datetime | None, at: datetime
) -> list[FieldError]:
    mistakes = []
    if not is_whole(points, -100, 100) or points == 0:
        message = "Points are a whole number from −100 to 100, and not 0."
        mistakes.append(FieldError("points", message))
    if not reason:
        message = "Say why: colleagues read it beside the score."
        mistakes.append(FieldError("reason", message, "required"))
    if expires_at is not None and not at < expires_at <= at + LONGEST:
        message = "Choose a day after today and within ten years, or none for no end."
        mistakes.append(FieldError("expires_at", message))
    if not mistakes and len(standing(lead_id, at=at)) >= MOST_AT_ONCE:
        message = f"{MOST_AT_ONCE} adjustments count already. Take one back first."
        mistakes.append(FieldError("points", message))
    return mistakes


def standing(lead_id: int, *, at: datetime) -> list[Adjustment]:
    """Those that count at a moment, or will."""
    rows = Adjustment.objects.filter(lead=lead_id, revoked_at=None).select_related("made_by")
    return [row for row in rows.order_by("at", "pk") if not row.expires_at or row.expires_at > at]


@transaction.atomic
def revoke_adjustment(adjustment_id: int, *, at: datetime, user: User | None = None) -> Adjustment:
    """It counts no more from now on; what it did until now stays in the history.

    :raises AdjustmentOver: it was taken back or expired before.
    """
    found = Adjustment.objects.select_for_update(of=("self",)).filter(pk=adjustment_id).first()
    if found is None:
        raise NotFound
    if found.revoked_at is not None or (found.expires_at and found.expires_at <= at):
        raise AdjustmentOver("This adjustment is over already. There is nothing to take back.")
    found.revoked_at, found.revoked_by = max(at, found.at), user
    found.save(update_fields=["revoked_at", "revoked_by"])
    _note(found, -found.points, at=at, user=user)
    return found


def _note(adjustment: Adjustment, points: int, *, at: datetime, user: User | None) -> None:
    record_activities(
        [
            NewActivity(
                lead_id=adjustment.lead_id,
                type="score_adjusted",
                occurred_at=at,
                properties={"points": points, "reason": adjustment.reason},
                user_id=user.pk if user else None,
            )
        ]
    )
    mark_dirty([adjustment.lead_id])
