"""What the pipeline does when something happens to a lead. Each reads the present state."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from django.utils import timezone

from leadcrm.accounts import leaving
from leadcrm.accounts.events import AvailabilityChanged
from leadcrm.accounts.models import Role, User
from leadcrm.accounts.notices import Section, writes_digest
from leadcrm.eventlog.registry import on
from leadcrm.lib import pump
from leadcrm.lib.errors import NotFound
from leads.events import (
    DealAdded,
    LeadAssigned,
    LeadCaptured,
    LeadContacted,
    LeadCreated,
    LeadEnteredSegment,
    LeadQualified,
    LeadReplied,
    LeadScoreCrossed,
    LeadsImported,
    MailNotSent,
    StageChanged,
)
from leads.models import Activity, Inquiry, Lead, LeadScore, SegmentMembership, Temperature
from leads.queries import imports
from leads.threads import finds
from pipeline import actions
from pipeline.actions import covering, departures, letters, routing
from pipeline.actions.automation import apply_moves
from pipeline.actions.response import SPOKE
from pipeline.models import AutoMove, Deal, Letter
from pipeline.queries import morning


@on(LeadCaptured)
def open_cycle_for_inquiry(event: LeadCaptured) -> None:
    inquiry = Inquiry.objects.filter(pk=event.inquiry_id).first()
    lead_id = inquiry.lead_id if inquiry else event.lead_id  # it may have been merged since
    # A lead that was deleted since has nothing left to open.
    with suppress(NotFound):
        actions.open_cycle(lead_id, at=timezone.now(), inquiry=inquiry)
        actions.honour_wishes(lead_id, event.inquiry_id, at=timezone.now())
        if not event.is_new:
            actions.tell_of_inquiry(event.inquiry_id)


@on(LeadCreated)
def open_cycle_for_entry(event: LeadCreated) -> None:
    with suppress(NotFound):
        actions.open_cycle(event.lead_id, at=timezone.now(), owner=_rep_who_entered(event.lead_id))


def _rep_who_entered(lead_id: int) -> User | None:
    entry = (
        Activity.objects.filter(lead=lead_id, type="lead_created")
        .select_related("user")
        .order_by("pk")
        .first()
    )
    user = entry.user if entry else None
    return user if user is not None and user.is_active and user.role == Role.REP else None


@on(LeadsImported)
def take_up_newcomers(event: LeadsImported) -> None:
    wishes = imports.wishes_of(event.import_id)
    if wishes is None or not wishes.funnel:
        return
    lines = {"first_line": event.first_line, "last_line": event.last_line}
    with suppress(NotFound):
        actions.take_up(imports.newcomers(event.import_id, **lines), wishes, at=timezone.now())


@on(LeadQualified)
def qualify_and_route(event: LeadQualified) -> None:
    at = timezone.now()
    with suppress(NotFound):
        qualified = actions.qualify(event.lead_id, kind=event.kind, at=at)
        if qualified and not imports.keeps_quiet(event.lead_id, "route_qualified"):
            actions.route(event.lead_id, at=at)


@on(LeadAssigned)
def tell_of_assignment(event: LeadAssigned) -> None:
    actions.tell_of_assignment(event.assignment_id, at=timezone.now())


@on(LeadAssigned)
def retime_clock(event: LeadAssigned) -> None:
    with suppress(NotFound):
        actions.retime_clock(event.lead_id, at=timezone.now())


@on(LeadReplied)
def tell_of_reply(event: LeadReplied) -> None:
    letters.thread_reply(event.lead_id, activity_id=event.activity_id)
    actions.tell_of_reply(event.lead_id, activity_id=event.activity_id)


@on(MailNotSent)
def tell_not_sent(event: MailNotSent) -> None:
    letters.tell_not_sent(event.mail_id)


@on(LeadContacted)
def record_contact(event: LeadContacted) -> None:
    at = timezone.now()
    with suppress(NotFound):
        actions.record_contact(event.lead_id, activity_id=event.activity_id, at=at)
        if event.user_id is not None:
            actions.announce_takeover(event.lead_id, user_id=event.user_id, at=at)


# Moves by rule ------------------------------------------------------------------------------------


@on(LeadContacted)
def move_by_contact(event: LeadContacted) -> None:
    activity = Activity.objects.filter(pk=event.activity_id).first()
    if activity is None or activity.klass != Activity.Class.HUMAN:
        return
    triggers = {AutoMove.Trigger.CONTACTED.value, activity.type} & set(AutoMove.Trigger.values)
    if activity.type in SPOKE:
        triggers.add(AutoMove.Trigger.SPOKE)
    _apply(event.lead_id, triggers, since=activity.occurred_at)


@on(LeadReplied)
def move_by_reply(event: LeadReplied) -> None:
    activity = Activity.objects.filter(pk=event.activity_id).first()
    if activity is not None:
        _apply(event.lead_id, {AutoMove.Trigger.REPLIED}, since=activity.occurred_at)


@on(LeadScoreCrossed)
def move_by_temperature(event: LeadScoreCrossed) -> None:
    score = LeadScore.objects.filter(lead=event.lead_id, temperature=Temperature.HOT).first()
    if score is not None and score.temperature_since is not None:
        _apply(event.lead_id, {AutoMove.Trigger.HOT}, since=score.temperature_since)


@on(LeadEnteredSegment)
def move_by_segment(event: LeadEnteredSegment) -> None:
    member = SegmentMembership.objects.filter(
        lead=event.lead_id, segment=event.segment_id
    ).select_related("segment")
    found = member.first()
    if found is not None:
        trigger: set[str] = {AutoMove.Trigger.SEGMENT}
        segment = found.segment.public_id
        _apply(event.lead_id, trigger, since=found.entered_at, segment=segment)


@on(DealAdded)
def move_by_deal(event: DealAdded) -> None:
    deal = Deal.objects.filter(pk=event.deal_id).first()
    if deal is not None:
        _apply(deal.lead_id, {AutoMove.Trigger.DEAL_ADDED}, since=deal.created_at)


def _apply(lead_id: int, triggers: set[str], *, since: datetime, segment: str = "") -> None:
    with suppress(NotFound):
        apply_moves(lead_id, triggers, at=timezone.now(), since=since, segment=segment)


@finds
def lead_of_letter(message_ids: Sequence[str]) -> int | None:
    """Whose e-mail is answered, whatever address the answer comes from."""
    known = [form for name in message_ids for form in (name, f"<{name.strip('<>')}>")]
    found = Letter.objects.filter(message_id__in=known, lead__in=Lead.objects.live())
    return found.values_list("lead_id", flat=True).first()


@on(LeadScoreCrossed)
def reaim_by_score(event: LeadScoreCrossed) -> None:
    with suppress(NotFound):
        actions.reaim_clock(event.lead_id, at=timezone.now())


@on(StageChanged)
def reaim_by_stage(event: StageChanged) -> None:
    with suppress(NotFound):
        actions.reaim_clock(event.lead_id, at=timezone.now())


# People -------------------------------------------------------------------------------------------

leaving.holds(departures.holdings)
leaving.hands_over(departures.hand_over)


@on(AvailabilityChanged)
def follow_availability(event: AvailabilityChanged) -> None:
    """Clocks are counted again, leads go to covers and back, the queue looks for room."""
    people = list(User.objects.filter(pk__in=event.user_ids)) if event.user_ids else None
    actions.mark_stale(people)
    covering.plan_shifts(event.user_ids, at=timezone.now())
    pump.wake(routing.QUEUE)


@writes_digest
def digest(user: User, at: datetime) -> list[Section]:
    return morning.sections(user, at=at)
