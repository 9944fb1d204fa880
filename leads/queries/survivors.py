"""Which lead an id means now: merged ids resolve for ever, however long the chain."""

from collections.abc import Iterable

from django.db import connection

FOLLOW = """
WITH RECURSIVE chain (start, id, further, step) AS (
  SELECT id, id, merged_into_id, 0 FROM leads_lead WHERE id = ANY(%s)
  UNION ALL
  SELECT chain.start, next.id, next.merged_into_id, step + 1
    FROM chain JOIN leads_lead next ON next.id = chain.further
   WHERE step < 10000)
SELECT start, id FROM chain WHERE further IS NULL
"""


def survivors_of(lead_ids: Iterable[int]) -> dict[int, int]:
    """For each id the lead that is left: itself when it was never merged."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW, [sorted(set(lead_ids))])
        return dict(cursor.fetchall())


def survivor_id(lead_id: int) -> int:
    return survivors_of([lead_id]).get(lead_id, lead_id)
