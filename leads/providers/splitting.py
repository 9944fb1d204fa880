"""A post that holds several leads: each becomes a capture of its own, so none stops the others."""

from django.utils import timezone

from leads.capture.envelopes import Submission
from leads.capture.processing import Outcome
from leads.capture.storing import Arrival, store
from leads.models import InboxItem

MOST = 1000


def split(bodies: list[bytes]) -> Submission:
    """A submission that is settled by storing its parts."""

    def settle(item: InboxItem) -> Outcome:
        for number, body in enumerate(bodies[:MOST]):
            part = Arrival(
                door=item.door,
                body=body,
                content_type="application/json",
                path=item.path,
                headers=item.headers,
                remote_address=item.remote_address,
                source_id=item.source_id,
                idempotency_key=f"part:{item.receipt_id}:{number}",
                flags=item.flags,
                screened=item.screened,
            )
            store(part, at=timezone.now())
        left = f" {len(bodies) - MOST} more are in the body only." if len(bodies) > MOST else ""
        words = f"It held {len(bodies)} leads; each became a capture of its own.{left}"
        return Outcome(InboxItem.State.REJECTED, "split", words)

    return Submission({}, instead=settle)
