"""E-mail to colleagues: written down with what it tells of, sent afterwards by a worker."""

import traceback
import uuid
from datetime import datetime
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import models, transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone

from leadcrm.accounts import notices
from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.models import Inquiry, Lead
from pipeline import queries
from pipeline.models import Assignment, StaffEmail

QUEUE = "staff_mail"
# Causes that give many leads in one go: one message for all of them.
TOGETHER = frozenset(
    {
        Assignment.Cause.BULK,
        Assignment.Cause.LEFT,
        Assignment.Cause.COVER,
        Assignment.Cause.RETURNED,
    }
)
BATCH = 20
# By which choice of notifications an e-mail goes.
CHOSEN_AS = {"assigned_many": "assigned", "waits": "response_late"}


def write_to(
    user: User, *, kind: str, context: dict[str, object], dedupe_key: str, lead: Lead | None = None
) -> bool:
    """Queue one e-mail, once for each `dedupe_key`, from the templates `pipeline/email/<kind>/`.

    Not for who wants no such e-mail; for who has quiet hours, when they end.
    """
    now = timezone.now()
    due_at = notices.email_moment(user, CHOSEN_AS.get(kind, kind), at=now)
    if due_at is None:
        return False
    values = {**context, "user": user, "lead": lead, "site_url": settings.SITE_URL}
    folder = f"pipeline/email/{kind}"
    _, created = StaffEmail.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "user": user,
            "lead": lead,
            "kind": kind,
            **({"due_at": due_at} if due_at > now else {}),
            "subject": " ".join(render_to_string(f"{folder}/subject.txt", values).split())[:200],
            "text": render_to_string(f"{folder}/body.txt", values),
            "html": render_to_string(f"{folder}/body.html", values),
        },
    )
    if created:
        pump.wake(QUEUE)
    return created


@transaction.atomic
def tell_of_assignment(assignment_id: int, *, at: datetime) -> None:
    """Tell the new owner in the app and by e-mail; for a queue, whoever manages it.

    Nobody is told what they did themselves, or what is no longer so.
    """
    assignment = (
        Assignment.objects.filter(Assignment.CURRENT, pk=assignment_id)
        .select_related(
            "lead__score_row", "lead__stage", "owner", "decision", "actor", "lead__team"
        )
        .first()
    )
    if assignment is None or (assignment.owner and assignment.owner == assignment.actor):
        return
    if assignment.owner is not None:
        _tell_owner(assignment, assignment.owner, at=at)
    elif assignment.decision is not None:
        _tell_queue(assignment, assignment.decision.reason)


def _tell_owner(assignment: Assignment, owner: User, *, at: datetime) -> None:
    if assignment.cause in TOGETHER:
        _tell_of_many(assignment, owner)
        return
    lead, decision = assignment.lead, assignment.decision
    why = decision.reason if decision else assignment.note or assignment.get_cause_display()
    key = f"assigned:{assignment.pk}"
    notify(
        owner,
        kind="assigned",
        title=f"{lead.name} is yours",
        body=why,
        dedupe_key=key,
        url=queries.lead_url(lead),
        lead_id=lead.pk,
    )
    context = {
        "why": why,
        "assignment": assignment,
        "url": settings.SITE_URL + queries.lead_url(lead),
        "inquiry": Inquiry.objects.filter(lead=lead).order_by("-received_at").first(),
        "respond_by": lead.response_due_at if lead.responded_at is None else None,
        "now": at,
    }
    write_to(owner, kind="assigned", context=context, dedupe_key=key, lead=lead)


