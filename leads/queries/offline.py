"""What Google Ads is told of the clicks it sold: offline conversions, and what is left out.

https://support.google.com/google-ads/answer/7014069
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import Invalid
from leads.milestones import KINDS, Asked, Milestone, milestones
from leads.models import AttributionSettings, ClickId, Lead, Touch
from leads.queries.agreeing import who_agreed
from leads.spreadsheets import guarded

CLICKS = ("gclid", "gbraid", "wbraid")
USUAL_NAMES = {"mql": "Qualified lead", "sql": "Sales-qualified lead", "won": "Sale"}
CLICK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # a spreadsheet runs none of these
OLDEST_CLICK = timedelta(days=90)
LONGEST_DAYS = 92
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
BATCH = 2_000
HEADINGS = (
    "Google Click ID",
    "GBRAID",
    "WBRAID",
    "Conversion Name",
    "Conversion Time",
    "Conversion Value",
    "Conversion Currency",
)
REASONS = {
    "no_click": "No click on a Google ad is known from before it",
    "not_agreed": "The person did not agree",
    "forgotten": "The click id is no longer kept",
    "old_click": "The click was more than 90 days before",
    "not_a_click": "What came as a click id is none of Google's",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    lead: str  # its public id
    kind: str
    name: str
    at: datetime
    click: str  # gclid, gbraid or wbraid
    click_id: str
    value: Decimal | None
    currency: str


@dataclass(slots=True)
class Offline:
    """Conversions of a period in the order of kind and time; `left_out` counts the others."""

    rows: list[Conversion] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> Counter[str]:
        return Counter(row.kind for row in self.rows)

    @property
    def reasons(self) -> list[tuple[str, str, int]]:
        return [(key, words, self.left_out[key]) for key, words in REASONS.items()]


def names() -> dict[str, str]:
    """What each kind is called at Google; one with an empty name is not told."""
    return USUAL_NAMES | dict(AttributionSettings.load().google_names)


def offline(principal: Any, *, first: date, last: date) -> Offline:
    """Conversions from the start of one day to the end of another, in the workspace's time zone.

    :raises Invalid: the days are no period of three months at most.
    """
    _check(first, last)
    zone = ZoneInfo(Workspace.load().time_zone)
    since = datetime.combine(first, time.min, zone)
    until = datetime.combine(last + timedelta(days=1), time.min, zone)
    called = {kind: name for kind, name in names().items() if name and kind in KINDS}
    found, waiting = Offline(), milestones(Asked(since, until, called))
    while some := list(islice(waiting, BATCH)):
        _judge(principal, some, called, found)
    return found


def _check(first: date, last: date) -> None:
    if not EARLIEST <= first <= last <= LATEST:
        raise Invalid.field("last_day", "The first day comes before the last, both after 1999.")
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid.field("last_day", f"At most {LONGEST_DAYS} days at a time.")


def _judge(
    principal: Any, some: list[Milestone], called: Mapping[str, str], found: Offline
) -> None:
    visible = Lead.objects.visible_to(principal).filter(pk__in={each.lead_id for each in some})
    seen = dict(visible.values_list("pk", "public_id"))
    touches, clicks, agreed = _touches(seen), _clicks(seen), who_agreed(seen)
    for each in some:
        lead = each.lead_id
        if lead not in seen:
            continue
        if not any(at <= each.at for at in touches[lead]):
            found.left_out["no_click"] += 1
        elif lead not in agreed:
            found.left_out["not_agreed"] += 1
        else:
            _take(each, seen[lead], called[each.kind], clicks[lead], found)


def _take(
    each: Milestone, public_id: str, name: str, clicks: list[ClickId], found: Offline
) -> None:
    """With the newest click before it."""
    before = [click for click in clicks if click.seen_at <= each.at]
    if not before:
        found.left_out["forgotten"] += 1
        return
    click = before[-1]
    if click.seen_at < each.at - OLDEST_CLICK:
        found.left_out["old_click"] += 1
    elif not CLICK.fullmatch(click.value):
        found.left_out["not_a_click"] += 1
    else:
        money = (each.value, each.currency)
        row = Conversion(public_id, each.kind, name, each.at, click.name, click.value, *money)
        found.rows.append(row)


def _touches(leads: Iterable[int]) -> dict[int, list[datetime]]:
    """When they came by an ad of Google's, whether or not its value is still kept."""
    named = Q(*(Q(click_ids__contains=[name]) for name in CLICKS), _connector=Q.OR)
    found: dict[int, list[datetime]] = defaultdict(list)
    rows = Touch.objects.filter(named, lead__in=list(leads))
    for lead, at in rows.values_list("lead_id", "occurred_at"):
        found[lead].append(at)
    return found


def _clicks(leads: Iterable[int]) -> dict[int, list[ClickId]]:
    """Those still kept, the newest last."""
    found: dict[int, list[ClickId]] = defaultdict(list)
    rows = ClickId.objects.filter(touch__lead__in=list(leads), name__in=CLICKS)
    kept = rows.exclude(value=ClickId.FORGOTTEN).select_related("touch")
    for click in kept.order_by("seen_at", "pk"):
        found[click.touch.lead_id].append(click)
    return found


def csv_lines(rows: Iterable[Conversion]) -> Iterator[str]:
    """The file that Google Ads takes; times say their zone themselves."""
    zone = ZoneInfo(Workspace.load().time_zone)
    yield _line(HEADINGS)
    for row in rows:
        ids = [row.click_id if row.click == name else "" for name in CLICKS]
        at = row.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S%z")
        value = "" if row.value is None else f"{row.value:.2f}"
        yield _line([*ids, guarded(row.name), at, value, row.currency])


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
