"""One thing done to many captures: at once for a few, in the background for many."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, DomainError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.capture import reviewing
from leads.models import InboxDeed, InboxItem
from leads.queries.captures import narrowed

QUEUE = "inbox-deeds"
Kind = InboxDeed.Kind
BATCH = {Kind.PROCESS: 20, Kind.RELEASE: 20, Kind.REJECT: 500, Kind.RESTORE: 500}
AT_ONCE = 20
REST_SECONDS = 0.0


class NothingToUndo(Conflict):
    code = "nothing_to_undo"


def begin(kind: str, conditions: Mapping[str, Any], *, by: User, words: str = "") -> InboxDeed:
    """Do something to every capture that meets these conditions now; a few at once.

    :raises Invalid: rejecting needs a reason.
    :raises NotFound: no capture meets them.
    """
    cleaned = clean_text(words, limit=500)
    if kind == Kind.REJECT and not cleaned:
        raise Invalid.field("reason", "Say why, so that a colleague understands.", "required")
    found = narrowed(InboxItem.objects.visible_to(by), conditions)
    upto = found.aggregate(newest=Max("pk"))["newest"]
    if upto is None:
        raise NotFound("No capture is meant by this any more.")
    deed = InboxDeed.objects.create(
        kind=kind, conditions=dict(conditions), by=by, words=cleaned, upto=upto
    )
    if len(found.values_list("pk", flat=True)[: AT_ONCE + 1]) <= AT_ONCE:
        claim = pump.claim(InboxDeed, limit=1, where=Q(pk=deed.pk))
        for claimed in claim.items:
            work(claimed, claim)
        deed.refresh_from_db()
    else:
        pump.wake(QUEUE)
    return deed


def undo(deed_id: int, *, by: User) -> InboxDeed:
    """Put back what a deed rejected.

    :raises NothingToUndo: it was something else, or all of it was put back.
    """
    deed = InboxDeed.objects.filter(pk=deed_id, kind=Kind.REJECT).first()
    if deed is None:
        raise NothingToUndo("Only rejecting can be taken back.")
    try:
        return begin(Kind.RESTORE, {"deed": deed.pk}, by=by)
    except NotFound:
        raise NothingToUndo("Everything was taken back before.") from None


def drain() -> int:
    """One batch of the oldest unfinished deed."""
    claim = pump.claim(InboxDeed, limit=1)
    for deed in claim.items:
        work(deed, claim)
    return len(claim.items)


def work(deed: InboxDeed, claim: pump.Claim[InboxDeed]) -> None:
    """Do the next batch, then wait for the turn after the others, or end."""
    batch = next_batch(deed)
    changed = do(deed, batch)
    progress: dict[str, Any] = {
        "cursor": batch[-1] if batch else deed.upto,
        "seen": F("seen") + len(batch),
        "changed": F("changed") + changed,
    }
    if len(batch) == BATCH[Kind(deed.kind)]:
        pump.postpone(
            InboxDeed, deed.pk, token=claim.token, seconds=REST_SECONDS, attempts=0, **progress
        )
    else:
        pump.finish(InboxDeed, [deed.pk], token=claim.token, finished_at=Now(), **progress)


def next_batch(deed: InboxDeed) -> list[int]:
    found = narrowed(InboxItem.objects.visible_to(deed.by), deed.conditions)
    rest = found.filter(pk__gt=deed.cursor, pk__lte=deed.upto).order_by("pk")
    return list(rest.values_list("pk", flat=True)[: BATCH[Kind(deed.kind)]])


def do(deed: InboxDeed, batch: list[int]) -> int:
    """How many were changed; what was changed by somebody else meanwhile is left as it is."""
    if deed.kind == Kind.REJECT:
        return reviewing.reject_all(Q(pk__in=batch), reason=deed.words, by=deed.by, deed=deed.pk)
    if deed.kind == Kind.RESTORE:
        return reviewing.restore(Q(pk__in=batch))
    return sum(_settled(deed, item_id) for item_id in batch)


def _settled(deed: InboxDeed, item_id: int) -> bool:
    try:
        if deed.kind == Kind.RELEASE:
            outcome = reviewing.release(item_id, by=deed.by, trust=deed.words)
        else:
            outcome = reviewing.process_again(item_id)
    except DomainError:  # such as a mail provider's domain: the others go on
        return False
    return outcome is not None and outcome.state == InboxItem.State.APPLIED


def unfinished() -> list[InboxDeed]:
    """What is under way, for the page."""
    return list(InboxDeed.objects.filter(finished_at=None).select_related("by").order_by("-pk")[:5])


def recent(*, since: datetime) -> list[InboxDeed]:
    return list(
        InboxDeed.objects.filter(created_at__gte=since).select_related("by").order_by("-pk")[:20]
    )
