"""What a person does with captures that wait in the inbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject, Now

from leadcrm.accounts.models import User
from leadcrm.lib import normalise, pump
from leadcrm.lib.errors import Conflict, DomainError, FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leads.capture import corrections, spam
from leads.capture.parsing import MAX_TEXT
from leads.capture.processing import Outcome, address_in, process
from leads.freemail import is_free_provider
from leads.models import InboxItem, SpamRule

State = InboxItem.State
BY_HAND = "by_hand"
ADDRESS, DOMAIN = "address", "domain"


class AlreadyApplied(Conflict):
    code = "already_applied"

    def __init__(self) -> None:
        super().__init__("This capture has become part of a lead. Open the lead instead.")


class EverybodysDomain(Invalid):
    code = "everybodys_domain"


def release(
    item_id: int, *, by: User | None = None, trust: str = "", at: datetime | None = None
) -> Outcome | None:
    """Let a capture through that was taken for spam, and process it now.

    :param trust: `address` or `domain`: also let through what comes from there in future.
    :raises EverybodysDomain: the domain is a mail provider's.
    """
    with transaction.atomic():
        item = InboxItem.objects.select_for_update(of=("self",)).get(pk=item_id)
        if trust:
            learn(item, trust=trust, by=by)
        flags = [flag for flag in item.flags if flag != spam.RELEASED]
        InboxItem.objects.filter(pk=item_id).update(flags=[*flags, spam.RELEASED])
    return process_again(item_id)


def learn(item: InboxItem, *, trust: str, by: User | None) -> SpamRule | None:
    """Let through in future what comes from the address or the domain of this capture."""
    address = item.email or address_in(item)
    if not address:
        return None
    value = address.rpartition("@")[2] if trust == DOMAIN else address
    if trust == DOMAIN and is_free_provider(value):
        raise EverybodysDomain.field(
            "trust", f"Anybody may have an address at {value}. Trust the address instead.", "public"
        )
    rule, _ = SpamRule.objects.update_or_create(
        value=value,
        defaults={
            "kind": SpamRule.Kind.ALLOW,
            "note": "Said to be no spam",
            "by": by,
            "learned_from": item,
        },
    )
    return rule


def process_again(item_id: int) -> Outcome | None:
    """Process a capture once more; one that is applied stays as it is.

    None when it failed and will be tried again by itself.
    """
    with transaction.atomic():
        InboxItem.objects.filter(pk=item_id).exclude(state=State.APPLIED).update(
            state=State.RECEIVED,
            reason_code="",
            reason="",
            before=None,
            attempts=0,
            due_at=Now(),
            lease_token=None,
            settled_at=None,
        )
    claim = pump.claim(InboxItem, limit=1, where=Q(pk=item_id))
    for item in claim.items:
        return process(item, token=claim.token)
    return None


# ---- correcting one ----


def correct(
    item_id: int,
    *,
    targets: Mapping[str, str],
    values: Mapping[str, Any],
    by: User,
    at: datetime,
) -> Outcome | None:
    """Lay corrections over the answers and process again; the body stays as it came.

    :raises Invalid: a field that no answer can fill, or an address that is none.
    :raises AlreadyApplied: it is part of a lead.
    """
    _check(targets, values)
    with transaction.atomic():
        item = InboxItem.objects.select_for_update(of=("self",)).get(pk=item_id)
        if item.state == State.APPLIED:
            raise AlreadyApplied
        was_spam = item.state == State.QUARANTINED and spam.RELEASED not in item.flags
        InboxItem.objects.filter(pk=item_id).update(
            corrections={
                "targets": dict(targets),
                "values": {k: clean_text(str(v), limit=MAX_TEXT) for k, v in values.items()},
                "by": str(by),
                "at": at.isoformat(),
            }
            if targets or values
            else {},
            flags=[*item.flags, spam.RELEASED] if was_spam else item.flags,
        )
    return process_again(item_id)


def _check(targets: Mapping[str, str], values: Mapping[str, Any]) -> None:
    wrong = [
        FieldError(f"target.{key}", f"There is no field “{target[:60]}”.", "unknown")
        for key, target in targets.items()
        if not corrections.is_target(target)
    ]
    wrong += [
        FieldError(f"value.{key}", f"“{str(value)[:60]}” is not an e-mail address.", "email")
        for key, value in values.items()
        if targets.get(key) == "email" and value and normalise.email(str(value)) is None
    ]
    if wrong:
        raise Invalid("Nothing was changed.", errors=wrong)


# ---- rejecting, and taking it back ----


def reject(item_id: int, *, reason: str, by: User) -> None:
    """Set a capture aside for good, with the reason.

    :raises Invalid: no reason is given.
    :raises AlreadyApplied: it is part of a lead.
    """
    if not reject_all(Q(pk=item_id), reason=reason, by=by):
        raise AlreadyApplied


def reject_all(where: Q, *, reason: str, by: User, deed: int | None = None) -> int:
    """:raises Invalid: no reason is given."""
    words = clean_text(reason, limit=500)
    if not words:
        raise Invalid.field("reason", "Say why, so that a colleague understands.", "required")
    rejectable = InboxItem.objects.filter(where).exclude(state__in=[State.APPLIED, State.REJECTED])
    rejected: int = rejectable.update(
        before=JSONObject(
            state="state", code="reason_code", reason="reason", deed=Value(deed or 0)
        ),
        state=State.REJECTED,
        reason_code=BY_HAND,
        reason=f"{by}: {words}",
        due_at=None,
        lease_token=None,
        settled_at=Now(),
    )
    return rejected


def restore(where: Q) -> int:
    """Put rejected captures back where they were; return how many."""
    rejected = InboxItem.objects.filter(
        where, state=State.REJECTED, reason_code=BY_HAND, before__isnull=False
    )
    restored: int = rejected.update(
        state=KT("before__state"),
        reason_code=KT("before__code"),
        reason=KT("before__reason"),
        due_at=Case(When(before__state=State.RECEIVED, then=Now()), default=None),
        settled_at=Case(When(before__state=State.RECEIVED, then=None), default=F("settled_at")),
        before=None,
    )
    return restored


def refusal_of(error: DomainError) -> str:
    """The first sentence of what is wrong, for a message."""
    return error.errors[0].message if error.errors else error.detail
