"""Notices that only name a lead: it is fetched by its id, and then is a capture of its own."""

from collections.abc import Mapping
from typing import Any

from leads.actions.sources import announce
from leads.capture.envelopes import Submission
from leads.capture.processing import Outcome
from leads.models import Connection, InboxItem

NOTHING = Outcome(
    InboxItem.State.REJECTED, "names_no_lead", "A notice about something else; it names no lead."
)


def announced(connection: Connection, named: Mapping[str, dict[str, Any]]) -> Submission:
    """A submission that is settled by queueing what it names, `{id: what else it tells}`."""

    def settle(item: InboxItem) -> Outcome:
        if not named:
            return NOTHING
        announce(connection, named)
        leads = "a lead" if len(named) == 1 else f"{len(named)} leads"
        words = f"It names {leads} only; what is fetched becomes a capture of its own."
        return Outcome(InboxItem.State.REJECTED, "announced", words)

    return Submission({"leads": list(named)} if named else {}, instead=settle)
