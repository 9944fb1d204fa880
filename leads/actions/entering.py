"""A lead entered by hand or by a program, who may be known already."""

from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import Actor
from leadcrm.lib import normalise
from leadcrm.lib.errors import Conflict, FieldError
from leads.actions.inquiries import complete_lead, survivor
from leads.actions.knowing import propose, recognise
from leads.actions.leads import ContactFields, EmailTaken, IdTaken, create_lead
from leads.models import Lead, Source


class EmailOfHidden(Conflict):
    """The address belongs to a lead that this person may not see, so nothing of it is told."""

    code = "email_taken"

    def __init__(self) -> None:
        message = "This address belongs to a lead you may not see. Ask an administrator."
        super().__init__(message, errors=[FieldError("email", message, "email_taken")])


@transaction.atomic
def enter_lead(
    fields: ContactFields,
    *,
    reader: Any,
    at: datetime,
    source: Source | None = None,
    actor: Actor | None = None,
    user: User | None = None,
    channel: str = "app",
    external: str = "",
) -> tuple[Lead, bool]:
    """Make a lead, or fill what is empty of the one with this address; whether it is new.

    A deleted lead comes back.

    :raises EmailOfHidden: the address is known, and `reader` may not see whose.
    """
    known = _known(fields, external)
    if known is None:
        try:
            lead = create_lead(
                fields,
                at=at,
                source=source,
                actor=actor,
                user=user,
                channel=channel,
                external=external,
            )
        except (EmailTaken, IdTaken) as taken:  # by somebody at the same moment
            known = survivor(taken.lead).pk
        else:
            return lead, True
    contact = {name: value for name, value in fields.items() if name != "custom" and value}
    done = complete_lead(known, contact, fields.get("custom") or {}, at=at, external=external)  # type: ignore[arg-type]
    found = Lead.objects.visible_to(reader).filter(pk=done.lead_id).first()
    if found is None:
        raise EmailOfHidden
    propose(found.pk, done.said, at=at)
    return found, False


def _known(fields: ContactFields, external: str) -> int | None:
    email = normalise.email(fields.get("email") or "")
    canonical = email.canonical if email else ""
    named = ContactFields(email=canonical)  # by an address or id: a form has time to ask
    return recognise(named, email=canonical, external=external).lead_id
