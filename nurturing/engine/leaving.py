"""Leaving a drip campaign early: the enrollment ends, and what was planned is not sent.

Order of locks, everywhere: the lead's row, then enrollments, then sends. Rows are locked against
changes, not against references (`no_key`), so that new rows that point to them wait for nobody.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from leads.actions import NewActivity, mark_dirty, record_activities
from leads.models import Segment, SegmentMembership
from nurturing.models import DripCampaign, Enrollment, Send
from nurturing.reasons import REASONS


@transaction.atomic
def leave(
    enrollments: "QuerySet[Enrollment]", *, reason: str, at: datetime, words: str = ""
) -> int:
    """End these enrollments, and skip what waits to be sent for them.

    Mails of enrollments that completed already are skipped too when they are among the rows:
    the last mail of a series may still be waiting.
    """
    rows = list(enrollments.select_for_update(of=("self",), no_key=True).select_related("campaign"))
    inside = [row for row in rows if row.is_inside]
    Enrollment.objects.filter(pk__in=[row.pk for row in inside]).update(
        state=Enrollment.State.EXITED,
        exit_reason=reason,
        ended_at=at,
        due_at=None,
        resume_at=None,
        lease_token=None,
    )
    skip_waiting(Q(enrollment__in=[row.pk for row in rows]), reason=reason, words=words)
    record_activities(
        [
            NewActivity(
                lead_id=row.lead_id,
                type="drip_left",
                occurred_at=at,
                properties={
                    "campaign": row.campaign.key,
                    "name": row.campaign.name,
                    "reason": reason,
                },
            )
            for row in inside
        ]
    )
    mark_dirty(row.lead_id for row in inside)  # segments may ask who is in a campaign
    return len(inside)


def skip_waiting(which: Q, *, reason: str, words: str = "") -> int:
    """What waits to be sent becomes `skipped`, even when a worker holds it right now.

    The worker's hand-over is fenced by the state, so it ends with nothing sent.
    """
    return Send.objects.filter(which, state__in=Send.WAITING).update(
        state=Send.State.SKIPPED,
        reason_code=reason,
        reason=words or REASONS[reason],
        settled_at=Now(),
        due_at=None,
        lease_token=None,
    )


def reach_goal(lead_id: int, goals: Sequence[str], *, at: datetime) -> int:
    """Note for every campaign of the lead that has one of these goals that it was reached."""
    return Enrollment.objects.filter(
        lead_id=lead_id, reached_goal_at=None, campaign__goal__in=goals
    ).update(reached_goal_at=at)


def of_lead(lead_id: int, *, stop: str | None = None) -> "QuerySet[Enrollment]":
    """The lead's enrollments; with `stop` those whose campaign leaves on it."""
    rows = Enrollment.objects.filter(lead_id=lead_id).exclude(state=Enrollment.State.EXITED)
    return rows if stop is None else rows.filter(campaign__stop_on__contains=[stop])


def of_leads(lead_ids: Sequence[int]) -> "QuerySet[Enrollment]":
    return Enrollment.objects.filter(lead_id__in=lead_ids).exclude(state=Enrollment.State.EXITED)


def no_longer_in(lead_id: int, segment_id: int) -> "QuerySet[Enrollment]":
    """Enrollments that end because the lead is in none of its campaign's segments any more."""
    modes = [DripCampaign.ExitMode.NO_MATCH, DripCampaign.ExitMode.EITHER]
    rows = of_lead(lead_id).filter(campaign__exit_mode__in=modes, campaign__trigger__on="segment")
    stays = SegmentMembership.objects.filter(lead=lead_id, left_at=None)
    still = set(stays.values_list("segment__public_id", flat=True))
    left = Segment.objects.filter(pk=segment_id).values_list("public_id", flat=True).first()
    gone = [
        row.pk
        for row in rows.select_related("campaign")
        if left in row.campaign.segment_ids and not still & set(row.campaign.segment_ids)
    ]
    return Enrollment.objects.filter(pk__in=gone)


def on_goal(lead_id: int, goal: str) -> "QuerySet[Enrollment]":
    """Enrollments that end because their campaign's goal is reached."""
    modes = [DripCampaign.ExitMode.GOAL, DripCampaign.ExitMode.EITHER]
    return of_lead(lead_id).filter(campaign__goal=goal, campaign__exit_mode__in=modes)
