# ruff: noqa: S608  (SQL comes from the condition compiler and from querysets; values are bound)
"""Segments to look at: the list, and whom a condition would take, before it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.db import OperationalError, connection, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from leads.conditions import LEADS, Explained, compile, describe, explain, lead_ids, parse
from leads.models import Lead, Segment, SegmentMembership
from leads.models.lead import LeadQuerySet, visible_lead

COUNTING_SECONDS = 5
SAMPLE = 8
MOST_CUTS = 12
GROWTH_DAYS = 30


def segments(*, archived: bool = False, since: datetime | None = None) -> QuerySet[Segment]:
    """Segments with who came and went since a moment."""
    found = Segment.objects.filter(archived_at__isnull=not archived).select_related("created_by")
    if since is None:
        return found
    own = SegmentMembership.objects.filter(segment=OuterRef("pk")).order_by().values("segment")
    came = own.filter(entered_at__gte=since).annotate(n=Count("pk")).values("n")
    gone = own.filter(left_at__gte=since).annotate(n=Count("pk")).values("n")
    return found.annotate(came=Coalesce(Subquery(came), 0), gone=Coalesce(Subquery(gone), 0))


def frozen_lists() -> QuerySet[Segment]:
    """Those that people fill, by name."""
    return Segment.objects.filter(kind=Segment.Kind.FROZEN, archived_at=None).order_by("name")


def members(segment: Segment, principal: Any) -> LeadQuerySet:
    """Who is in it now, of those this person may see."""
    inside = SegmentMembership.objects.filter(segment=segment, left_at=None)
    found: LeadQuerySet = Lead.objects.visible_to(principal).filter(pk__in=inside.values("lead"))
    return found


def stays(segment: Segment, principal: Any, *, show: str = "") -> QuerySet[SegmentMembership]:
    """Who was in it and when, the latest to come first; of leads this person may see.

    :param show: `now` those inside, `left` those who left again; else all.
    """
    found = SegmentMembership.objects.filter(segment=segment).filter(
        visible_lead(principal, path="lead")
    )
    if show in ("now", "left"):
        found = found.filter(left_at__isnull=show == "now")
    return cast(
        QuerySet[SegmentMembership],
        found.select_related("lead__score_row", "added_by", "removed_by"),
    )


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a segment's growth; `size` at its end."""

    day: date
    came: int
    gone: int
    size: int


def growth(segment: Segment, *, at: datetime, days: int = GROWTH_DAYS) -> list[Day]:
    """How many were in it day by day, worked back from those inside now."""
    since = at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT day, sum(came), sum(gone) FROM (
              SELECT date_trunc('day', entered_at, 'UTC')::date AS day, 1 AS came, 0 AS gone
              FROM leads_segmentmembership
              WHERE segment_id = %(segment)s AND entered_at >= %(since)s
              UNION ALL
              SELECT date_trunc('day', left_at, 'UTC')::date, 0, 1
              FROM leads_segmentmembership WHERE segment_id = %(segment)s AND left_at >= %(since)s
            ) AS moves GROUP BY day
            """,
            {"segment": segment.pk, "since": since},
        )
        moves = {day: (came, gone) for day, came, gone in cursor.fetchall()}
    size, found = segment.memberships.filter(left_at=None).count(), []
    for back in range(days):
        day = (at - timedelta(days=back)).date()
        came, gone = moves.get(day, (0, 0))
        found.append(Day(day, came, gone, size))
        size -= came - gone
    return found[::-1]


def movement(segment: Segment, tree: Any) -> tuple[int, int] | None:
    """How many would enter and leave if these were its conditions; None when that takes long."""
    predicate = compile(tree)
    live = "lead.merged_into_id IS NULL AND lead.deleted_at IS NULL"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{COUNTING_SECONDS}s'")
            cursor.execute(
                f"""
                SELECT count(*) FILTER (WHERE NOT inside), count(*) FILTER (WHERE inside) FROM (
                  SELECT m.id IS NOT NULL AS inside FROM {LEADS}
                  LEFT JOIN leads_segmentmembership m
                    ON m.segment_id = %s AND m.lead_id = lead.id AND m.left_at IS NULL
                  WHERE {live} AND {predicate.sql} <> (m.id IS NOT NULL)
                ) AS moved
                """,
                [segment.pk, *predicate.params],
            )
            came, gone = cursor.fetchone()
    except OperationalError:
        return None
    return came, gone


@dataclass(frozen=True, slots=True)
class Cut:
    """How many are left once this condition, after those before it, was applied."""

    text: str
    count: int
    share: float

    @property
    def percent(self) -> int:
        return round(100 * self.share)


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom a condition takes at this moment, of the leads its reader may see."""

    count: int
    of: int
    hot: int
    warm: int
    cold: int
    cuts: tuple[Cut, ...]
    sample: tuple[Lead, ...]

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0

    @property
    def hot_part(self) -> str:
        return self._part("h", self.hot)

    @property
    def warm_part(self) -> str:
        return self._part("w", self.warm)

    @property
    def cold_part(self) -> str:
        return self._part("c", self.cold)

    def _part(self, tone: str, count: int) -> str:
        """For the bar of parts: its tone and percent."""
        return f"{tone}:{round(100 * count / self.count) if self.count else 0}"


def preview(tree: Any, principal: Any) -> Preview | None:
    """Count without writing; None when counting takes longer than `COUNTING_SECONDS`.

    :raises Invalid: the condition cannot be read.
    """
    parse(tree)
    steps = _steps(tree)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{COUNTING_SECONDS}s'")
            row = _counts(cursor, tree, steps, principal)
            sample = _sample(tree, principal) if row[1] else ()
    except OperationalError:
        return None
    of, count, hot, warm, cold, *kept = row
    cuts = tuple(
        Cut(_capital(describe(step)), n, n / (of or 1)) for step, n in zip(steps, kept, strict=True)
    )
    return Preview(count, of, hot, warm, cold, cuts, sample)


def _steps(tree: Any) -> list[Any]:
    """The conditions of a group that must all hold, one by one; of any other, itself."""
    parts = tree.get("all") if isinstance(tree, dict) else None
    return list(parts)[:MOST_CUTS] if isinstance(parts, list) else [tree]


def _counts(cursor: Any, tree: Any, steps: Sequence[Any], principal: Any) -> Any:
    whole = compile(tree)
    columns, params = [f"count(*) FILTER (WHERE {whole.sql})"], list(whole.params)
    for temperature in ("hot", "warm", "cold"):
        columns.append(f"count(*) FILTER (WHERE {whole.sql} AND score.temperature = %s)")
        params += [*whole.params, temperature]
    for n in range(len(steps)):
        so_far = compile({"all": list(steps[: n + 1])})
        columns.append(f"count(*) FILTER (WHERE {so_far.sql})")
        params += so_far.params
    visible, own = (
        Lead.objects.visible_to(principal).order_by().values("pk").query.sql_with_params()
    )
    cursor.execute(
        f"SELECT count(*), {', '.join(columns)} FROM {LEADS} WHERE lead.id IN ({visible})",
        [*params, *own],
    )
    return cursor.fetchone()


def _sample(tree: Any, principal: Any) -> tuple[Lead, ...]:
    """Some of them, the hottest first."""
    found = Lead.objects.visible_to(principal).filter(pk__in=lead_ids(tree))
    return tuple(found.select_related("score_row").hottest_first()[:SAMPLE])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def why(segment: Segment, lead: Lead) -> Explained | None:
    """Why a lead is in a live segment or not, condition by condition; None for a list."""
    return explain(segment.conditions, lead.pk) if segment.kind == Segment.Kind.LIVE else None
