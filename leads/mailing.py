"""Mail that a person asked for by what they did: to confirm an address, to fetch a file.

Each is a row first. Before the mail server is spoken to, the row says so: a crash in between leaves
one that is perhaps sent, which is shown and not sent again by itself. What fails or is in doubt
stands in Settings, Automatic mail, where a person decides (see `leads.actions.mails`).
"""

import smtplib
import traceback
import uuid
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone

from leadcrm.accounts.models import Workspace
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leads.actions.activities import record_activity
from leads.events import MailNotSent
from leads.models import TransactionalMail

logger = structlog.get_logger(__name__)

QUEUE = "transactional_mail"
BATCH = 20
CAPTURE = "capture"  # to a colleague: a form was sent
LETTER, MEETING = "letter", "meeting"  # what a colleague wrote, and invitations
INTERNAL = frozenset({CAPTURE, LETTER, MEETING})  # these say so themselves, or nobody's timeline
MAILBOX_FULL = 552  # RFC 5321 §4.2.3
ENDED = "The connection ended while it was being sent, so the mail server may have taken it."
State = TransactionalMail.State


def write(
    to: str,
    *,
    kind: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    lead_id: int | None = None,
) -> bool:
    """Queue one mail, once for each `dedupe_key`, from the templates `leads/email/<kind>/`."""
    values = {"site_url": settings.SITE_URL, "workspace": Workspace.load(), **context}
    folder = f"leads/email/{kind}"
    subject = " ".join(render_to_string(f"{folder}/subject.txt", values).split())
    _, created = TransactionalMail.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "kind": kind,
            "to_address": to,
            "subject": subject[:200],
            "text": render_to_string(f"{folder}/body.txt", values),
            "html": render_to_string(f"{folder}/body.html", values),
            "lead_id": lead_id,
        },
    )
    if created:
        pump.wake(QUEUE)
    return created


def queue(
    to: str,
    *,
    kind: str,
    subject: str,
    text: str,
    dedupe_key: str,
    html: str = "",
    sender: str = "",
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    calendar: str = "",
    lead_id: int | None = None,
) -> TransactionalMail:
    """Queue a mail that is written already, once for each `dedupe_key`; sent as all others are.

    :param sender: who it is from, as `Name <address>`. :param calendar: an invitation.
    """
    mail, created = TransactionalMail.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "kind": kind,
            "to_address": to,
            "subject": subject[:200],
            "text": text,
            "html": html,
            "sender": sender,
            "reply_to": reply_to,
            "headers": dict(headers or {}),
            "calendar": calendar,
            "lead_id": lead_id,
        },
    )
    if created:
        pump.wake(QUEUE)
    return mail


def drain(*, limit: int = BATCH) -> int:
    """Send what is due, outside any transaction of ours; return how many were taken."""
    recover()
    claim = pump.claim(TransactionalMail, limit=limit)
    if not claim:
        return 0
    connection = get_connection()
    for mail in claim.items:
        if mail.state == State.QUEUED:
            _send(mail, connection, token=claim.token)
    connection.close()
    return len(claim.items)


def recover() -> int:
    """Mails whose worker died while it spoke to the mail server."""
    return TransactionalMail.objects.filter(state=State.HANDED_OFF, due_at__lte=Now()).update(
        state=State.UNKNOWN,
        due_at=None,
        reason="The worker ended while it was being sent, so the mail server may have taken it.",
        last_error="The worker ended while it was being sent.",
    )


def _send(mail: TransactionalMail, connection: BaseEmailBackend, *, token: uuid.UUID) -> None:
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        _try_again(mail, error, token=token)  # nothing was handed over
        return
    mine = TransactionalMail.objects.filter(pk=mail.pk, lease_token=token, state=State.QUEUED)
    if not mine.update(state=State.HANDED_OFF):
        return
    try:
        _message(mail, connection).send()
    except smtplib.SMTPServerDisconnected:
        connection.close()
        _end(mail, State.UNKNOWN, token=token, reason=ENDED)
    except Exception as error:
        # The server said no, or the mail could not be written: it was certainly not taken.
        connection.close()
        _try_again(mail, error, token=token)
    else:
        _end(mail, State.SENT, token=token, reason="", sent_at=Now())
        _tell_timeline(mail)


def _tell_timeline(mail: TransactionalMail) -> None:
    if mail.lead_id is not None and mail.kind not in INTERNAL:
        record_activity(
            mail.lead_id,
            "email_sent",
            at=timezone.now(),
            properties={"subject": mail.subject},
            dedupe_key=f"asked-mail:{mail.pk}",
        )


def _message(mail: TransactionalMail, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    # The same at every attempt, so that a mailbox can drop a repeat.
    own = {"Message-ID": f"<asked-{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=mail.sender or None,
        to=[mail.to_address],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        connection=connection,
        headers=mail.headers or own,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    if mail.calendar:
        method = "CANCEL" if "METHOD:CANCEL" in mail.calendar else "REQUEST"
        message.attach_alternative(mail.calendar, f"text/calendar; method={method}")
    return message


def _end(mail: TransactionalMail, state: str, *, token: uuid.UUID, **changes: Any) -> None:
    error = "" if state == State.SENT else _trace()
    ended = pump.finish(
        TransactionalMail, [mail.pk], token=token, state=state, last_error=error, **changes
    )
    if ended and state != State.SENT and mail.lead_id is not None:
        with transaction.atomic():
            publish(MailNotSent(lead_id=mail.lead_id, mail_id=mail.pk), at=timezone.now())


def _try_again(mail: TransactionalMail, error: Exception, *, token: uuid.UUID) -> None:
    """Later, unless the server refused this address or this mail for good."""
    reason = words_of(error)[:400]
    if mail.attempts >= pump.MAX_ATTEMPTS or is_final(error):
        _end(mail, State.FAILED, token=token, reason=reason)
        return
    pump.postpone(
        TransactionalMail,
        mail.pk,
        token=token,
        seconds=pump.retry_seconds(mail.attempts),
        state=State.QUEUED,
        reason=reason,
        last_error=_trace(),
    )


def is_final(error: Exception) -> bool:
    """5yz about the address or the message; a full mailbox and what is wrong with us may pass."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return all(500 <= code < 600 and code != MAILBOX_FULL for code in codes)
    return isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600


def words_of(error: Exception) -> str:
    """What went wrong, for the person who can act."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = "; ".join(_said(code, text) for code, text in error.recipients.values())
        return f"The mail server refused the address: {said}."
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "The mail server refused our user or password. An administrator must set EMAIL_URL."
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server said no: {_said(error.smtp_code, error.smtp_error)}."
    if isinstance(error, (OSError, smtplib.SMTPException)):
        return "The mail server could not be reached."
    return f"The mail could not be written ({type(error).__name__}). Report it."


def _said(code: int, text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(plain.split())}"[:300].rstrip(".")


def _trace() -> str:
    return traceback.format_exc()[-pump.DEAD_LETTER_TEXT :]
