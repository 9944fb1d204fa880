"""Meetings with leads: agreed, moved, called off, and what came of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, Invalid
from leadcrm.lib.normalise import clean_text
from leads import mailing
from leads.actions import record_activity
from leads.models import Lead
from pipeline.actions.ledger import lock_lead
from pipeline.actions.response import record_contact
from pipeline.actions.work import FollowUp, create_task, log_meeting, refresh_next_step
from pipeline.models import Meeting, Task

TITLE_LIMIT, PLACE_LIMIT, AGENDA_LIMIT = 120, 300, 5_000
LONGEST = timedelta(hours=24)
FARTHEST = timedelta(days=5 * 365)


class MeetingOver(Conflict):
    """It was held, missed or called off before."""

    code = "meeting_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When and where. `invites`: send the lead an invitation for the calendar."""

    starts_at: datetime
    minutes: int = 30
    title: str = ""
    place: str = ""
    agenda: str = ""
    invites: bool = True

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


@transaction.atomic
def book_meeting(lead_id: int, plan: Plan, *, user: User, at: datetime) -> Meeting:
    """Agree on a time: on the timeline, as the next step, and in the lead's calendar.

    :raises Invalid: a time that has passed or is taken, or nobody to invite.
    """
    lead = lock_lead(lead_id)
    _check(lead, plan, user, at=at)
    title = clean_text(plan.title, limit=TITLE_LIMIT) or f"{lead.name} and {user.name}"
    task = create_task(
        lead.pk,
        title=title,
        kind=Task.Kind.MEETING,
        due_at=plan.starts_at,
        assignee=user,
        actor=user,
        at=at,
    )
    meeting = Meeting.objects.create(
        lead=lead,
        host=user,
        task=task,
        title=title,
        place=clean_text(plan.place, limit=PLACE_LIMIT),
        agenda=clean_text(plan.agenda, limit=AGENDA_LIMIT),
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        is_invited=plan.invites,
        created_at=at,
    )
    properties = {"meeting": meeting.public_id, "title": title, "text": when_of(meeting)}
    activity = record_activity(lead.pk, "meeting_booked", at=at, user=user, properties=properties)
    if activity is not None:
        record_contact(lead.pk, activity_id=activity, at=at)
    if plan.invites:
        _invite(meeting)
    return meeting


def _check(lead: Lead, plan: Plan, user: User, *, at: datetime, but: Meeting | None = None) -> None:
    if plan.starts_at <= at:
        raise Invalid.field("starts_at", "This time has passed. Choose one in the future.")
    if plan.starts_at > at + FARTHEST:
        raise Invalid.field("starts_at", "Choose a time within the next five years.")
    if not timedelta(minutes=5) <= plan.ends_at - plan.starts_at <= LONGEST:
        raise Invalid.field("minutes", "A meeting takes from 5 minutes to 24 hours.")
    if plan.invites and not lead.email:
        raise Invalid.field(
            "invites", f"{lead.name} has no e-mail address to invite. Add one, or invite by phone."
        )
    taken = Meeting.objects.filter(
        host=user,
        state=Meeting.State.BOOKED,
        starts_at__lt=plan.ends_at,
        ends_at__gt=plan.starts_at,
    ).exclude(pk=but.pk if but else 0)
    other = taken.select_related("lead").first()
    if other is not None:
        raise Invalid.field(
            "starts_at",
            f"You meet somebody else then: “{other.title}”, {when_of(other)}. Choose another time.",
            "taken",
        )


@transaction.atomic
def move_meeting(meeting: Meeting, plan: Plan, *, user: User, at: datetime) -> Meeting:
    """Another time or place; who was invited gets the new invitation.

    :raises MeetingOver: it is not booked any more. :raises Invalid: see `book_meeting`.
    """
    lead, found = _lock(meeting)
    _check(lead, plan, found.host, at=at, but=found)
    found.starts_at, found.ends_at = plan.starts_at, plan.ends_at
    found.title = clean_text(plan.title, limit=TITLE_LIMIT) or found.title
    found.place = clean_text(plan.place, limit=PLACE_LIMIT)
    found.agenda = clean_text(plan.agenda, limit=AGENDA_LIMIT)
    found.sequence += 1
    found.is_invited = found.is_invited or plan.invites
    found.save()
    Task.objects.filter(meeting=found, done_at=None).update(
        due_at=found.starts_at, title=found.title, snoozed_until=None
    )
    refresh_next_step(lead.pk)
    properties = {"meeting": found.public_id, "title": found.title, "text": when_of(found)}
    record_activity(lead.pk, "meeting_moved", at=at, user=user, properties=properties)
    if found.is_invited:
        _invite(found)
    return found


@transaction.atomic
def cancel_meeting(meeting: Meeting, *, user: User, at: datetime, reason: str = "") -> None:
    """Call it off; who was invited is told.

    :raises MeetingOver: it is not booked any more.
    """
    lead, found = _lock(meeting)
    _end(found, Meeting.State.CANCELLED, user=user, at=at)
    properties = {"title": found.title, "note": clean_text(reason, limit=500)}
    record_activity(lead.pk, "meeting_cancelled", at=at, user=user, properties=properties)
    if found.is_invited and lead.email:
        found.sequence += 1
        found.save(update_fields=["sequence"])
        _invite(found)


