"""Fields that companies add to their leads: typed, cleaned when written, told in words."""

from leads.fields.reading import BadValue, clean_value
from leads.fields.showing import display, plain
from leads.fields.store import all_definitions, definition_of, definitions

__all__ = [
    "BadValue",
    "all_definitions",
    "clean_value",
    "definition_of",
    "definitions",
    "display",
    "plain",
]
