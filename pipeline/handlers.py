"""What the pipeline does when something happens to a lead. Each reads the present state."""

from contextlib import suppress

from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leadcrm.eventlog.registry import on
from leadcrm.lib.errors import NotFound
from leads.events import (
    LeadAssigned,
    LeadCaptured,
    LeadContacted,
    LeadCreated,
    LeadQualified,
    LeadReplied,
    LeadsImported,
)
from leads.models import Activity, Inquiry
from leads.queries import imports
from pipeline import actions


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
    actions.tell_of_reply(event.lead_id, activity_id=event.activity_id)


@on(LeadContacted)
def record_contact(event: LeadContacted) -> None:
    at = timezone.now()
    with suppress(NotFound):
        actions.record_contact(event.lead_id, activity_id=event.activity_id, at=at)
        if event.user_id is not None:
            actions.announce_takeover(event.lead_id, user_id=event.user_id, at=at)
