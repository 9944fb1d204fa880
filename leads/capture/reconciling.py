"""Every day and source: what was received equals what became of it, and nothing is ever gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import Role, User
from leads.models import ExpiredCaptures, InboxItem, Reconciliation

logger = structlog.get_logger(__name__)

QUEUE = "reconciliation"
DAYS = 35
STUCK = timedelta(hours=1)
LOCK = 0x1EAD_0B0C
UPDATED = ["name", "received", *Reconciliation.STATES, "inquiries", "breach", "counted_at"]
State = InboxItem.State
COUNTED = [name for name in Reconciliation.STATES if name in InboxItem.State.values]
# Replies of somebody known and the like are applied with a reason, and make no inquiry.
ORPHANED = Q(state=State.APPLIED, reason_code="", lead__isnull=False, inquiry=None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One day of one source as it is now; the rest of what a breach is found by."""

    row: Reconciliation
    orphans: int  # applied to a lead, but no inquiry tells of it
    stuck: int  # waiting for longer than `STUCK`


def drain() -> int:
    """Count once an hour; whoever comes first does it."""
    if not settings.RECONCILE_SECONDS:
        return 0
    now = timezone.now()
    newest = Reconciliation.objects.filter(key=Reconciliation.ALL).order_by("-day").first()
    if newest and (now - newest.counted_at).total_seconds() < settings.RECONCILE_SECONDS:
        return 0
    reconcile(at=now)
    return 0


def reconcile(*, at: datetime) -> list[Reconciliation]:
    """Count the last `DAYS` days, keep the counts, and tell administrators of a new breach."""
    with transaction.atomic():
        if not _is_first():
            return []
        rows = counted(at=at)
        Reconciliation.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["day", "key"], update_fields=UPDATED
        )
        _forget_others(rows, at=at)
    broken = [row for row in rows if row.breach]
    for row in broken:
        _tell(row)
    return rows


def _is_first() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _forget_others(rows: list[Reconciliation], *, at: datetime) -> None:
    """A source's row goes when its captures were recognised as another's."""
    kept = {(row.day, row.key) for row in rows}
    window = Reconciliation.objects.filter(day__gte=first_day(at)).exclude(key=Reconciliation.ALL)
    gone = [row.pk for row in window if (row.day, row.key) not in kept]
    Reconciliation.objects.filter(pk__in=gone).delete()


def _tell(row: Reconciliation) -> None:
    logger.error("reconciliation_breach", day=str(row.day), source=row.key, breach=row.breach)
    for user in User.objects.filter(role=Role.ADMIN, is_active=True):
        notify(
            user,
            kind="reconciliation",
            title=f"Captures of {row.day:%-d %B} do not add up",
            body=f"{row.name}: {row.breach}",
            url=f"/inbox/reconciliation/?day={row.day}",
            dedupe_key=f"reconciliation:{row.day}:{row.key}",
        )


# ---- counting ----


def first_day(at: datetime) -> date:
    return at.astimezone(UTC).date() - timedelta(days=DAYS - 1)


def counted(*, at: datetime) -> list[Reconciliation]:
    """The counts as they are now, with every breach in words; nothing is written."""
    findings = list(_findings(at))
    days = sorted({finding.row.day for finding in findings})
    before = _counted_before(at)
    wholes = [_whole(day, findings, at) for day in sorted({*days, *before})]
    for finding in [*findings, *wholes]:
        finding.row.breach = " ".join(_breaches(finding, before))
    return [finding.row for finding in [*wholes, *findings]]


def _counted_before(at: datetime) -> dict[date, Reconciliation]:
    rows = Reconciliation.objects.filter(key=Reconciliation.ALL, day__gte=first_day(at))
    return {row.day: row for row in rows}


def _findings(at: datetime) -> Iterator[Finding]:
    start = datetime.combine(first_day(at), time.min, tzinfo=UTC)
    counts: dict[str, Any] = {state: Count("pk", filter=Q(state=state)) for state in COUNTED}
    rows: Any = (
        InboxItem.objects.filter(received_at__gte=start)
        .annotate(day=TruncDate("received_at", tzinfo=UTC), key=F("source__key"))
        .values("day", "key", "source__name")
        .annotate(
            total=Count("pk"),
            waits=Count("pk", filter=Q(state=State.RECEIVED)),
            stuck=Count("pk", filter=Q(state=State.RECEIVED, received_at__lt=at - STUCK)),
            inquiries=Count("inquiry"),
            orphans=Count("pk", filter=ORPHANED),
            **counts,
        )
        .order_by("day", "key")
    )
    expired = _expired(start.date())
    for row in rows:
        gone = expired.pop((row["day"], row["key"] or Reconciliation.UNKNOWN), None)
        yield Finding(_row(row, at, gone), row["orphans"], row["stuck"])
    for gone in expired.values():  # nothing else is left of that day and source
        yield Finding(_row_of_expired(gone, at), orphans=0, stuck=0)


def _expired(since: date) -> dict[tuple[date, str], ExpiredCaptures]:
    rows = ExpiredCaptures.objects.filter(day__gte=since).order_by("day", "key")
    return {(row.day, row.key): row for row in rows}


def _row(row: dict[str, Any], at: datetime, gone: ExpiredCaptures | None) -> Reconciliation:
    expired = gone.number if gone else 0
    return Reconciliation(
        day=row["day"],
        key=row["key"] or Reconciliation.UNKNOWN,
        name=row["source__name"] or "Not yet known",
        received=row["total"] + expired,
        waiting=row["waits"],
        expired=expired,
        inquiries=row["inquiries"],
        counted_at=at,
        **{state: row[state] for state in COUNTED},
    )


def _row_of_expired(gone: ExpiredCaptures, at: datetime) -> Reconciliation:
    return Reconciliation(
        day=gone.day,
        key=gone.key,
        name=gone.name,
        received=gone.number,
        expired=gone.number,
        counted_at=at,
    )


def _whole(day: date, findings: list[Finding], at: datetime) -> Finding:
    parts = [finding for finding in findings if finding.row.day == day]
    row = Reconciliation(
        day=day,
        key=Reconciliation.ALL,
        name="All sources",
        counted_at=at,
        **{
            name: sum(getattr(part.row, name) for part in parts)
            for name in ("received", "inquiries", *Reconciliation.STATES)
        },
    )
    return Finding(row, sum(p.orphans for p in parts), sum(p.stuck for p in parts))


def _breaches(finding: Finding, before: dict[date, Reconciliation]) -> Iterator[str]:
    row = finding.row
    earlier = before.get(row.day) if row.key == Reconciliation.ALL else None
    if earlier is not None and earlier.received > row.received:
        missing = earlier.received - row.received
        # Kept, so that the day stays broken until somebody has looked into it.
        row.received = earlier.received
        yield f"{missing:,} of {earlier.received:,} captures counted before are gone."
    elif not row.adds_up:
        told = sum(row.counted.values())
        yield f"{row.received:,} were received, but only {told:,} are accounted for."
    if finding.orphans:
        yield f"{finding.orphans:,} became part of a lead, but no inquiry tells of it."
    if finding.stuck:
        yield f"{finding.stuck:,} have waited for more than an hour."
