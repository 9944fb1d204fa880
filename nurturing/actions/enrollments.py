from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, NotFound
from leads.models import Lead
from nurturing.engine import enrol, leave
from nurturing.models import DripCampaign, Enrollment, Send


class AlreadyEnrolled(Conflict):
    """The lead is in the campaign right now."""

    code = "already_enrolled"


class CampaignNotRunning(Conflict):
    """A draft, paused or archived campaign takes nobody in."""

    code = "campaign_not_running"


@transaction.atomic
def enrol_by_hand(lead: Lead, campaign: DripCampaign, *, at: datetime) -> Enrollment:
    """Put a lead into a campaign, also one it was in before.

    :raises CampaignNotRunning: resume or publish it first.
    :raises AlreadyEnrolled: the lead is inside.
    """
    if not campaign.is_active:
        raise CampaignNotRunning(
            f"“{campaign.name}” is not running. Publish or resume it, then enrol people."
        )
    if not enrol(campaign, [lead.pk], cause="manual", at=at, again=True):
        raise AlreadyEnrolled(f"{lead.name} is in “{campaign.name}” already.")
    return Enrollment.objects.select_related("campaign", "step").get(
        Enrollment.INSIDE, lead=lead, campaign=campaign
    )


@transaction.atomic
def stop(lead_id: int, campaign: DripCampaign, *, at: datetime) -> None:
    """Take a lead out by hand; what is planned for it is not sent.

    :raises NotFound: it is not inside.
    """
    inside = Enrollment.objects.filter(Enrollment.INSIDE, lead_id=lead_id, campaign=campaign)
    if not leave(inside, reason="stopped", at=at):
        raise NotFound("The lead is not in this campaign.")


class NotInDoubt(Conflict):
    """What became of the mail is known."""

    code = "not_in_doubt"


@transaction.atomic
def send_again(send: Send) -> None:
    """Somebody decides that a mail in doubt did not arrive: it goes out once more.

    It keeps its Message-ID, so a mailbox that did get it can tell.

    :raises NotInDoubt: it was sent, or was not; or somebody decided already.
    """
    changed = Send.objects.filter(pk=send.pk, state=Send.State.UNKNOWN).update(
        state=Send.State.PLANNED,
        due_at=Now(),
        lease_token=None,
        attempts=0,
        handed_off_at=None,
        settled_at=None,
        reason_code="",
        reason="",
    )
    if not changed:
        raise NotInDoubt("What became of this mail is known by now. Reload the page.")
    pump.wake("sends")
