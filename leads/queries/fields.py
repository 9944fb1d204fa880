"""The company's own fields: how many leads have a value, and values that nobody has described."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from leads import fields
from leads.fields.converting import Stored, guess_options, guess_type
from leads.models import FieldDefinition

LOOKED_AT = 10_000
GUESSED_FROM = 200


@dataclass(frozen=True, slots=True)
class Filled:
    """How many of the newest leads have a value, by key; `sampled` when there are older ones."""

    leads: int
    by_key: dict[str, int]

    @property
    def sampled(self) -> bool:
        return self.leads >= LOOKED_AT


@dataclass(frozen=True, slots=True)
class Found:
    """A key that leads have and nobody has described."""

    key: str
    leads: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an undescribed key could be defined as."""

    key: str
    label: str
    type: str
    options: list[str]
    values: list[Stored]


def filled() -> Filled:
    """Counted over the newest leads, so that the page takes no longer in a large company."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH newest AS (
                SELECT custom FROM leads_lead WHERE merged_into_id IS NULL AND deleted_at IS NULL
                ORDER BY created_at DESC, id DESC LIMIT %s
            )
            SELECT NULL, count(*) FROM newest
            UNION ALL
            SELECT key, count(*) FROM newest, jsonb_object_keys(custom) AS key GROUP BY key
            """,
            [LOOKED_AT],
        )
        counts: dict[str | None, int] = dict(cursor.fetchall())
    total = counts.pop(None, 0)
    return Filled(total, {str(key): count for key, count in counts.items()})


def found_keys(counts: Filled) -> list[Found]:
    """Keys without a definition, the most frequent first."""
    known = {definition.key for definition in fields.all_definitions()}
    rows = [Found(key, leads) for key, leads in counts.by_key.items() if key not in known]
    return sorted(rows, key=lambda row: (-row.leads, row.key))


def proposal(key: str) -> Proposal | None:
    """A definition for values that are there already; None where no lead has any."""
    values = _frequent_values(key)
    if not values:
        return None
    type_ = guess_type(values)
    options = guess_options(values) if type_ in FieldDefinition.HAS_OPTIONS else []
    return Proposal(key, key.replace("_", " ").strip().capitalize()[:60], type_, options, values)


def _frequent_values(key: str) -> list[Stored]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT custom -> %s, count(*) FROM leads_lead WHERE custom ? %s "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
            [key, key, GUESSED_FROM],
        )
        rows: list[tuple[Any, int]] = cursor.fetchall()
    return [Stored(json.loads(value), leads) for value, leads in rows if value != "null"]
