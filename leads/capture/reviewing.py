"""What a person does with captures that wait in the inbox."""

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, Invalid
from leadcrm.lib.normalise import clean_text
from leads.capture import spam
from leads.capture.processing import Outcome, process
from leads.models import InboxItem

State = InboxItem.State


class AlreadyApplied(Conflict):
    code = "already_applied"

    def __init__(self) -> None:
        super().__init__("This capture has become part of a lead. Open the lead instead.")


def release(item_id: int) -> Outcome | None:
    """Let a capture through that was taken for spam, and process it now."""
    with transaction.atomic():
        item = InboxItem.objects.select_for_update(of=("self",)).get(pk=item_id)
        flags = [flag for flag in item.flags if flag != spam.RELEASED]
        InboxItem.objects.filter(pk=item_id).update(flags=[*flags, spam.RELEASED])
    return process_again(item_id)


def process_again(item_id: int) -> Outcome | None:
    """Process a capture once more; one that is applied stays as it is.

    None when it failed and will be tried again by itself.
    """
    with transaction.atomic():
        InboxItem.objects.filter(pk=item_id).exclude(state=State.APPLIED).update(
            state=State.RECEIVED,
            reason_code="",
            reason="",
            attempts=0,
            due_at=Now(),
            lease_token=None,
            settled_at=None,
        )
    claim = pump.claim(InboxItem, limit=1, where=Q(pk=item_id))
    for item in claim.items:
        return process(item, token=claim.token)
    return None


def reject(item_id: int, *, reason: str, by: User) -> None:
    """Set a capture aside for good, with the reason.

    :raises Invalid: no reason is given.
    :raises AlreadyApplied: it is part of a lead.
    """
    words = clean_text(reason, limit=500)
    if not words:
        raise Invalid.field("reason", "Say why, so that a colleague understands.", "required")
    rejected = (
        InboxItem.objects.filter(pk=item_id)
        .exclude(state=State.APPLIED)
        .update(
            state=State.REJECTED,
            reason_code="by_hand",
            reason=f"{by}: {words}",
            due_at=None,
            lease_token=None,
            settled_at=Now(),
        )
    )
    if not rejected:
        raise AlreadyApplied