def _tell_of_many(assignment: Assignment, owner: User) -> None:
    """One message for all that were given in one go."""
    together = Assignment.objects.filter(
        owner=owner, cause=assignment.cause, from_at=assignment.from_at, actor=assignment.actor
    )
    number, giver = together.count(), assignment.actor or "LeadCRM"
    key = f"assigned-many:{assignment.actor_id}:{assignment.from_at.isoformat()}"
    title = f"{giver} gave you {number} leads" if number > 1 else f"{giver} gave you a lead"
    url = "/leads/?owner=me"
    notify(owner, kind="assigned", title=title, body=assignment.note, dedupe_key=key, url=url)
    context: dict[str, object] = {
        "title": title,
        "note": assignment.note,
        "leads": [a.lead for a in together.select_related("lead").order_by("pk")[:20]],
        "more": max(number - 20, 0),
        "url": settings.SITE_URL + url,
    }
    write_to(owner, kind="assigned_many", context=context, dedupe_key=f"{key}:{owner.pk}")


def _tell_queue(assignment: Assignment, reason: str) -> None:
    lead = assignment.lead
    for user in queries.responsible_for(lead):
        notify(
            user,
            kind="queued",
            title=f"{lead.name} waits in the queue of {assignment.team}",
            body=reason,
            dedupe_key=f"queued:{assignment.pk}",
            url=queries.lead_url(lead),
            lead_id=lead.pk,
        )


@transaction.atomic
def tell_of_reply(lead_id: int, *, activity_id: int) -> None:
    """Tell the owner that a lead answered."""
    lead = Lead.objects.live().select_related("owner").filter(pk=lead_id).first()
    if lead is None or lead.owner is None or not lead.owner.is_active:
        return
    notify(
        lead.owner,
        kind="replied",
        title=f"{lead.name} replied",
        dedupe_key=f"reply:{activity_id}",
        url=queries.lead_url(lead),
        lead_id=lead.pk,
    )


@transaction.atomic
def tell_of_inquiry(inquiry_id: int) -> None:
    """Tell the owner that a lead of theirs asked again."""
    inquiry = Inquiry.objects.select_related("lead__owner", "source").filter(pk=inquiry_id).first()
    owner = inquiry.lead.owner if inquiry else None
    if inquiry is None or owner is None or not owner.is_active:
        return
    notify(
        owner,
        kind="inquiry",
        title=f"{inquiry.lead.name} asked again",
        body=inquiry.message or str(inquiry.source or ""),
        dedupe_key=f"inquiry:{inquiry.pk}",
        url=queries.lead_url(inquiry.lead),
        lead_id=inquiry.lead_id,
    )


# Sending ------------------------------------------------------------------------------------------


def send_due(*, limit: int = BATCH) -> int:
    """Send what is due, outside any transaction of ours; return how many were taken."""
    claim = pump.claim(StaffEmail, limit=limit)
    if not claim:
        return 0
    models.prefetch_related_objects(claim.items, "user")
    connection = get_connection()
    for email in claim.items:
        _send(email, connection, token=claim.token)
    connection.close()
    return len(claim.items)


def _send(email: StaffEmail, connection: BaseEmailBackend, *, token: uuid.UUID) -> None:
    try:
        if email.user.is_active:
            connection.open()
            _message(email, connection).send()
    except Exception:
        # Whatever a mail server, or the way to it, thinks of: try again later, and say why.
        connection.close()
        _record_failure(email, token=token)
    else:
        pump.finish(
            StaffEmail,
            [email.pk],
            token=token,
            state=StaffEmail.State.SENT,
            sent_at=Now(),
            last_error="",
        )


def _message(email: StaffEmail, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=email.subject,
        body=email.text,
        to=[email.user.email],
        connection=connection,
        # The same at every attempt, so that a mailbox can drop a repeat.
        headers={"Message-ID": f"<staff-{email.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    if email.html:
        message.attach_alternative(email.html, "text/html")
    return message


def _record_failure(email: StaffEmail, *, token: uuid.UUID) -> None:
    error = traceback.format_exc()[-pump.DEAD_LETTER_TEXT :]
    if email.attempts >= pump.MAX_ATTEMPTS:
        pump.finish(
            StaffEmail, [email.pk], token=token, state=StaffEmail.State.DEAD, last_error=error
        )
    else:
        seconds = pump.retry_seconds(email.attempts)
        pump.postpone(StaffEmail, email.pk, token=token, seconds=seconds, last_error=error)
