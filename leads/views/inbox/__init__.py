"""The inbox: every capture as it came, what became of it, and what waits for a person."""

from leads.views.inbox.counts import count_again, reconciliation
from leads.views.inbox.listing import inbox
from leads.views.inbox.many import bulk, undo_bulk
from leads.views.inbox.one import (
    inbox_body,
    inbox_correct,
    inbox_item,
    inbox_process,
    inbox_reject,
    inbox_release,
    inbox_restore,
)

__all__ = [
    "bulk",
    "count_again",
    "inbox",
    "inbox_body",
    "inbox_correct",
    "inbox_item",
    "inbox_process",
    "inbox_reject",
    "inbox_release",
    "inbox_restore",
    "reconciliation",
    "undo_bulk",
]
