from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions.activities import record_activity
from leads.models import Note

NOTE_LIMIT = 20_000


@transaction.atomic
def add_note(lead_id: int, body: str, *, author: User | None, at: datetime) -> Note:
    """:raises Invalid: the note is empty."""
    text = clean_text(body, limit=NOTE_LIMIT)
    if not text:
        raise Invalid.field("body", "Write something before saving the note.", "required")
    note = Note.objects.create(lead_id=lead_id, author=author, body=text, created_at=at)
    record_activity(
        lead_id, "note_added", at=at, user=author, properties={"note": note.pk, "text": text}
    )
    return note
