from datetime import datetime

from django.db import transaction

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions.activities import record_activity
from leads.mentions import mentioned
from leads.models import Lead, Note

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
    tell_mentioned(lead_id, note, author=author)
    return note


def tell_mentioned(lead_id: int, note: Note, *, author: User | None) -> list[User]:
    """Tell the colleagues whom a note names, if they may see the lead; who was told."""
    named = [user for user in mentioned(note.body) if user != author]
    told = []
    for user in named:
        lead = Lead.objects.visible_to(user).filter(pk=lead_id).first()
        if lead is None:
            continue
        told.append(user)
        notify(
            user,
            kind="mention",
            title=f"{author or 'Somebody'} named you in a note about {lead.name}",
            body=note.body,
            dedupe_key=f"note:{note.pk}",
            url=f"/leads/{lead.public_id}/",
            lead_id=lead.pk,
        )
    return told
