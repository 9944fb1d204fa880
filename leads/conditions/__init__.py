"""One condition language for segments, scoring, routing, drip campaigns and saved views.

A JSON tree of `all`, `any` and `not` over fields, activities and tags, compiled to one SQL
predicate. `leads` offers its own fields; the apps above register theirs.
"""

from leads.conditions.catalogue import (
    FIELDS,
    OPERATORS,
    fields_for,
    find_field,
    register,
)
from leads.conditions.describing import describe
from leads.conditions.explaining import Explained, explain
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
from leads.conditions.types import Field, Type

__all__ = [
    "COUNTED",
    "FIELDS",
    "LEADS",
    "NOBODY",
    "OPERATORS",
    "Context",
    "Explained",
    "Field",
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
    "moment_sql",
    "parse",
    "parse_where",
    "register",
    "validate",
]
