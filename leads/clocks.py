"""The first reply in words: how long it is owed, or how long it took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from leadcrm.lib.ui import duration
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class Clock:
    """`kind` is due, late, met or none; `due` is set while the clock runs."""

    kind: str
    words: str
    due: datetime | None = None


def reply_clock(lead: Lead, *, at: datetime | None = None) -> Clock:
    if lead.responded_at:
        started = lead.response_started_at or lead.created_at
        return Clock("met", duration(max(lead.responded_at - started, timedelta())))
    if lead.response_due_at is None:
        return Clock("none", "None owed")
    left = lead.response_due_at - (at or timezone.now())
    words = f"{duration(left)} {'over' if left.days < 0 else 'left'}"
    return Clock("late" if left.days < 0 else "due", words, lead.response_due_at)
