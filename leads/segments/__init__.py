"""Segments: who is in which, kept up to date as leads change."""

from leads.segments.membership import QUEUE, drain, refresh
from leads.segments.references import named_in, users_of

__all__ = ["QUEUE", "drain", "named_in", "refresh", "users_of"]
