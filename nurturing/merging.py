"""What becomes of drip campaigns when two leads turn out to be one person, and of parting them."""

from collections.abc import Iterator

from django.db.models import Count, Q

from leads.merging.registry import (
    Found,
    Identity,
    Merging,
    after_moving,
    before_moving,
    carrying_identity,
    moves,
)
from leads.models import Activity, Consent
from nurturing.models import Enrollment, Send
from nurturing.reasons import REASONS

moves(Enrollment, one="drip enrollment")
moves(Send, one="mail")


@before_moving(30)
def stay_in_once(merging: Merging) -> None:
    """In a campaign that both are in, whoever has had more of its mails goes on."""
    mine = _inside(merging.survivor.pk)
    for campaign, theirs in _inside(merging.loser.pk).items():
        if campaign in mine:
            _end(merging, min(mine[campaign], theirs, key=_progress), "merged")


def _inside(lead_id: int) -> dict[int, Enrollment]:
    rows = Enrollment.objects.filter(Enrollment.INSIDE, lead=lead_id)
    had = Count("sends", filter=Q(sends__state__in=Send.GONE))
    return {row.campaign_id: row for row in rows.annotate(had=had)}


def _progress(enrollment: Enrollment) -> tuple[int, int]:
    had: int = enrollment.had  # type: ignore[attr-defined]
    return had, -enrollment.pk


@after_moving(30)
def stop_without_consent(merging: Merging) -> None:
    """What one of them withdrew holds for both: nothing more is sent."""
    newest = Consent.objects.filter(
        lead=merging.survivor.pk, purpose=Consent.Purpose.MARKETING_EMAIL
    )
    receipt = newest.order_by("-at", "-pk").first()
    if receipt is None or receipt.granted:
        return
    for enrollment in Enrollment.objects.filter(Enrollment.INSIDE, lead=merging.survivor.pk):
        _end(merging, enrollment, "consent_withdrawn")
    _skip(merging, Q(lead=merging.survivor.pk), "consent_withdrawn")


def _end(merging: Merging, enrollment: Enrollment, reason: str) -> None:
    merging.journal.change(
        enrollment,
        state=Enrollment.State.EXITED,
        exit_reason=reason,
        ended_at=max(merging.at, enrollment.entered_at),
        due_at=None,
        resume_at=None,
        lease_token=None,
    )
    _skip(merging, Q(enrollment=enrollment.pk), reason)


def _skip(merging: Merging, which: Q, reason: str) -> None:
    for send in Send.objects.filter(which, state__in=Send.WAITING):
        merging.journal.change(
            send,
            state=Send.State.SKIPPED,
            reason_code=reason,
            reason=REASONS[reason],
            settled_at=merging.at,
            due_at=None,
            lease_token=None,
        )


@carrying_identity
def by_their_mail(whose: Identity) -> Iterator[Found]:
    """Mails of their own enrollments and to their own addresses, with what was done with them."""
    rows = Send.objects.filter(lead=whose.survivor_id, planned_at__gte=whose.since)
    theirs = Q(enrollment__lead=whose.loser_id) | Q(to_address__in=whose.emails)
    sends = list(rows.filter(theirs).values_list("pk", flat=True))
    yield Found(Send, sends)
    activities = Activity.objects.filter(
        lead=whose.survivor_id, occurred_at__gte=whose.since, dedupe_key__startswith="send:"
    )
    keys = activities.values_list("pk", "dedupe_key")
    yield Found(Activity, [pk for pk, key in keys if _send_of(key or "") in set(sends)])


def _send_of(dedupe_key: str) -> int:
    number = dedupe_key.split(":")[1] if ":" in dedupe_key else ""
    return int(number) if number.isdigit() else 0
