"""Fields that companies add to their leads: typed, cleaned when written, told in words."""

from leads.fields.reading import BadValue, clean_value
from leads.fields.showing import as_text, display, plain
from leads.fields.store import all_definitions, definition_of, definitions
from leads.fields.uses import Use, names_fields, uses_of

__all__ = [
    "BadValue",
    "Use",
    "all_definitions",
    "as_text",
    "clean_value",
    "definition_of",
    "definitions",
    "display",
    "names_fields",
    "plain",
    "uses_of",
]
