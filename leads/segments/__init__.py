"""Segments: how they hang together. Who is in which is written by `leads.actions.membership`."""

from leads.segments.references import named_in, users_of

__all__ = ["named_in", "users_of"]
