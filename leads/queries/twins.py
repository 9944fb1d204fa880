"""Pairs of leads that share something, found by indexes: one statement for a batch of leads.

Blocking keys: the same phone number; the same mailbox but for a plus-tag or Gmail's dots; the same
id at another source; a similar name in the same company; the same name in a company with a similar
name, and the same number in it if there is one. Each is bounded, so that a number shared by a whole
office costs no more than a few rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from leads.matching.twins import SIMILAR, Facts

NAMESAKES = 200  # of one full name, whose companies are compared
COMPANIES_ALIKE = 0.6
MOST_OF_A_KEY = 20  # a number, a mailbox or a name that more people share tells nothing

PAIRS = """
WITH target AS MATERIALIZED (
  SELECT id, lower(btrim(first_name || ' ' || last_name)) AS name, first_name, last_name,
         lower(first_name) AS first, lower(last_name) AS last, company_id,
         lower(company_name) AS company_name
    FROM leads_lead
   WHERE id = ANY(%(ids)s) AND merged_into_id IS NULL AND deleted_at IS NULL AND NOT is_test),
identified AS MATERIALIZED (
  SELECT i.lead_id, i.kind, i.value, i.base
    FROM leads_leadidentifier i JOIN target t ON t.id = i.lead_id),
hit (one, two, phone, mailbox, external) AS (
  SELECT i.lead_id, o.lead_id, true, false, false
    FROM identified i CROSS JOIN LATERAL (
      SELECT lead_id FROM leads_leadidentifier
       WHERE kind = 'phone' AND value = i.value AND lead_id <> i.lead_id
       LIMIT %(most)s) o
   WHERE i.kind = 'phone'
  UNION ALL
  SELECT i.lead_id, o.lead_id, false, i.kind = 'email', i.kind = 'external'
    FROM identified i CROSS JOIN LATERAL (
      SELECT lead_id FROM leads_leadidentifier
       WHERE kind IN ('email', 'external') AND kind = i.kind AND base = i.base
         AND lead_id <> i.lead_id
       LIMIT %(most)s) o
   WHERE i.kind IN ('email', 'external')
  UNION ALL
  SELECT t.id, o.id, false, false, false
    FROM target t CROSS JOIN LATERAL (
      SELECT l.id FROM leads_lead l
       WHERE l.company_id = t.company_id AND l.id <> t.id
         AND (left(lower(l.last_name), 2) IN (left(t.last, 2), left(t.first, 2))
              OR left(lower(l.first_name), 2) = left(t.first, 2))
         AND l.merged_into_id IS NULL AND l.deleted_at IS NULL AND NOT l.is_test
         AND similarity(lower(btrim(l.first_name || ' ' || l.last_name)), t.name) >= %(similar)s
       LIMIT %(most)s) o
   WHERE t.company_id IS NOT NULL AND t.name <> ''
  UNION ALL
  SELECT t.id, o.id, false, false, false
    FROM target t CROSS JOIN LATERAL (
      SELECT n.id FROM (
        SELECT l.id, l.company_id, l.company_name FROM leads_lead l
         WHERE l.last_name IN (t.last_name, t.last, upper(t.last), initcap(t.last))
           AND l.first_name IN (t.first_name, t.first, upper(t.first), initcap(t.first))
           AND l.merged_into_id IS NULL AND l.deleted_at IS NULL AND NOT l.is_test
           AND l.id <> t.id
         LIMIT %(namesakes)s) n
       WHERE n.company_id IS DISTINCT FROM t.company_id
         AND similarity(lower(n.company_name), t.company_name) >= %(alike)s
         AND regexp_replace(n.company_name, '[^0-9]', '', 'g')
             = regexp_replace(t.company_name, '[^0-9]', '', 'g')
       LIMIT %(most)s) o
   WHERE t.company_name <> '' AND t.first <> '' AND length(t.last) >= 2),
pair AS (
  SELECT least(one, two) AS a, greatest(one, two) AS b, bool_or(phone) AS phone,
         bool_or(mailbox) AS mailbox, bool_or(external) AS external
    FROM hit GROUP BY 1, 2)
SELECT p.a, p.b, p.mailbox, p.phone, p.external,
       CASE WHEN x.first_name = '' AND x.last_name = '' OR y.first_name = '' AND y.last_name = ''
            THEN NULL
            ELSE similarity(lower(btrim(x.first_name || ' ' || x.last_name)),
                            lower(btrim(y.first_name || ' ' || y.last_name))) END,
       COALESCE(x.company_id = y.company_id, false),
       x.company_name <> '' AND
         similarity(lower(x.company_name), lower(y.company_name)) >= %(alike)s AND
         regexp_replace(x.company_name, '[^0-9]', '', 'g')
           = regexp_replace(y.company_name, '[^0-9]', '', 'g')
  FROM pair p
  JOIN leads_lead x ON x.id = p.a AND x.merged_into_id IS NULL AND x.deleted_at IS NULL
   AND NOT x.is_test
  JOIN leads_lead y ON y.id = p.b AND y.merged_into_id IS NULL AND y.deleted_at IS NULL
   AND NOT y.is_test
"""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two leads, the lower key first, and what they share."""

    a: int
    b: int
    facts: Facts


def twins_of(lead_ids: Sequence[int]) -> list[Twins]:
    """Every pair with one of these leads in it that shares a blocking key."""
    if not lead_ids:
        return []
    values: dict[str, Any] = {
        "ids": list(lead_ids),
        "most": MOST_OF_A_KEY,
        "namesakes": NAMESAKES,
        "similar": SIMILAR,
        "alike": COMPANIES_ALIKE,
    }
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, values)
        rows = cursor.fetchall()
    return [
        Twins(
            a,
            b,
            Facts(
                same_mailbox=mailbox,
                same_phone=phone,
                same_external=external,
                name=name,
                same_company=company,
                similar_company=alike,
            ),
        )
        for a, b, mailbox, phone, external, name, company, alike in rows
    ]
