"""Capture: from a stranger's post to a lead. Raw first, judged after, never lost."""

from leads.capture import lifeboat
from leads.capture.envelopes import Submission, read
from leads.capture.parsing import Unreadable
from leads.capture.processing import Outcome, drain, place_of, process, set_aside
from leads.capture.storing import QUEUE, Arrival, BadKey, KeyReused, Stored, store

__all__ = [
    "QUEUE",
    "Arrival",
    "BadKey",
    "KeyReused",
    "Outcome",
    "Stored",
    "Submission",
    "Unreadable",
    "drain",
    "lifeboat",
    "place_of",
    "process",
    "read",
    "set_aside",
    "store",
]
