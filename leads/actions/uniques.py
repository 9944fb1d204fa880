"""Custom fields of which no two leads may have one value: keeping them so.

A value is looked up through the index that finds custom values. Who is about to write one takes a
lock of its name first, so that of two at the same moment the second sees the first.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from leadcrm.lib.errors import Conflict, FieldError
from leads import fields
from leads.models import FieldDefinition, Lead

EMPTY: tuple[Any, ...] = (None, "", [])
Pair = tuple[str, str]  # a field's key, and a value as JSON


class ValueTaken(Conflict):
    """Another lead has this value of a field that must be unique."""

    code = "value_taken"

    def __init__(self, definition: FieldDefinition, lead: Lead) -> None:
        words = taken_words(definition, lead.custom.get(definition.key))
        super().__init__(
            f"{words} Correct it, or merge the two.",
            errors=[FieldError(definition.name, words, self.code)],
        )
        self.lead = lead


def taken_words(definition: FieldDefinition, value: Any) -> str:
    shown = fields.display(definition, value)
    return f"Another lead has “{shown[:80]}” as “{definition.label}”."


def refuse_taken(custom: Mapping[str, Any], *, lead_id: int | None = None) -> None:
    """:raises ValueTaken: another lead than `lead_id` has one of these values."""
    for definition, lead in _others(custom, lead_id):
        raise ValueTaken(definition, lead)


def free(custom: Mapping[str, Any], *, lead_id: int | None = None) -> dict[str, Any]:
    """These values without those that another lead has."""
    taken = {definition.key for definition, _ in _others(custom, lead_id)}
    return {key: value for key, value in custom.items() if key not in taken}


def _others(
    custom: Mapping[str, Any], lead_id: int | None
) -> Iterable[tuple[FieldDefinition, Lead]]:
    wanted = [d for d in unique_fields() if custom.get(d.key) not in EMPTY]
    for definition in sorted(wanted, key=lambda each: each.key):
        value = custom[definition.key]
        _take_turns([_pair(definition.key, value)])
        rows = Lead.objects.live().filter(custom__contains={definition.key: value})
        if other := rows.exclude(pk=lead_id or 0).order_by("pk").first():
            yield definition, other


def unique_fields() -> list[FieldDefinition]:
    return [definition for definition in fields.definitions() if definition.is_unique]


def _pair(key: str, value: Any) -> Pair:
    return key, json.dumps(value, sort_keys=True)


def _take_turns(pairs: Iterable[Pair]) -> None:
    names = sorted(f"custom:{key}:{value}" for key, value in pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) "
            "FROM (SELECT unnest(%s::text[]) AS name ORDER BY 1) names",
            [names],
        )


def owners_of(customs: Iterable[Mapping[str, Any]], *, lock: bool) -> dict[Pair, set[int]]:
    """The leads that have unique values that many are about to get, in two statements."""
    unique = unique_fields()
    pairs = sorted(
        {
            _pair(definition.key, custom[definition.key])
            for custom in customs
            for definition in unique
            if custom.get(definition.key) not in EMPTY
        }
    )
    if not pairs:
        return {}
    if lock:
        _take_turns(pairs)
    found: dict[Pair, set[int]] = {pair: set() for pair in pairs}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.key, v.value, l.id FROM unnest(%s::text[], %s::text[]) AS v (key, value) "
            "JOIN leads_lead l ON l.custom @> jsonb_build_object(v.key, v.value::jsonb) "
            "WHERE l.merged_into_id IS NULL AND l.deleted_at IS NULL",
            [[key for key, _ in pairs], [value for _, value in pairs]],
        )
        for key, value, lead_id in cursor.fetchall():
            found[key, value].add(lead_id)
    return found


def doubled(key: str) -> list[str]:
    """Values that several leads have, the most frequent first: some, for a message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT custom ->> %s FROM leads_lead WHERE custom ? %s AND merged_into_id IS NULL "
            "AND deleted_at IS NULL AND custom -> %s NOT IN ('null', '\"\"') "
            "GROUP BY 1 HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT 5",
            [key, key, key],
        )
        return [row[0] for row in cursor.fetchall()]


def index_words() -> None:
    """Write the words of searched fields anew, after the fields that are searched changed.

    Whoever writes a lead meanwhile waits at its row, and finds the new fields afterwards.
    """
    keys = [d.key for d in FieldDefinition.objects.filter(is_searched=True, is_active=True)]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM leads_leadowntext")
        cursor.execute(
            "INSERT INTO leads_leadowntext (lead_id, text) "
            "SELECT id, words FROM leads_lead, leads_own_words(custom) AS words "
            "WHERE custom ?| %s AND words IS NOT NULL ON CONFLICT (lead_id) DO NOTHING",
            [keys],
        )
