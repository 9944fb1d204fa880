"""What the ground floor does when something happens to a lead. Each reads the present state."""

from django.utils import timezone

from leadcrm.eventlog.moment import happened_at
from leadcrm.eventlog.registry import on
from leads.actions import feedback, membership
from leads.actions.merging import gather_stragglers
from leads.actions.sources import tell_watchers_of_source
from leads.actions.telling import tell_of_capture
from leads.events import (
    ConsentChanged,
    CycleClosed,
    LeadCaptured,
    LeadDeleted,
    LeadMerged,
    LeadQualified,
    StageChanged,
)
from leads.models import Consent
from leads.queries.feedback import stage_conversion
from leads.tracking import stitching
from leads.tracking.visits import objects


@on(LeadMerged)
def follow_the_merged(event: LeadMerged) -> None:
    """Whoever found the lead before it was merged may have written for it after."""
    gather_stragglers(event.merge_id)


@on(LeadCaptured)
def tell_colleagues(event: LeadCaptured) -> None:
    """Those whom the form or the source names; each only of leads they may see."""
    tell_of_capture(event.inquiry_id)


@on(LeadCaptured)
def tell_watchers(event: LeadCaptured) -> None:
    """Those who watch a source, of each new lead it brings."""
    if event.is_new:
        tell_watchers_of_source(event.inquiry_id)


@on(LeadCaptured)
def recognise_visitor(event: LeadCaptured) -> None:
    """Whoever sent a form did so in a browser: what it did before is this lead's story too."""
    stitching.link_captured(event.inquiry_id)


@on(ConsentChanged)
def follow_tracking_consent(event: ConsentChanged) -> None:
    if event.purpose != Consent.Purpose.TRACKING:
        return
    if objects(event.lead_id):
        stitching.stop_tracking(event.lead_id, at=timezone.now())
    else:
        stitching.allow_tracking(event.lead_id)


@on(LeadDeleted)
def leave_segments(event: LeadDeleted) -> None:
    membership.refresh([event.lead_id], at=timezone.now())


@on(LeadCaptured)
def tell_of_lead(event: LeadCaptured) -> None:
    """To the advertiser that brought it; so with all that follow."""
    feedback.note_arrival(event.inquiry_id, at=happened_at())


@on(LeadQualified)
def tell_of_qualification(event: LeadQualified) -> None:
    feedback.note_conversion(event.lead_id, event.kind, at=happened_at())


@on(StageChanged)
def tell_of_stage(event: StageChanged) -> None:
    conversion = stage_conversion(event.lead_id, event.to_stage)
    if conversion:
        feedback.note_conversion(event.lead_id, conversion, at=happened_at())


@on(CycleClosed)
def tell_of_win(event: CycleClosed) -> None:
    if event.outcome == "won":
        feedback.note_conversion(event.lead_id, "won", at=happened_at())
