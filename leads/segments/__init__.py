"""Segments: how they hang together. Who is in which is written by `leads.actions.membership`."""

from leads.segments.references import Use, named_in, users_of, uses

__all__ = ["Use", "named_in", "users_of", "uses"]
