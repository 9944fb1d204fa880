"""All writes to the ground floor, one module for each noun."""

from leads.actions.activities import NewActivity, mark_dirty, record_activities, record_activity
from leads.actions.columns import choose_columns
from leads.actions.consent import record_consent, release_suppression, suppress
from leads.actions.entering import EmailOfHidden, enter_lead
from leads.actions.leads import (
    ContactFields,
    EmailTaken,
    add_tags,
    create_lead,
    delete_lead,
    delete_leads,
    remove_tag,
    restore_leads,
    set_tags,
    update_lead,
)
from leads.actions.notes import add_note
from leads.actions.saved_views import delete_view, save_view, share_view

__all__ = [
    "ContactFields",
    "EmailOfHidden",
    "EmailTaken",
    "NewActivity",
    "add_note",
    "add_tags",
    "choose_columns",
    "create_lead",
    "delete_lead",
    "delete_leads",
    "delete_view",
    "enter_lead",
    "mark_dirty",
    "record_activities",
    "record_activity",
    "record_consent",
    "release_suppression",
    "remove_tag",
    "restore_leads",
    "save_view",
    "set_tags",
    "share_view",
    "suppress",
    "update_lead",
]
