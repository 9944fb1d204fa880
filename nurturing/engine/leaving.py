"""Leaving a drip campaign early: the enrollment ends, and what was planned is not sent.

Order of locks, everywhere: the lead's row, then enrollments, then sends.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from leads.actions import NewActivity, record_activities
from nurturing.models import DripCampaign, Enrollment, Send

# The words behind each reason: why somebody left, or did not get a mail.
REASONS: dict[str, str] = {
    "replied": "The lead replied.",
    "taken_over": "A rep took over.",
    "contacted": "A rep is in touch.",
    "meeting": "A meeting was booked.",
    "cycle_closed": "The sales cycle ended.",
    "qualified": "The lead became sales-qualified.",
    "unsubscribed": "The lead unsubscribed.",
    "consent_withdrawn": "Consent for marketing e-mail was withdrawn.",
    "no_consent": "There is no consent for marketing e-mail.",
    "suppressed": "The address is on the suppression list.",
    "bounced": "The address does not exist.",
    "complained": "The lead reported a mail as spam.",
    "deleted": "The lead was deleted or merged.",
    "stopped": "Somebody stopped it by hand.",
    "archived": "The campaign was archived.",
    "not_enrolled": "The lead is no longer in the campaign.",
    "campaign_paused": "The campaign is paused.",
    "no_address": "The lead has no e-mail address.",
    "frequency": "The lead had a mail from us recently.",
    "window": "Outside the hours in which we send.",
    "no_window": "The sending hours never open.",
    "template_error": "The template could not be filled in.",
    "retry": "The mail server asked to try later.",
    "sender_paused": "Our mail server refuses us; sending is paused.",
    "rejected": "The mail server refused the message.",
    "policy": "The mail server refused the message for its policy.",
    "gave_up": "The mail server kept refusing for two days.",
    "in_doubt": "The process ended before the mail server’s answer arrived.",
    "publish": "The campaign was published without the rest of the steps.",
}  # fmt: skip


@transaction.atomic
def leave(
    enrollments: "QuerySet[Enrollment]", *, reason: str, at: datetime, words: str = ""
) -> int:
    """End these enrollments, and skip what waits to be sent for them.

    Mails of enrollments that completed already are skipped too when they are among the rows:
    the last mail of a series may still be waiting.
    """
    rows = list(enrollments.select_for_update(of=("self",)).select_related("campaign"))
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


def on_goal(lead_id: int, goal: str) -> "QuerySet[Enrollment]":
    """Enrollments that end because their campaign's goal is reached."""
    modes = [DripCampaign.ExitMode.GOAL, DripCampaign.ExitMode.EITHER]
    return of_lead(lead_id).filter(campaign__goal=goal, campaign__exit_mode__in=modes)
