"""What the pages show of visitors: a lead's browsers and visits, and what a site has sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from leads.activity_types import type_of
from leads.attribution.channels import label_of
from leads.capture.origin import origin_of
from leads.models import Activity, IdentityLink, Lead, TrackedSite, Visit, VisitorEvent
from leads.tracking import machines
from leads.tracking.visits import objects

VIEWS = ("page_view", "product_view", "pricing_view")
MOST_BROWSERS = 6
MOST_VISITS = 3
MOST_PAGES = 4
COUNTED_VIEWS = 500
RECENT_EVENTS = 500  # among which a site's last ones are looked for
SHOWN_EVENTS = 8


@dataclass(frozen=True, slots=True)
class Browser:
    """One of a lead's browsers and how it came to be known as such."""

    link: IdentityLink

    @property
    def name(self) -> str:
        return machines.browser_name(self.link.visitor.user_agent)

    @property
    def is_hint(self) -> bool:
        return self.link.confidence == IdentityLink.Confidence.LOW

    @property
    def words(self) -> str:
        """“Sent a form”, and what has become of the link since."""
        link = self.link
        words = link.get_method_display()
        if link.confidence == IdentityLink.Confidence.MEDIUM:
            words = f"{words} (probable)"
        return f"{words}, until another person came" if link.ended_at else words


@dataclass(frozen=True, slots=True)
class Session:
    """One visit in words."""

    visit: Visit

    @property
    def channel(self) -> str:
        return label_of(origin_of(self.visit.origin, {}, None).channel)

    @property
    def campaign(self) -> str:
        return str(self.visit.origin.get("utm_campaign", ""))

    @property
    def page(self) -> str:
        return path_of(str(self.visit.origin.get("landing_page", "")))

    @property
    def minutes(self) -> int:
        return int((self.visit.last_at - self.visit.started_at).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a lead did on our websites, as far as we know."""

    browsers: Sequence[Browser]
    sessions: Sequence[Session]
    first: Session | None
    visits: int
    pages: Sequence[tuple[str, int]]
    is_refused: bool


def behaviour_of(lead: Lead) -> Behaviour | None:
    """None for a lead that was never seen on a website, and did not object either."""
    mine = IdentityLink.objects.filter(
        Q(lead=lead) | Q(lead__merged_into=lead), cut_at=None
    ).select_related("visitor")
    links = list(mine.order_by("-at", "-pk")[:MOST_BROWSERS])
    refused = objects(lead.pk)
    if not links and not refused:
        return None
    visits = Visit.objects.filter(link__in=mine.values("pk")) if links else Visit.objects.none()
    newest = [Session(visit) for visit in visits.order_by("-started_at", "-pk")[:MOST_VISITS]]
    first = visits.order_by("started_at", "pk").first() if newest else None
    return Behaviour(
        browsers=[Browser(link) for link in links],
        sessions=newest,
        first=Session(first) if first else None,
        visits=len(visits.values_list("pk", flat=True)[:100]) if newest else 0,
        pages=most_viewed(lead) if links else [],
        is_refused=refused,
    )


def most_viewed(lead: Lead) -> list[tuple[str, int]]:
    """The pages looked at most often lately, without their sites."""
    views = Activity.objects.filter(lead=lead.pk, type__in=VIEWS, link__isnull=False)
    urls = views.order_by("-occurred_at").values_list(KT("properties__url"), flat=True)
    paths = (path_of(url) for url in urls[:COUNTED_VIEWS] if url)
    return Counter(paths).most_common(MOST_PAGES)


def path_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    path = parts.path or ("/" if parts.netloc else "")
    return f"{path}#{parts.fragment}" if parts.fragment else path


# ---- sites ----


def sites() -> QuerySet[TrackedSite]:
    live = TrackedSite.objects.filter(api_key__revoked_at=None)
    return live.select_related("api_key").order_by("name", "pk")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One event that a site has sent, in words."""

    event: VisitorEvent

    @property
    def label(self) -> str:
        return type_of(self.event.type).label

    @property
    def page(self) -> str:
        return path_of(str(self.event.properties.get("url", "")))


def last_events(site: TrackedSite) -> list[Arrived]:
    """The newest of a site, if they are among the newest of all."""
    newest = VisitorEvent.objects.order_by("-pk").values("pk")[:RECENT_EVENTS]
    mine = VisitorEvent.objects.filter(pk__in=newest, visitor__site=site)
    return [Arrived(event) for event in mine.order_by("-pk")[:SHOWN_EVENTS]]


def linked_to(lead: Lead, link_id: int) -> IdentityLink | None:
    """A link of this lead that was not cut."""
    mine = IdentityLink.objects.filter(Q(lead=lead) | Q(lead__merged_into=lead), cut_at=None)
    return mine.select_related("visitor", "lead").filter(pk=link_id).first()
