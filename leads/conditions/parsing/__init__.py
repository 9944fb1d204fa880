"""Reading a condition: everything that could be wrong is said at once, each with path and cure."""

from leads.conditions.parsing.limits import MAX_DEPTH, MAX_LEAVES
from leads.conditions.parsing.reading import parse, parse_where, validate

__all__ = ["MAX_DEPTH", "MAX_LEAVES", "parse", "parse_where", "validate"]
