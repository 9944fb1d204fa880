"""One condition language for segments, scoring, routing, drip campaigns and saved views.

A JSON tree of `all`, `any` and `not` over fields, activities, touches and memberships, compiled to
one SQL predicate. `leads` offers its own parts; the apps above register theirs in a module called
`catalogue`. `builder.ConditionField` is the field of a form in which people write one.
"""

from leads.conditions import builtin, memberships  # noqa: F401  # they fill the catalogue
from leads.conditions.catalogue import (
    FIELDS,
    MEMBERSHIPS,
    fields_for,
    find_field,
    memberships_for,
    register,
)
from leads.conditions.describing import describe
from leads.conditions.explaining import Explained, Part, explain, parts
from leads.conditions.operators import OPERATORS
from leads.conditions.parsing import parse, parse_where, validate
from leads.conditions.sql import (
    COUNTED,
    LEADS,
    NOBODY,
    Context,
    Predicate,
    compile,
    compile_node,
    compile_where,
    lead_ids,
    matches,
    moment_sql,
)
from leads.conditions.types import Field, Membership, Type

__all__ = [
    "COUNTED",
    "FIELDS",
    "LEADS",
    "MEMBERSHIPS",
    "NOBODY",
    "OPERATORS",
    "Context",
    "Explained",
    "Field",
    "Membership",
    "Part",
    "Predicate",
    "Type",
    "compile",
    "compile_node",
    "compile_where",
    "describe",
    "explain",
    "fields_for",
    "find_field",
    "lead_ids",
    "matches",
    "memberships_for",
    "moment_sql",
    "parse",
    "parse_where",
    "parts",
    "register",
    "validate",
]
