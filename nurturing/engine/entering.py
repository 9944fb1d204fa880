"""Entering a drip campaign, many leads at once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from leadcrm.lib import pump
from leads.actions import NewActivity, mark_dirty, record_activities
from leads.models import Confirmation, Inquiry, SegmentMembership
from leads.wishes import wishes_from, wishes_of
from nurturing.models import DripCampaign, Step

QUEUE = "enrollments"


@transaction.atomic
def enrol(
    campaign: DripCampaign,
    lead_ids: Sequence[int],
    *,
    cause: str,
    at: datetime,
    inquiry_id: int | None = None,
    again: bool = False,
) -> list[int]:
    """Put leads at the first step; return the ids of those who really entered.

    Who is inside already stays where they are. Who was inside before enters only with `again`.
    Consent is not asked here but before each mail, so that the answer is never stale.
    """
    first = Step.objects.filter(version_id=campaign.published_id).order_by("position").first()
    if first is None or not campaign.is_active:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO nurturing_enrollment
              (campaign_id, version_id, lead_id, step_id, state, cause, inquiry_id, exit_reason,
               entered_at, step_since, due_at, attempts)
            SELECT %(campaign)s, %(version)s, l.id, %(step)s, 'active', %(cause)s, %(inquiry)s, '',
                   %(at)s, %(at)s, now() + %(wait)s * interval '1 minute', 0
              FROM leads_lead l
             WHERE l.id = ANY(%(leads)s) AND l.merged_into_id IS NULL AND l.deleted_at IS NULL
               AND (%(again)s OR NOT EXISTS (
                     SELECT 1 FROM nurturing_enrollment e
                      WHERE e.campaign_id = %(campaign)s AND e.lead_id = l.id))
             ORDER BY l.id
            ON CONFLICT (campaign_id, lead_id) WHERE state IN ('active', 'paused') DO NOTHING
            RETURNING lead_id
            """,
            {
                "campaign": campaign.pk,
                "version": campaign.published_id,
                "step": first.pk,
                "cause": cause,
                "inquiry": inquiry_id,
                "at": at,
                "wait": first.wait_minutes if first.kind == Step.Kind.WAIT else 0,
                "leads": list(lead_ids),
                "again": again,
            },
        )
        entered = [row[0] for row in cursor.fetchall()]
    record_activities(
        [
            NewActivity(
                lead_id=lead_id,
                type="drip_entered",
                occurred_at=at,
                properties={"campaign": campaign.key, "name": campaign.name, "cause": cause},
            )
            for lead_id in entered
        ]
    )
    mark_dirty(entered)  # segments may ask who is in a campaign
    if entered:
        pump.wake(QUEUE)
    return entered


def enrol_captured(lead_id: int, inquiry_id: int, *, at: datetime) -> None:
    """A capture arrived: every running campaign that its form starts.

    For the inquiry's lead of today: the one it came for may have been merged since.
    """
    inquiry = (
        Inquiry.objects.filter(pk=inquiry_id, is_test=False)
        .values_list("form_version__form__slug", "lead_id")
        .first()
    )
    slug, lead_id = inquiry or (None, lead_id)
    # What was asked for comes before what everybody gets: its mail is planned first.
    for campaign in sorted(_started_by("capture"), key=lambda each: not each.form_slugs):
        if campaign.takes_form(slug or ""):
            enrol(campaign, [lead_id], cause="capture", at=at, inquiry_id=inquiry_id)


def enrol_wished(lead_id: int, inquiry_id: int, *, at: datetime) -> None:
    """The campaign that the form itself names; once consent that must be confirmed is confirmed."""
    inquiry = Inquiry.objects.filter(pk=inquiry_id, is_test=False).first()
    wished = wishes_of(inquiry_id).drip
    if inquiry is None or not wished or inquiry.context.get("consent_to_confirm"):
        return
    _enrol_in(wished, inquiry.lead_id, at=at, inquiry_id=inquiry_id)


def enrol_confirmed(lead_id: int, *, at: datetime) -> None:
    """What their forms named, for those who have confirmed their consent by now."""
    confirmed = Confirmation.objects.filter(
        lead_id=lead_id, holds_lead=False, confirmed_at__isnull=False
    )
    for raw in confirmed.values_list("version__form__wishes", flat=True):
        _enrol_in(wishes_from(raw).drip, lead_id, at=at, inquiry_id=None)


def _enrol_in(key: str, lead_id: int, *, at: datetime, inquiry_id: int | None) -> None:
    campaign = DripCampaign.objects.filter(key=key, state=DripCampaign.State.ACTIVE).first()
    if campaign is not None:
        enrol(campaign, [lead_id], cause="capture", at=at, inquiry_id=inquiry_id)


def enrol_qualified(lead_id: int, kind: str, *, at: datetime) -> None:
    for campaign in _started_by("qualified"):
        if kind in campaign.trigger.get("kinds", ["mql"]):
            enrol(campaign, [lead_id], cause="qualified", at=at)


def enrol_entered(lead_id: int, segment_id: int, *, at: datetime) -> None:
    """Somebody came into a segment, and is in it still."""
    stay = SegmentMembership.objects.filter(lead=lead_id, segment=segment_id, left_at=None)
    public_id = stay.values_list("segment__public_id", flat=True).first()
    if public_id is None:
        return
    for campaign in _started_by("segment"):
        if public_id in campaign.segment_ids:
            enrol(campaign, [lead_id], cause="segment", at=at)


def _started_by(trigger: str) -> list[DripCampaign]:
    return list(
        DripCampaign.objects.filter(state=DripCampaign.State.ACTIVE, trigger__on=trigger).order_by(
            "pk"
        )
    )
