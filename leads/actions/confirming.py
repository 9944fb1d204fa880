"""Double opt-in: a link in a mail says that the address belongs to who typed it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from leadcrm.lib import pump, tokens
from leadcrm.lib.errors import Conflict, NotFound, TooManyRequests
from leads import mailing
from leads.actions.consent import email_hash, record_consent
from leads.models import Confirmation, Consent, FormVersion, InboxItem, Lead, Suppression

PURPOSE = "form-confirm"
CONFIRMED = "confirmed"  # a flag of the capture
DAYS = 3
MOST_MAILS = 5


class TooLateToConfirm(Conflict):
    code = "confirmation_expired"
    status = 410
    title = "This link has ended"

    def __init__(self) -> None:
        super().__init__("It worked for a few days only. Ask for a new link below.")


class EnoughMails(TooManyRequests):
    code = "enough_mails"

    def __init__(self) -> None:
        super().__init__(
            "We have sent this link several times. Look in the spam folder, or write to us.",
            retry_after=3600,
        )


def token_of(confirmation: Confirmation) -> str:
    return tokens.sign(PURPOSE, str(confirmation.pk))


def days_of(version: FormVersion) -> int:
    return int(version.settings.get("confirm_days") or DAYS)


@transaction.atomic
def ask_to_confirm(
    item: InboxItem,
    version: FormVersion,
    *,
    email: str,
    purposes: Sequence[dict[str, Any]],
    lead_id: int | None,
    at: datetime,
) -> Confirmation:
    """Write down what is to be confirmed and send the link; once for each capture.

    :param lead_id: None when the capture becomes a lead only afterwards.
    """
    confirmation, created = Confirmation.objects.get_or_create(
        inbox_item=item,
        defaults={
            "version": version,
            "lead_id": lead_id,
            "email": email,
            "purposes": list(purposes),
            "holds_lead": lead_id is None,
            "expires_at": at + timedelta(days=days_of(version)),
        },
    )
    if created:
        _send(confirmation)
    return confirmation


def _send(confirmation: Confirmation) -> None:
    version = confirmation.version
    context = {
        "form": version.form,
        "version": version,
        "confirmation": confirmation,
        "wordings": [each["wording"] for each in confirmation.purposes if each.get("wording")],
        "link": f"{settings.SITE_URL}/f/confirm/{token_of(confirmation)}/",
    }
    number = confirmation.mails + 1
    mailing.write(
        confirmation.email,
        kind="confirm",
        context=context,
        dedupe_key=f"confirm:{confirmation.pk}:{number}",
        lead_id=confirmation.lead_id,
    )
    Confirmation.objects.filter(pk=confirmation.pk).update(mails=number)
    confirmation.mails = number


def find_confirmation(token: str) -> Confirmation:
    """:raises NotFound: the link is not one of ours."""
    key = tokens.unsign(PURPOSE, token) or ""
    found = (
        Confirmation.objects.select_related("version__form", "inbox_item").filter(pk=key).first()
        if key.isdecimal()
        else None
    )
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def confirm(confirmation_id: int, *, at: datetime, remote_address: str = "") -> Confirmation:
    """The person pressed the button. Pressed again it changes nothing.

    A capture that was held is due at once: it becomes a lead as any other.

    :raises TooLateToConfirm:
    """
    found = (
        Confirmation.objects.select_for_update(of=("self",))
        .select_related("version__form", "inbox_item")
        .get(pk=confirmation_id)
    )
    if found.confirmed_at is not None:
        return found
    if found.expires_at <= at:
        raise TooLateToConfirm
    found.confirmed_at, found.confirmed_from = at, remote_address
    found.save(update_fields=["confirmed_at", "confirmed_from"])
    _allow_mail_again(found, at=at)
    if found.holds_lead:
        _let_go(found.inbox_item)
    else:
        _allow(found, at=at)
    return found


def _allow_mail_again(confirmation: Confirmation, *, at: datetime) -> None:
    """A fresh opt-in undoes an unsubscription; a bounce, a complaint or a block by hand stays."""
    if any(each["purpose"] == Consent.Purpose.MARKETING_EMAIL for each in confirmation.purposes):
        Suppression.objects.filter(
            email_hash=email_hash(confirmation.email),
            scope="global",
            reason=Suppression.Reason.UNSUBSCRIBED,
            released_at=None,
        ).update(released_at=at)


def _let_go(item: InboxItem) -> None:
    InboxItem.objects.filter(pk=item.pk, state=InboxItem.State.REJECTED).update(
        state=InboxItem.State.RECEIVED,
        flags=[*item.flags, CONFIRMED],
        reason_code="",
        reason="",
        attempts=0,
        due_at=Now(),
        lease_token=None,
        settled_at=None,
    )
    pump.wake("inbox")


def _allow(confirmation: Confirmation, *, at: datetime) -> None:
    lead = _lead(confirmation)
    if lead is None:
        return
    for each in confirmation.purposes:
        record_consent(
            lead.pk,
            each["purpose"],
            granted=True,
            at=at,
            wording=each.get("wording", ""),
            source=source_of(confirmation.version, confirmed=True),
            remote_address=confirmation.confirmed_from,
            inbox_item=confirmation.inbox_item,
        )


def _lead(confirmation: Confirmation) -> Lead | None:
    lead = confirmation.lead
    while lead is not None and lead.merged_into is not None:
        lead = lead.merged_into
    return lead


def source_of(version: FormVersion, *, confirmed: bool = False) -> str:
    return f"form:{version.form.slug} v{version.number}" + (", confirmed" if confirmed else "")


@transaction.atomic
def send_again(confirmation_id: int, *, at: datetime) -> Confirmation:
    """A new mail with a link that works as long as the first did.

    :raises EnoughMails:
    """
    found = (
        Confirmation.objects.select_for_update(of=("self",))
        .select_related("version__form")
        .get(pk=confirmation_id)
    )
    if found.confirmed_at is not None:
        return found
    if found.mails >= MOST_MAILS:
        raise EnoughMails
    found.expires_at = at + timedelta(days=days_of(found.version))
    found.save(update_fields=["expires_at"])
    _send(found)
    return found
