"""Tests and values of custom fields as Django expressions, for lists."""

import json
from typing import Any, cast

from django.db.models import (
    BooleanField,
    DateTimeField,
    DecimalField,
    F,
    Field,
    Func,
    TextField,
)

from leads.conditions.custom import sql_of
from leads.conditions.parsing import parse
from leads.conditions.sql import Context, field_predicate
from leads.conditions.tree import FieldTest
from leads.models import FieldDefinition

SORTED_AS: "dict[str, type[Field[Any, Any]]]" = {
    "number": DecimalField,
    "integer": DecimalField,
    "money": DecimalField,
    "yes_no": BooleanField,
    "date": DateTimeField,
    "moment": DateTimeField,
}
CONTAINED = frozenset({"select", "multi_select", "country", "yes_no"})
MOST_LOOKED_UP = 20
UNSORTED = frozenset({"long_text", "multi_select"})


class OwnValue(Func):
    """The value of a custom field with its type, to order by."""

    def __init__(self, definition: FieldDefinition) -> None:
        kind = SORTED_AS.get(definition.type, TextField)
        field: Field[Any, Any] = (
            DecimalField(max_digits=40, decimal_places=20) if kind is DecimalField else kind()
        )
        super().__init__(F("custom"), output_field=field)
        self.definition = definition

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        column, params = compiler.compile(self.get_source_expressions()[0])
        return sql_of(self.definition, column), list(params)


class Holds(Func):
    """Whether a lead meets one test of a custom field, by the SQL that conditions use."""

    conditional = True

    def __init__(self, definition: FieldDefinition, op: str, value: Any = None) -> None:
        """:raises Invalid: the value does not fit the field."""
        super().__init__(F("custom"), output_field=BooleanField())
        test = parse({"field": definition.name, "op": op, "value": value})
        self.definition, self.test = definition, cast(FieldTest, test)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        column, _params = compiler.compile(self.get_source_expressions()[0])
        columns = {self.test.field.key: sql_of(self.definition, column)}
        found = field_predicate(self.test, Context(columns=columns))
        needed, values = self._indexed(column)
        return f"({needed}{found.sql})", [*values, *found.params]

    def _indexed(self, column: str) -> tuple[str, list[Any]]:
        """What must hold as well, said so that the index of `custom` can find the few rows."""
        wanted = {"is": [self.test.value], "in": self.test.value}.get(self.test.op, [])
        if self.definition.type not in CONTAINED or not wanted or len(wanted) > MOST_LOOKED_UP:
            return "", []
        several = self.definition.type == FieldDefinition.Type.MULTI_SELECT
        bodies = [json.dumps({self.definition.key: [v] if several else v}) for v in wanted]
        tests = " OR ".join([f"{column} @> %s::jsonb"] * len(bodies))
        return f"({tests}) AND ", bodies
