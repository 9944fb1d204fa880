"""Conditions as SQL over the aliases `lead` and `score`. Values are always bound parameters.

Every test is wrapped so that an unknown value makes it false, never NULL: `not` then means what
people expect of it.
"""

from leads.conditions.sql.base import LEADS, NOBODY, Context, Predicate, moment_sql
from leads.conditions.sql.fields import field_predicate
from leads.conditions.sql.happenings import COUNTED, compile_where, measured, rows_of
from leads.conditions.sql.nodes import compile, compile_node, lead_ids, matches

__all__ = [
    "COUNTED",
    "LEADS",
    "NOBODY",
    "Context",
    "Predicate",
    "compile",
    "compile_node",
    "compile_where",
    "field_predicate",
    "lead_ids",
    "matches",
    "measured",
    "moment_sql",
    "rows_of",
]
