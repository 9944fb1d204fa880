"""Scoring beside a bare aggregate in one session.

The aggregate adds up points that fade, one sum for a lead, and compares it with the present score;
rules, limits, grades, temperature, qualification and the ledger are what LeadCRM does on top.
"""

from typing import Any

from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, rate_of, sql
from leads.actions import mark_dirty
from leads.models import Lead
from scoring.actions import rescore, rescore_dirty, rescore_everyone

DIRTY = 10_000
SINGLES = 50
AGGREGATE = """
SELECT count(*) FROM leads_leadscore s JOIN leads_lead l ON l.id = s.lead_id JOIN (
  SELECT a.lead_id, sum(p.points * pow(.5, date_part('epoch', now() - a.occurred_at) / 2592000))
    AS points
  FROM leads_activity a JOIN (VALUES ('page_view', 1), ('product_view', 3), ('pricing_view', 8),
    ('asset_download', 6), ('email_open', 1), ('email_click', 3), ('webinar_attended', 10),
    ('call_connected', 10)) AS p (type, points) ON p.type = a.type
  {where} GROUP BY a.lead_id
) AS counted ON counted.lead_id = s.lead_id
WHERE l.deleted_at IS NULL AND round(counted.points) IS DISTINCT FROM s.engagement
"""
ALL, SOME = AGGREGATE.format(where=""), AGGREGATE.format(where="WHERE a.lead_id = ANY(%s)")


def run(options: Options) -> list[Line]:
    everybody = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    some = everybody[:: max(1, len(everybody) // DIRTY)][:DIRTY]
    singles = some[:: max(1, len(some) // SINGLES)][:SINGLES]
    sql("SET max_parallel_workers_per_gather = 0")
    sql("SET work_mem = '64MB'")
    lines = [
        compared(
            f"score all {len(everybody):,} leads",
            lambda: rate_of(lambda: full(len(everybody))),
            lambda: rate_of(lambda: aggregate(everybody, ALL)),
            pairs=options.pairs,
            unit="leads/s",
        ),
        compared(
            f"{len(some):,} leads from the queue",
            lambda: queued(some),
            lambda: rate_of(lambda: aggregate(some, SOME, some)),
            pairs=options.pairs,
            unit="leads/s",
        ),
        compared(
            "one lead at a time",
            lambda: rate_of(lambda: one_by_one(singles)),
            lambda: rate_of(lambda: sum(aggregate([lead], SOME, [lead]) for lead in singles)),
            pairs=options.pairs,
            unit="leads/s",
        ),
    ]
    sql("RESET max_parallel_workers_per_gather")
    sql("RESET work_mem")
    return lines


def full(leads: int) -> int:
    rescore_everyone(at=timezone.now())
    return leads


def aggregate(leads: list[int], statement: str, *params: Any) -> int:
    sql(statement, *params)
    return len(leads)


def queued(leads: list[int]) -> float:
    mark_dirty(leads)
    return rate_of(lambda: sum(iter(lambda: rescore_dirty(at=timezone.now()), 0)))


def one_by_one(leads: list[int]) -> int:
    for lead in leads:
        rescore([lead], at=timezone.now())
    return len(leads)
