"""Who was on the demo company's website: browsers that turned out to be leads, and strangers."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

from django.db.models import Q

from leadcrm.demo.company import PAGES
from leads.models import (
    Activity,
    IdentityLink,
    Lead,
    TrackedSite,
    TrackingPolicy,
    Visit,
    Visitor,
    VisitorEvent,
)
from leads.tracking.sites import add_site

SITE = "https://marlow.example"
VIEWS = ("page_view", "product_view", "pricing_view")
MOST_LEADS = 220
STRANGERS, MACHINES = 140, 25
SESSION = timedelta(minutes=40)
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ORIGINS: tuple[dict[str, str], ...] = (
    {"referrer": "https://www.google.com/"},
    {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "rota-software"},
    {"utm_source": "linkedin", "utm_medium": "paid_social", "utm_campaign": "overtime-guide"},
    {"referrer": "https://www.linkedin.com/"},
    {},
)


def load_website(*, seed: int, now: datetime) -> None:
    if TrackedSite.objects.exists():
        return
    random = Random(seed)
    site = add_site("marlow.example", origins=[SITE])
    TrackedSite.objects.filter(pk=site.pk).update(last_event_at=now - timedelta(minutes=2))
    since = now - timedelta(days=TrackingPolicy.load().keep_days)
    events = [*_known(site, random, since), *_strangers(site, random, now)]
    VisitorEvent.objects.bulk_create(
        sorted(events, key=lambda event: event.received_at), batch_size=2000
    )


def _known(site: TrackedSite, random: Random, since: datetime) -> Iterable[VisitorEvent]:
    """Browsers of leads: what they viewed is on the timeline already."""
    views = Activity.objects.filter(
        Q(lead__in=Lead.objects.live()), type__in=VIEWS, occurred_at__gte=since, link=None
    )
    by_lead: dict[int, list[Activity]] = defaultdict(list)
    for view in views.order_by("-occurred_at", "-pk"):
        by_lead[view.lead_id].append(view)
    for lead_id, viewed in list(by_lead.items())[:MOST_LEADS]:
        yield from _browser_of(lead_id, viewed[::-1], site, random)


def _browser_of(
    lead_id: int, viewed: Sequence[Activity], site: TrackedSite, random: Random
) -> Iterable[VisitorEvent]:
    first, last = viewed[0].occurred_at, viewed[-1].occurred_at
    visitor = _visitor(site, random, first=first, last=last)
    method = random.choices(("form", "click", "identify"), (6, 3, 1))[0]
    link = IdentityLink.objects.create(
        visitor=visitor,
        lead_id=lead_id,
        method=method,
        confidence="medium" if method == "click" else "high",
        at=first,
    )
    Visitor.objects.filter(pk=visitor.pk).update(link=link)
    Activity.objects.filter(pk__in=[view.pk for view in viewed]).update(link=link)
    for moments in _sessions(viewed):
        visit = _visit(visitor, random, moments[0].occurred_at, moments[-1].occurred_at, link)
        for view in moments:
            yield _event(visitor, visit, random, view.type, view.occurred_at, view.properties, link)


def _sessions(viewed: Sequence[Activity]) -> list[list[Activity]]:
    found: list[list[Activity]] = []
    for view in viewed:
        if found and view.occurred_at - found[-1][-1].occurred_at < SESSION:
            found[-1].append(view)
        else:
            found.append([view])
    return found


def _strangers(site: TrackedSite, random: Random, now: datetime) -> Iterable[VisitorEvent]:
    for n in range(STRANGERS + MACHINES):
        is_machine = n >= STRANGERS
        at = now - timedelta(days=7 * random.random() ** 2, minutes=2)
        count = 12 if is_machine else random.choice((1, 1, 2, 3, 5))
        step = timedelta(seconds=1 if is_machine else random.randint(20, 140))
        visitor = _visitor(
            site, random, first=at, last=min(at + count * step, now), is_machine=is_machine
        )
        visit = _visit(visitor, random, at, min(at + count * step, now))
        for k in range(count):
            seen = min(at + k * step, now)
            url = {"url": random.choice(PAGES)}
            yield _event(visitor, visit, random, "page_view", seen, url)


def _visitor(
    site: TrackedSite,
    random: Random,
    *,
    first: datetime,
    last: datetime,
    is_machine: bool = False,
) -> Visitor:
    visitor: Visitor = Visitor.objects.create(
        token=uuid.UUID(int=random.getrandbits(128)),
        site=site,
        klass="machine" if is_machine else "human",
        reasons=["crawler"] if is_machine else [],
        first={"landing_page": f"{SITE}{random.choice(PAGES)}", **random.choice(ORIGINS)},
        user_agent=CRAWLER if is_machine else random.choice(BROWSERS),
        remote_address=f"192.0.2.{random.randrange(256)}",
        first_seen_at=first,
        last_seen_at=last,
    )
    return visitor


def _visit(
    visitor: Visitor,
    random: Random,
    start: datetime,
    end: datetime,
    link: IdentityLink | None = None,
) -> Visit:
    visit: Visit = Visit.objects.create(
        visitor=visitor,
        token=uuid.UUID(int=random.getrandbits(128)),
        started_at=start,
        last_at=end,
        origin={"landing_page": f"{SITE}{random.choice(PAGES)}", **random.choice(ORIGINS)},
        link=link,
    )
    return visit


def _event(
    visitor: Visitor,
    visit: Visit,
    random: Random,
    type_: str,
    at: datetime,
    properties: object,
    link: IdentityLink | None = None,
) -> VisitorEvent:
    return VisitorEvent(
        visitor=visitor,
        event_id=uuid.UUID(int=random.getrandbits(128)),
        visit=visit,
        type=type_,
        occurred_at=at,
        received_at=at,
        properties=properties,
        klass=visitor.klass,
        link=link,
    )
