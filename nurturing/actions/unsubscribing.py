"""No more mail, or only some: what recipients decide, effective before the next hand-over."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from leads.actions import record_activity, record_consent
from leads.actions.consent import release_hash, suppress_hash
from leads.models import Consent, Lead, Suppression
from nurturing.engine import leave, skip_waiting
from nurturing.models import DeliveryEvent, Enrollment, Send, Topic
from nurturing.tracking import Recipient

PURPOSE = Consent.Purpose.MARKETING_EMAIL
WORDING = "Yes, send me e-mail about the topics I chose on the preferences page."


@transaction.atomic
def unsubscribe(
    who: Recipient, *, at: datetime, source: str = "one-click", remote_address: str = ""
) -> None:
    """Withdraw consent, suppress the address and end everything, in one transaction.

    Works by the address's hash: for a lead that was merged, deleted or erased since. Done twice
    it changes nothing the second time.
    """
    leads = lock_leads_of(who)
    suppress_hash(who.email_hash, reason=Suppression.Reason.UNSUBSCRIBED, at=at, source=source)
    for lead in leads:
        if _allows(lead.pk) is not False:
            record_consent(
                lead.pk,
                PURPOSE,
                granted=False,
                at=at,
                source=source,
                remote_address=remote_address,
            )
    leave(
        Enrollment.objects.filter(lead__in=leads).exclude(state=Enrollment.State.EXITED),
        reason="unsubscribed",
        at=at,
    )
    skip_waiting(Q(email_hash=who.email_hash) | Q(lead__in=leads), reason="unsubscribed")
    _note(who, at=at)


def _note(who: Recipient, *, at: datetime) -> None:
    """The first time a mail leads to it, it is an event of that mail and of its lead."""
    send = Send.objects.filter(public_id=who.send_public_id, unsubscribed_at=None).first()
    if send is None:
        return
    Send.objects.filter(pk=send.pk).update(unsubscribed_at=at)
    DeliveryEvent.objects.create(
        send=send,
        kind=DeliveryEvent.Kind.UNSUBSCRIBE,
        klass=DeliveryEvent.Class.HUMAN,
        at=at,
    )
    record_activity(
        send.lead_id,
        "unsubscribe",
        at=at,
        properties={"subject": send.subject, "send": send.public_id},
        dedupe_key=f"send:{send.pk}:unsubscribe",
    )


@transaction.atomic
def choose_topics(who: Recipient, chosen: Iterable[str], *, at: datetime) -> None:
    """Mail about these topics and no others; none chosen unsubscribes from all."""
    wanted = set(chosen)
    if not wanted:
        unsubscribe(who, at=at, source="preferences")
        return
    lock_leads_of(who)
    for key in Topic.objects.values_list("key", flat=True):
        if key in wanted:
            release_hash(who.email_hash, at=at, scope=key)
        else:
            suppress_hash(
                who.email_hash,
                reason=Suppression.Reason.UNSUBSCRIBED,
                at=at,
                scope=key,
                source="preferences",
            )
            skip_waiting(Q(email_hash=who.email_hash, topic=key), reason="unsubscribed")
    if not receives_mail(who):
        resubscribe(who, at=at)


@transaction.atomic
def resubscribe(who: Recipient, *, at: datetime) -> bool:
    """Undo an unsubscription; a bounce, a complaint or a block by hand is not undone by a link."""
    leads = [lead for lead in lock_leads_of(who) if lead.deleted_at is None]
    blocked = Suppression.objects.filter(
        email_hash=who.email_hash, scope="global", released_at=None
    ).exclude(reason=Suppression.Reason.UNSUBSCRIBED)
    if blocked.exists():
        return False
    release_hash(who.email_hash, at=at)
    for lead in leads:
        if _allows(lead.pk) is not True:
            record_consent(
                lead.pk, PURPOSE, granted=True, at=at, wording=WORDING, source="preferences"
            )
            record_activity(lead.pk, "resubscribe", at=at, properties={})
    return True


def lock_leads_of(who: Recipient) -> list[Lead]:
    """The leads that were mailed under this address, and those they were merged into, locked."""
    mailed = Lead.objects.filter(
        Q(sends__email_hash=who.email_hash) | Q(sends__public_id=who.send_public_id)
    )
    known = set(mailed.values_list("pk", flat=True))
    fresh = known
    while fresh:  # a merge may have been merged again
        fresh = set(
            Lead.objects.filter(merged__in=fresh).exclude(pk__in=known).values_list("pk", flat=True)
        )
        known |= fresh
    rows = (
        Lead.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=known)
        .order_by("pk")
    )
    return list(rows)


def _allows(lead_id: int) -> bool | None:
    return (
        Consent.objects.filter(lead_id=lead_id, purpose=PURPOSE)
        .order_by("-at", "-pk")
        .values_list("granted", flat=True)
        .first()
    )


def receives_mail(who: Recipient) -> bool:
    """Whether the address may be mailed at all."""
    return not Suppression.objects.filter(
        email_hash=who.email_hash, scope="global", released_at=None
    ).exists()
