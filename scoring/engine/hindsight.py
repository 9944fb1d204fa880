"""What was known of a lead at a moment in the past, as far as it can still be told.

Activities, answers, touches, consents and inquiries carry their time. Of a contact field only the
times of its changes are kept: one that was changed since then counts as unknown. Where a sale
stands (stage, owner, lifecycle …) says how it went on, so it is not known at all.
"""

# ruff: noqa: S608  (SQL comes from the catalogue and from constants)

from collections.abc import Iterator
from typing import Any

from leads import conditions
from leads.conditions import Field

COLUMNS = {
    **{
        name: name
        for name in (
            *("first_name", "last_name", "email", "phone", "job_title", "company_name", "website"),
            *("industry", "company_size", "country", "region", "city", "language", "time_zone"),
        )
    },
    "email_domain": "email",
    "email_is_free": "email",
    "company_domain": "website",
}
DATED = {
    "WHERE t.lead_id = lead.id": "t.occurred_at",
    "WHERE c.lead_id = lead.id": "c.at",
    "WHERE i.lead_id = lead.id": "i.received_at",
}
OUTCOME = frozenset(
    [
        *("lifecycle", "status", "stage", "stage_type", "stage_category", "pipeline", "owner"),
        *("team", "updated_at", "stage_entered_at", "next_step_at", "response_due_at"),
        "responded_at",
    ]
)


def fields_in(tree: Any) -> set[str]:
    """The keys of the fields that a condition names, however deep."""
    return set(_keys(tree))


def _keys(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("field"), str):
            yield tree["field"]
        for value in tree.values():
            yield from _keys(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _keys(item)


def tells_the_outcome(tree: Any) -> bool:
    """Whether a condition asks how the sale went, so that judging sales by it says nothing."""
    return bool(fields_in(tree) & OUTCOME)


def known_then(trees: list[Any], moment: str, *, keep_outcome: bool = False) -> dict[str, str]:
    """For the fields that these conditions name: SQL of what was known of them at `moment`.

    :param keep_outcome: where a sale stands is told as it is now.
    """
    keys = sorted(set().union(*(fields_in(tree) for tree in trees)))
    if keep_outcome:
        keys = [key for key in keys if key not in OUTCOME]
    found = ((key, conditions.find_field(key)) for key in keys)
    made = {key: _then(key, field, moment) for key, field in found if field and not field.params}
    return {key: sql for key, sql in made.items() if sql}


def _then(key: str, field: Field, moment: str) -> str:
    if key in OUTCOME:
        return f"(CASE WHEN false THEN {field.sql} END)"  # NULL of the right type
    column = COLUMNS.get(key, key if key.startswith("custom.") else "")
    if column:
        return f"(CASE WHEN NOT {_changed_since(column, moment)} THEN {field.sql} END)"
    for where, time in DATED.items():
        if where in field.sql:
            return field.sql.replace(where, f"{where} AND {time} <= {moment}")
    return ""


def _changed_since(column: str, moment: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM leads_activity u WHERE u.lead_id = lead.id "
        f"AND u.type = 'lead_updated' AND u.occurred_at > {moment} "
        f"AND jsonb_exists(u.properties -> 'fields', '{column}'))"
    )
