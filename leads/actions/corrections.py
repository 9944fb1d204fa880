"""Entries of a timeline are never changed. What was wrong about one is a new entry."""

from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions.activities import record_activity
from leads.activity_types import type_of
from leads.models import Activity

LIMIT = 2_000


@transaction.atomic
def correct(entry: Activity, text: str, *, user: User | None, at: datetime) -> int | None:
    """Say what was wrong; the entry itself stays as it is.

    :raises Invalid: nothing was said.
    """
    words = clean_text(text, limit=LIMIT)
    if not words:
        raise Invalid.field("text", "Say what is right instead.", "required")
    properties = {
        "corrects": entry.pk,
        "about": type_of(entry.type).label,
        "when": entry.occurred_at.isoformat(),
        "text": words,
    }
    return record_activity(entry.lead_id, "correction", at=at, user=user, properties=properties)
