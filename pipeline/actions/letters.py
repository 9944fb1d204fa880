"""E-mail that a colleague writes to a lead personally."""

import logging
from datetime import datetime
from email.utils import formataddr, parseaddr
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.models import Lead
from pipeline.actions.work import log_email

logger = logging.getLogger(__name__)
BODY_LIMIT = 20_000


class NotSent(DomainError):
    """The mail server did not take the message."""

    code = "not_sent"
    status = 502
    title = "The e-mail was not sent"


def send_letter(lead: Lead, *, user: User, subject: str, body: str, at: datetime) -> int:
    """Send one e-mail in the colleague's name, answers going to them, then write it down.

    Call it outside a transaction: it talks to the mail server. Returns the activity's id.

    :raises Invalid: no address, or nothing to send. :raises NotSent: nothing was written down.
    """
    subject, text = clean_text(subject, limit=200), clean_text(body, limit=BODY_LIMIT)
    if not lead.email:
        raise Invalid.field("email", f"{lead.name} has no e-mail address. Add one first.")
    if not subject or not text:
        raise Invalid.field("body", "Write a subject and a text before sending.", "required")
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=formataddr((user.name, address)),
        to=[lead.email],
        reply_to=[formataddr((user.name, user.email))],
    )
    try:
        message.send()
    except (OSError, SMTPException) as error:
        logger.exception("Could not send a personal e-mail")
        raise NotSent(
            "The mail server did not take this e-mail. Nothing was sent; try again in a minute."
        ) from error
    return log_email(lead.pk, user=user, at=at, subject=subject, note=text)