@transaction.atomic
def close_meeting(
    meeting: Meeting,
    *,
    user: User,
    at: datetime,
    outcome: str,
    note: str = "",
    follow_up: FollowUp | None = None,
) -> None:
    """Write down that it was held, or that nobody came.

    :raises MeetingOver: it is not booked any more. :raises Invalid: no such outcome.
    """
    lead, found = _lock(meeting)
    if outcome not in {Meeting.State.HELD, Meeting.State.NO_SHOW}:
        raise Invalid.field("outcome", "Say whether it was held, or that nobody came (no_show).")
    log_meeting(lead.pk, user=user, at=at, outcome=outcome, note=note, follow_up=follow_up)
    _end(found, outcome, user=user, at=at)


def _lock(meeting: Meeting) -> tuple[Lead, Meeting]:
    lead = lock_lead(meeting.lead_id)
    found = Meeting.objects.select_related("host", "lead").get(pk=meeting.pk)
    if found.state != Meeting.State.BOOKED:
        raise MeetingOver(
            f"This meeting is over: {found.get_state_display().lower()}. Book another one."
        )
    return lead, found


def _end(meeting: Meeting, state: str, *, user: User, at: datetime) -> None:
    meeting.state = state
    meeting.save(update_fields=["state"])
    Task.objects.filter(meeting=meeting, done_at=None).update(
        done_at=at, done_by=user, outcome=Meeting.State(state).label
    )
    refresh_next_step(meeting.lead_id)


def when_of(meeting: Meeting) -> str:
    """In the zone of whoever looks."""
    start, end = timezone.localtime(meeting.starts_at), timezone.localtime(meeting.ends_at)
    return f"{start:%a %-d %b %Y, %H:%M}–{end:%H:%M}"


# Invitations --------------------------------------------------------------------------------------


def _invite(meeting: Meeting) -> None:
    cancelled = meeting.state == Meeting.State.CANCELLED
    zone = meeting.host.zone
    start = meeting.starts_at.astimezone(zone)
    words = f"{start:%A %-d %B %Y, %H:%M} ({zone.key})"
    lines = [
        f"Hello {meeting.lead.first_name or meeting.lead.name},",
        "",
        f"{'This meeting is called off' if cancelled else 'We meet'}: {meeting.title}",
        words,
        meeting.place,
        "",
        meeting.agenda,
        "",
        meeting.host.name,
    ]
    text = "\n".join(line for i, line in enumerate(lines) if line or (i and lines[i - 1]))
    subject = f"{'Called off: ' if cancelled else ''}{meeting.title}, {start:%-d %B, %H:%M}"
    mailing.queue(
        meeting.lead.email,
        kind=mailing.MEETING,
        subject=subject,
        text=text,
        sender=formataddr((meeting.host.name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        reply_to=formataddr((meeting.host.name, meeting.host.email)),
        calendar=calendar_of(meeting),
        dedupe_key=f"meeting:{meeting.public_id}:{meeting.sequence}",
        lead_id=meeting.lead_id,
    )


def calendar_of(meeting: Meeting) -> str:
    """The invitation as iCalendar (RFC 5545, RFC 5546)."""
    cancelled = meeting.state == Meeting.State.CANCELLED
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//LeadCRM//Meetings//EN",
        f"METHOD:{'CANCEL' if cancelled else 'REQUEST'}",
        "BEGIN:VEVENT",
        f"UID:{meeting.public_id}@{domain}",
        f"SEQUENCE:{meeting.sequence}",
        f"DTSTAMP:{_utc(meeting.created_at)}",
        f"DTSTART:{_utc(meeting.starts_at)}",
        f"DTEND:{_utc(meeting.ends_at)}",
        f"SUMMARY:{_text(meeting.title)}",
        f"LOCATION:{_text(meeting.place)}",
        f"DESCRIPTION:{_text(meeting.agenda)}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        f"ORGANIZER;CN={_name(meeting.host.name)}:mailto:{meeting.host.email}",
        f"ATTENDEE;CN={_name(meeting.lead.name)};RSVP=TRUE:mailto:{meeting.lead.email}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    kept = [line for line in lines if not line.endswith((":", "mailto:"))]
    return "\r\n".join(_folded(line) for line in kept) + "\r\n"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\n", "\\n")


def _name(name: str) -> str:
    plain = "".join(c for c in name if c.isprintable() and c != '"')
    return f'"{plain}"'


def _folded(line: str) -> str:
    """Lines of at most 75 bytes; the next begins with a space (RFC 5545 §3.1)."""
    parts: list[str] = []
    part = ""
    for letter in line:
        if len((part + letter).encode()) > (75 if not parts else 74):
            parts.append(part)
            part = ""
        part += letter
    return "\r\n ".join([*parts, part])
