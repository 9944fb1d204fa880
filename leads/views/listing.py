"""What the page of leads shows besides its rows: tabs, filters in words, links."""

from dataclasses import dataclass, replace
from typing import Any, cast

from django.http import HttpRequest, QueryDict

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import CappedCount
from leads import filters
from leads.activity_types import type_of
from leads.clocks import Clock, reply_clock
from leads.models import Lead
from leads.models.lead import LeadQuerySet
from leads.queries import saved_views, worklist
from leads.queries.saved_views import View

BESIDE_FILTERS = frozenset({"view", "cursor", "sort"})
COLUMNS = {
    "name": "Lead",
    "score": "Score",
    "reply": "First reply",
    "last_activity": "Last activity",
}
TIMES = ("last_activity", "created", "reply")
DESCENDING_FIRST = frozenset({"score", "last_activity", "created"})


def query_of(data: QueryDict, *without: str) -> QueryDict:
    """The parameters that say something, without the page and those named."""
    kept = QueryDict(mutable=True)
    for name, values in data.lists():
        given = [value for value in values if value and "\x00" not in value]
        if given and name not in {"cursor", *without}:
            kept.setlist(name, given)
    return kept


def link(query: QueryDict, **changes: str | None) -> str:
    """A link to the list with one thing changed; None takes a parameter out."""
    changed = query.copy()
    for name, value in changes.items():
        changed.pop(name, None)
        if value is not None:
            changed[name] = value
    return f"?{changed.urlencode(safe=',')}"


@dataclass(frozen=True, slots=True)
class Row:
    """One lead as the table shows it."""

    lead: Lead

    @property
    def reply(self) -> Clock:
        return reply_clock(self.lead)

    @property
    def role(self) -> str:
        return ", ".join(part for part in (self.lead.job_title, self.lead.company_name) if part)

    @property
    def last_activity(self) -> str:
        key = self.lead.score_row.last_activity_type
        return type_of(key).label if key else "Lead created"


@dataclass(frozen=True, slots=True)
class Tab:
    view: View
    href: str
    current: bool
    count: CappedCount | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading that sorts. `direction` is set where the list is in this order."""

    label: str
    href: str
    direction: str = ""

    @property
    def arrow(self) -> str:
        return {"ascending": "arrow-up", "descending": "arrow-down"}.get(self.direction, "")


class Listing:
    """One request for the list: which leads, in which order, under which tab."""

    def __init__(self, request: HttpRequest) -> None:
        self.user = cast(User, request.user)
        self.query = query_of(request.GET)
        self.sort = self.query.get("sort") or worklist.DEFAULT_SORT
        self.ordering = worklist.ordering_of(self.sort)
        self.leads, self.found = narrowed(request)
        self.cursor = request.GET.get("cursor")
        self.views = saved_views.views_of(self.user)

    @property
    def view(self) -> View | None:
        """The tab this list belongs to."""
        key = self.query.get("view") or ("" if self.is_narrowed else "all")
        return next((view for view in self.views if view.key == key), None)

    @property
    def is_narrowed(self) -> bool:
        return any(name in filters.LeadFilter.base_filters for name in self.query)

    @property
    def is_changed(self) -> bool:
        """Whether the filters differ from those of the tab."""
        present = query_of(self.query, "view")
        saved = query_of(QueryDict(self.view.query if self.view else ""))
        return sorted(present.lists()) != sorted(saved.lists())

    @property
    def tabs(self) -> list[Tab]:
        return [Tab(view, href_of(view), view == self.view) for view in self.views]

    def counted_tabs(self, request: HttpRequest) -> list[Tab]:
        """The tabs with how many leads are under each; a view that broke has no number."""
        return [replace(tab, count=self._count(tab.view, request)) for tab in self.tabs]

    def _count(self, view: View, request: HttpRequest) -> CappedCount | None:
        try:
            leads = Lead.objects.visible_to(self.user)
            return worklist.count(filters.narrowed(leads, QueryDict(view.query), request)[0])
        except DomainError:
            return None

    @property
    def chips(self) -> list[dict[str, Any]]:
        return [
            {"chip": chip, "remove": link(self.query, **{chip.name: None})}
            for chip in filters.chips(self.found)
        ]

    @property
    def columns(self) -> dict[str, Column]:
        return {key: self._column(key, label) for key, label in COLUMNS.items()}

    def _column(self, key: str, label: str) -> Column:
        falling = f"-{key}"
        if self.sort not in {key, falling}:
            return Column(label, link(self.query, sort=falling if key in DESCENDING_FIRST else key))
        direction = "descending" if self.sort == falling else "ascending"
        return Column(
            label, link(self.query, sort=key if self.sort == falling else falling), direction
        )

    @property
    def sort_label(self) -> str:
        return worklist.SORTS[self.sort.removeprefix("-")].label

    @property
    def sort_words(self) -> str:
        """For the table's caption: “last activity, newest first”."""
        ends = ("newest", "oldest") if self.sort.endswith(TIMES) else ("highest", "lowest")
        return f"{self.sort_label.lower()}, {ends[0] if self.sort.startswith('-') else ends[1]}"

    @property
    def sort_choices(self) -> list[Column]:
        return [self._column(key, worklist.SORTS[key].label) for key in worklist.CHOICES]

    @property
    def reset(self) -> str:
        return href_of(self.view) if self.view else "/leads/"

    @property
    def fewer(self) -> str:
        """The list without its last filter: what to try when nothing matches."""
        chips = self.chips
        return str(chips[-1]["remove"]) if chips else "/leads/"

    @property
    def no_match(self) -> str:
        names = [
            f"{item['chip'].label.lower()} {item['chip'].op} {item['chip'].value}"
            for item in self.chips
        ]
        return f"No lead you can see has all of: {'; '.join(names)}."

    @property
    def fewer_words(self) -> str:
        chips = self.chips
        return f"Drop {chips[-1]['chip'].label.lower()}" if chips else "Start again"

    @property
    def path(self) -> str:
        return f"/leads/?{self.here}"

    @property
    def here(self) -> str:
        """The query string that leads' links carry, so that J and K walk through this list."""
        return self.query.urlencode(safe=",")

    def context(self) -> dict[str, Any]:
        page = worklist.page(self.leads, sort=self.sort, cursor=self.cursor)
        count = worklist.count(self.leads) if page.rows else CappedCount(0, capped=False)
        return {
            "list": self,
            "view_tabs": self.tabs,
            "page": page,
            "rows": [Row(lead) for lead in page],
            "count": count,
            "summary": f"{count} {'lead' if count.value == 1 else 'leads'} in this view",
            "is_first_run": not page.rows and not self.is_narrowed,
        }


def narrowed(request: HttpRequest) -> tuple[LeadQuerySet, filters.LeadFilter]:
    """The leads this person may see that pass the filters of the request."""
    return filters.narrowed(Lead.objects.visible_to(request.user), query_of(request.GET), request)


def href_of(view: View) -> str:
    return f"?view={view.key}" + (f"&{view.query}" if view.query else "")
