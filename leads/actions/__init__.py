"""All writes to the ground floor, one module for each noun."""

from leads.actions.activities import NewActivity, mark_dirty, record_activities, record_activity
from leads.actions.consent import record_consent, release_suppression, suppress
from leads.actions.leads import (
    ContactFields,
    create_lead,
    delete_lead,
    set_tags,
    update_lead,
)
from leads.actions.notes import add_note

__all__ = [
    "ContactFields",
    "NewActivity",
    "add_note",
    "create_lead",
    "delete_lead",
    "mark_dirty",
    "record_activities",
    "record_activity",
    "record_consent",
    "release_suppression",
    "set_tags",
    "suppress",
    "update_lead",
]
