# ruff: noqa: S608  (only names of our own tables and columns are pasted in)
"""Forgetting the values of click ids: they can name a person to the advertiser.

What is kept is that there was one: names stay, so that channels can be worked out anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from leads.capture.origin import CLICK_IDS
from leads.models import AttributionSettings, ClickId, ClickIdScrub

QUEUE = "click-ids"
PRUNED = 5_000
SCRUBBED = 2_000
EVERY = timedelta(hours=1)
ALIASES = ("gcl_id",)  # what Google calls it in what it sends
NAMES = [*CLICK_IDS, *ALIASES]
IN_ADDRESS = rf"([?&](?:{'|'.join(NAMES)})=)[^&#\"\\\s]+"


@dataclass(frozen=True, slots=True)
class Place:
    """A table in which values stand, by name or within the addresses of pages."""

    table: str
    moment: str
    columns: Sequence[str]


# Each in the order of its ids, which is the order of arrival.
PLACES = (
    Place("leads_inquiry", "received_at", ("fields", "context")),
    Place("leads_visit", "started_at", ("origin",)),
    Place("leads_visitor", "first_seen_at", ("first",)),
)


def prune() -> int:
    """Delete one batch of values that are older than is allowed; 0 when none is left."""
    days = AttributionSettings.load().click_id_days
    old = ClickId.objects.filter(seen_at__lt=Now() - timedelta(days=days)).order_by("seen_at")
    deleted, _ = ClickId.objects.filter(pk__in=old.values("pk")[:PRUNED]).delete()
    return deleted + sum(_scrub_next(place, days) for place in PLACES)


@transaction.atomic
def _scrub_next(place: Place, days: int) -> int:
    """Once an hour; how many rows were passed."""
    mark, _ = ClickIdScrub.objects.get_or_create(table=place.table)
    due = Q(rested_at=None) | Q(rested_at__lt=Now() - EVERY)
    rows = ClickIdScrub.objects.select_for_update(skip_locked=True)
    mine = rows.filter(due, pk=mark.pk).first()
    if mine is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        reached = _reached(place, mine.done_to, cursor.fetchone()[0] - timedelta(days=days))
    if reached is None:
        ClickIdScrub.objects.filter(pk=mark.pk).update(rested_at=Now())
        return 0
    scrub(place, mine.done_to, reached)
    ClickIdScrub.objects.filter(pk=mark.pk).update(done_to=reached)
    return SCRUBBED


def _reached(place: Place, after: int, before: datetime) -> int | None:
    """The last id of the next batch; None where nothing more is old."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH next AS (SELECT id, {place.moment} < %s AS old FROM {place.table} "
            "  WHERE id > %s ORDER BY id LIMIT %s) "
            "SELECT max(id) FROM next WHERE id < coalesce("
            "  (SELECT min(id) FROM next WHERE NOT old), 9223372036854775807)",
            [before, after, SCRUBBED],
        )
        reached: int | None = cursor.fetchone()[0]
    return reached


def scrub(place: Place, after: int, until: int) -> int:
    """Take the values out of the rows with ids in (after, until]; how many rows had any."""
    changes = ", ".join(f"{column} = {_forgotten(column)}" for column in place.columns)
    holds = " OR ".join(f"{column} ?| %(names)s OR {column}::text ~* %(pattern)s"
                        for column in place.columns)  # fmt: skip
    params: dict[str, Any] = {
        "names": NAMES,
        "pattern": IN_ADDRESS,
        "kept": rf"\1{ClickId.FORGOTTEN}",
        "word": f'"{ClickId.FORGOTTEN}"',
        "after": after,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place.table} SET {changes} "
            f"WHERE id > %(after)s AND id <= %(until)s AND ({holds}) RETURNING id",
            params,
        )
        changed = [row[0] for row in cursor.fetchall()]
        if place.table == "leads_inquiry" and changed:
            cursor.execute(
                f"UPDATE leads_activity SET properties = {_forgotten('properties')} "
                "WHERE dedupe_key = ANY(%(keys)s)",
                params | {"keys": [f"inquiry:{pk}" for pk in changed]},
            )
    return len(changed)


def _forgotten(column: str) -> str:
    """The column with a word in the place of each value, also within addresses."""
    return (
        "(SELECT coalesce(jsonb_object_agg(key, CASE WHEN key = ANY(%(names)s)"
        " THEN %(word)s::jsonb ELSE value END), '{}') FROM jsonb_each("
        f"regexp_replace({column}::text, %(pattern)s, %(kept)s, 'gi')::jsonb))"
    )
