"""What was known of leads at given moments, read in one query. No later data: see `hindsight`."""

# ruff: noqa: S608  (SQL comes from constants; values are bound)

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from leads import conditions
from leads.activity_types import ACTIVITY_TYPES, SCORED

DAYS = 90  # how far back what leads did is counted
FIELDS = ("phone", "job_title", "company_name", "company_size", "industry", "country")
CUSTOM_LIMIT = 80

Pair = tuple[int, datetime]


def known_at(pairs: Sequence[Pair]) -> list[dict[str, Any] | None]:
    """For each `(lead, moment)` the facts of that day, None for a lead that is gone."""
    if not pairs:
        return []
    fields = ", ".join(f"'{name}', {_then(name)}" for name in FIELDS)
    email = conditions.FIELDS["email_is_free"].sql
    query = f"""
        WITH asked AS MATERIALIZED (
          SELECT x.id, x.at, x.place FROM unnest(%s::bigint[], %s::timestamptz[])
            WITH ORDINALITY AS x (id, at, place)
        )
        SELECT asked.place, jsonb_build_object(
          {fields},
          'free_email', {_unless_changed("email", email)},
          'days', greatest(0, extract(epoch FROM asked.at - lead.created_at) / 86400)::int,
          'source', (SELECT s.name FROM leads_source s WHERE s.id = lead.source_id),
          'channel', (SELECT t.channel FROM leads_touch t WHERE t.lead_id = lead.id
            AND t.occurred_at <= asked.at ORDER BY t.occurred_at, t.id LIMIT 1),
          'did', (SELECT jsonb_object_agg(d.type, d.times) FROM (
            SELECT a.type, count(*) AS times FROM leads_activity a
            WHERE a.lead_id = lead.id AND a.type = ANY(%s::text[]) AND {conditions.COUNTED}
              AND a.occurred_at <= asked.at AND a.occurred_at > asked.at - interval '{DAYS} days'
            GROUP BY a.type) AS d),
          'bant', (SELECT jsonb_object_agg(b.dimension, b.level) FROM scoring_bantanswer b
            WHERE b.lead_id = lead.id AND b.at <= asked.at
              AND (b.superseded_at IS NULL OR b.superseded_at > asked.at)))::text
        FROM asked JOIN leads_lead lead ON lead.id = asked.id"""
    ids, moments = [lead for lead, _ in pairs], [at for _, at in pairs]
    with connection.cursor() as cursor:
        cursor.execute(query, [ids, moments, sorted(SCORED)])
        found = {place: _loaded(text) for place, text in cursor.fetchall()}
    return [found.get(place) for place in range(1, len(pairs) + 1)]


def _loaded(text: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(text)
    return {
        name: value[:CUSTOM_LIMIT] if isinstance(value, str) else value
        for name, value in facts.items()
    }


def _then(name: str) -> str:
    return _unless_changed(name, f"lead.{name}")


def _unless_changed(column: str, sql: str) -> str:
    """A field that was changed since then was not known as it is now."""
    return (
        "(CASE WHEN NOT EXISTS (SELECT 1 FROM leads_activity u WHERE u.lead_id = lead.id "
        "AND u.type = 'lead_updated' AND u.occurred_at > asked.at "
        f"AND jsonb_exists(u.properties -> 'fields', '{column}')) THEN {sql} END)"
    )


def activity_labels() -> dict[str, str]:
    """What leads can have done, worded as a fact."""
    return {key: ACTIVITY_TYPES[key].label for key in sorted(SCORED) if key in ACTIVITY_TYPES}


def value_names() -> dict[str, dict[str, str]]:
    """How people call the values of fields that are kept as keys."""
    return {
        name: dict(field.options)
        for name in ("country", "channel")
        if (field := conditions.FIELDS.get(name)) is not None
    }
