"""The company's own fields as fields of conditions: typed, and safe where a value is odd.

No cast may fail: a value of another time (text in a number's place, the 31st of February) is no
value here. PostgreSQL 15 cannot ask whether a text is a date, so the patterns below know.
"""

from leads import fields
from leads.conditions.types import Field, Type
from leads.countries import countries
from leads.models import FieldDefinition

GROUP = "Custom fields"
PREFIX = "custom."

_YEAR = "(?:19|20|21)[0-9]{2}"
_LEAP_YEAR = "(?:(?:19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_TIME = "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z"
_TYPES = {
    "number": Type.NUMBER,
    "integer": Type.NUMBER,
    "money": Type.NUMBER,
    "yes_no": Type.BOOLEAN,
    "date": Type.DATE,
    "moment": Type.DATE,
    "select": Type.CHOICE,
    "country": Type.CHOICE,
    "multi_select": Type.SEVERAL,
}


def custom_field(key: str) -> Field | None:
    """The field `custom.<key>`; None when nobody defined it, or somebody deleted it."""
    definition = fields.definition_of(key.removeprefix(PREFIX))
    return field_of(definition) if definition and key.startswith(PREFIX) else None


def custom_fields() -> list[Field]:
    """Those a builder offers."""
    return [field_of(definition) for definition in fields.definitions()]


def field_of(definition: FieldDefinition) -> Field:
    return Field(
        key=definition.name,
        label=definition.label,
        type=_TYPES.get(definition.type, Type.TEXT),
        sql=sql_of(definition),
        choices=countries() if definition.type == "country" else definition.choices,
        group=definition.group or GROUP,
    )


def sql_of(definition: FieldDefinition, column: str = "lead.custom") -> str:
    """The value with its type. The key is a slug, so that it may stand in the statement."""
    value = f"({column} -> '{definition.key}')"
    text = f"({column} ->> '{definition.key}')"
    match definition.type:
        case "number" | "integer":
            return f"(CASE WHEN jsonb_typeof{value} = 'number' THEN {text}::numeric END)"
        case "money":
            amount = f"{value} -> 'amount'"
            return (
                f"(CASE WHEN jsonb_typeof({amount}) = 'number' "
                f"THEN ({value} ->> 'amount')::numeric END)"
            )
        case "yes_no":
            return f"(CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END)"
        case "date":
            return f"(CASE WHEN {text} ~ '^{_DAY}$' THEN ({text} || 'T00:00:00Z')::timestamptz END)"
        case "moment":
            return f"(CASE WHEN {text} ~ '^{_DAY}{_TIME}$' THEN {text}::timestamptz END)"
        case "multi_select":
            return value
        case _:
            return text
