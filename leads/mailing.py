"""Mail that a person asked for by what they did: to confirm an address, to fetch a file.

Each is a row first. Before the mail server is spoken to, the row says so: a crash in between leaves
one that is perhaps sent, which is shown and not sent again by itself.
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
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone

from leadcrm.accounts.models import Workspace
from leadcrm.lib import pump
from leads.actions.activities import record_activity
from leads.models import TransactionalMail

logger = structlog.get_logger(__name__)

QUEUE = "transactional_mail"
BATCH = 20
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
        state=State.UNKNOWN, due_at=None, last_error="The worker ended while it was being sent."
    )


def _send(mail: TransactionalMail, connection: BaseEmailBackend, *, token: uuid.UUID) -> None:
    try:
        connection.open()
    except (OSError, smtplib.SMTPException):
        _try_again(mail, token=token)  # nothing was handed over
        return
    mine = TransactionalMail.objects.filter(pk=mail.pk, lease_token=token, state=State.QUEUED)
    if not mine.update(state=State.HANDED_OFF):
        return
    try:
        _message(mail, connection).send()
    except smtplib.SMTPServerDisconnected:
        connection.close()
        _end(mail, State.UNKNOWN, token=token)
    except Exception:
        # The server said no, or the mail could not be written: it was certainly not taken.
        connection.close()
        _try_again(mail, token=token)
    else:
        _end(mail, State.SENT, token=token, sent_at=Now())
        _tell_timeline(mail)


def _tell_timeline(mail: TransactionalMail) -> None:
    if mail.lead_id is not None:
        record_activity(
            mail.lead_id,
            "email_sent",
            at=timezone.now(),
            properties={"subject": mail.subject},
            dedupe_key=f"asked-mail:{mail.pk}",
        )


def _message(mail: TransactionalMail, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        to=[mail.to_address],
        connection=connection,
        # The same at every attempt, so that a mailbox can drop a repeat.
        headers={
            "Message-ID": f"<asked-{mail.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _end(mail: TransactionalMail, state: str, *, token: uuid.UUID, **changes: Any) -> None:
    error = "" if state == State.SENT else _trace()
    pump.finish(TransactionalMail, [mail.pk], token=token, state=state, last_error=error, **changes)


def _try_again(mail: TransactionalMail, *, token: uuid.UUID) -> None:
    if mail.attempts >= pump.MAX_ATTEMPTS:
        _end(mail, State.FAILED, token=token)
        return
    pump.postpone(
        TransactionalMail,
        mail.pk,
        token=token,
        seconds=pump.retry_seconds(mail.attempts),
        state=State.QUEUED,
        last_error=_trace(),
    )


def _trace() -> str:
    return traceback.format_exc()[-pump.DEAD_LETTER_TEXT :]
