"""What drip campaigns do when something happens to a lead. Each handler may run twice."""

from django.db.models import Q
from django.utils import timezone

from leadcrm.eventlog.registry import on
from leads.events import (
    ConsentChanged,
    CycleClosed,
    ImportUndone,
    LeadCaptured,
    LeadContacted,
    LeadDeleted,
    LeadEnteredSegment,
    LeadLeftSegment,
    LeadQualified,
    LeadReplied,
    LeadTakenOver,
)
from leads.models import Activity, Consent
from leads.queries import imports
from leads.wishes import offers_drips
from nurturing.actions import record_reply
from nurturing.engine import (
    enrol_captured,
    enrol_confirmed,
    enrol_entered,
    enrol_qualified,
    enrol_wished,
    leave,
    reach_goal,
    skip_waiting,
)
from nurturing.engine.leaving import no_longer_in, of_lead, of_leads, on_goal
from nurturing.models import DripCampaign

Goal, StopOn = DripCampaign.Goal, DripCampaign.StopOn


@on(LeadCaptured)
def enrol_on_capture(event: LeadCaptured) -> None:
    enrol_captured(event.lead_id, event.inquiry_id, at=timezone.now())
    enrol_wished(event.lead_id, event.inquiry_id, at=timezone.now())


@offers_drips
def campaigns_of_forms() -> list[tuple[str, str]]:
    """Which a form may name in its settings."""
    running = DripCampaign.objects.exclude(state=DripCampaign.State.ARCHIVED)
    return list(running.order_by("name", "pk").values_list("key", "name"))


@on(LeadQualified)
def follow_qualification(event: LeadQualified) -> None:
    now = timezone.now()
    if event.kind == "sql":
        reach_goal(event.lead_id, [Goal.QUALIFIED], at=now)
        leave(of_lead(event.lead_id, stop=StopOn.QUALIFIED), reason="qualified", at=now)
        leave(on_goal(event.lead_id, Goal.QUALIFIED), reason="qualified", at=now)
    if not imports.keeps_quiet(event.lead_id, "drips"):
        enrol_qualified(event.lead_id, event.kind, at=now)


@on(LeadEnteredSegment)
def enrol_on_entering(event: LeadEnteredSegment) -> None:
    if not imports.keeps_quiet(event.lead_id, "drips"):
        enrol_entered(event.lead_id, event.segment_id, at=timezone.now())


@on(LeadLeftSegment)
def stop_when_left(event: LeadLeftSegment) -> None:
    rows = no_longer_in(event.lead_id, event.segment_id)
    leave(rows, reason="left_segment", at=timezone.now())


@on(LeadTakenOver)
def stop_when_taken_over(event: LeadTakenOver) -> None:
    leave(of_lead(event.lead_id, stop=StopOn.TAKEN_OVER), reason="taken_over", at=timezone.now())


@on(LeadContacted)
def stop_when_contacted(event: LeadContacted) -> None:
    """A call or a personal mail takes the lead over; a booked meeting has its own rule."""
    now = timezone.now()
    kind = Activity.objects.filter(pk=event.activity_id).values_list("type", flat=True).first()
    if kind == "meeting_booked":
        reach_goal(event.lead_id, [Goal.MEETING], at=now)
        leave(of_lead(event.lead_id, stop=StopOn.MEETING), reason="meeting", at=now)
        leave(on_goal(event.lead_id, Goal.MEETING), reason="meeting", at=now)
    leave(of_lead(event.lead_id, stop=StopOn.TAKEN_OVER), reason="contacted", at=now)


@on(LeadReplied)
def stop_on_reply(event: LeadReplied) -> None:
    now = timezone.now()
    record_reply(event.lead_id, at=now)
    reach_goal(event.lead_id, [Goal.REPLY], at=now)
    leave(of_lead(event.lead_id, stop=StopOn.REPLY), reason="replied", at=now)
    leave(on_goal(event.lead_id, Goal.REPLY), reason="replied", at=now)


@on(CycleClosed)
def stop_when_cycle_closes(event: CycleClosed) -> None:
    now = timezone.now()
    if event.outcome == "won":
        reach_goal(event.lead_id, [Goal.WON], at=now)
        leave(on_goal(event.lead_id, Goal.WON), reason="cycle_closed", at=now)
    leave(of_lead(event.lead_id, stop=StopOn.STAGE), reason="cycle_closed", at=now)


@on(ConsentChanged)
def stop_without_consent(event: ConsentChanged) -> None:
    """The newest receipt counts, not the one that made this event."""
    if event.purpose != Consent.Purpose.MARKETING_EMAIL:
        return
    newest = Consent.objects.filter(lead_id=event.lead_id, purpose=event.purpose)
    receipt = newest.order_by("-at", "-pk").first()
    if receipt is None:
        return
    if receipt.granted:
        enrol_confirmed(event.lead_id, at=timezone.now())
        return
    leave(of_lead(event.lead_id), reason="consent_withdrawn", at=timezone.now())
    skip_waiting(Q(lead_id=event.lead_id), reason="consent_withdrawn")


@on(LeadDeleted)
def stop_when_deleted(event: LeadDeleted) -> None:
    leave(of_lead(event.lead_id), reason="deleted", at=timezone.now())


@on(ImportUndone)
def stop_when_taken_back(event: ImportUndone) -> None:
    gone = imports.taken_back(
        event.import_id, first_line=event.first_line, last_line=event.last_line
    )
    leave(of_leads(gone), reason="deleted", at=timezone.now())
