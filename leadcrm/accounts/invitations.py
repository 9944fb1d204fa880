"""The letter to a new colleague: a link to choose a password, as for a forgotten one."""

from smtplib import SMTPException

import structlog
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from leadcrm.accounts.models import User, Workspace

logger = structlog.get_logger(__name__)


def link_for(user: User) -> str:
    """Works until used, or for three days (PASSWORD_RESET_TIMEOUT)."""
    parts = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    path = reverse("account_reset_password_from_key", kwargs=parts)
    return f"{settings.SITE_URL}{path}"


def send(user: User, *, invited_by: User) -> bool:
    """Send the letter; return whether the mail server took it."""
    context = {
        "name": user.name,
        "invited_by": invited_by.name,
        "workspace": Workspace.load().name,
        "link": link_for(user),
    }
    subject = f"{invited_by.name} invited you to {context['workspace']} on LeadCRM"
    body = render_to_string("account/email/invitation.txt", context)
    try:
        return bool(send_mail(" ".join(subject.split()), body, None, [user.email]))
    except (OSError, SMTPException):
        logger.exception("invitation_not_sent", user_id=user.pk)
        return False
