"""What the page of leads shows besides its rows: tabs, filters in words, links."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from django.http import HttpRequest, QueryDict

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError
from leadcrm.lib.normalise import readable_phone
from leadcrm.lib.pagination import CappedCount
from leads import fields, filters
from leads.activity_types import type_of
from leads.clocks import Clock, reply_clock
from leads.countries import country_name
from leads.models import Lead, Lifecycle, Status
from leads.models.lead import LeadQuerySet
from leads.queries import columns, saved_views, worklist
from leads.queries.saved_views import View

BESIDE_FILTERS = frozenset({"view", "cursor", "sort", "columns"})
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
class Cell:
    """A cell of a chosen column; `text` where the page has no picture for it."""

    key: str
    text: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One lead as the table shows it."""

    lead: Lead
    columns: Sequence[columns.Column]

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

    @property
    def cells(self) -> list[Cell]:
        return [Cell(each.key, self._text(each.key), each.is_number) for each in self.columns]

    def _text(self, key: str) -> str:
        if key.startswith(columns.PREFIX):
            definition = fields.definition_of(key.removeprefix(columns.PREFIX))
            value = self.lead.custom.get(definition.key) if definition else None
            return fields.display(definition, value) if definition else ""
        read = PLAIN_CELLS.get(key)
        return read(self.lead) if read else ""


PLAIN_CELLS: dict[str, Callable[[Lead], str]] = {
    "company": lambda lead: lead.company_name,
    "source": lambda lead: lead.source.name if lead.source else "",
    "email": lambda lead: lead.email,
    "phone": lambda lead: readable_phone(lead.phone),
    "job_title": lambda lead: lead.job_title,
    "city": lambda lead: lead.city,
    "country": lambda lead: country_name(lead.country),
    "industry": lambda lead: lead.industry,
    "company_size": lambda lead: f"{lead.company_size:,}" if lead.company_size else "",
    "lifecycle": lambda lead: str(Lifecycle(lead.lifecycle).label),
    "status": lambda lead: str(Status(lead.status).label),
}


@dataclass(frozen=True, slots=True)
class Tab:
    view: View
    href: str
    current: bool
    count: CappedCount | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; with `href` it sorts. `direction` is set where the list is in this order."""

    label: str
    href: str = ""
    direction: str = ""
    key: str = ""
    is_number: bool = False

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
        names = self.found.filters
        return any(name in names for name in self.query)

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

    @cached_property
    def shown(self) -> list[columns.Column]:
        return columns.columns_of(self.user, self.query.get("columns", ""))

    @property
    def name_heading(self) -> Heading:
        return self._heading("name", "Lead")

    @property
    def headings(self) -> list[Heading]:
        return [
            replace(
                self._heading(each.sort, each.label) if each.sort else Heading(each.label),
                key=each.key,
                is_number=each.is_number,
            )
            for each in self.shown
        ]

    def _heading(self, key: str, label: str) -> Heading:
        falling = f"-{key}"
        if self.sort not in {key, falling}:
            first = falling if key in DESCENDING_FIRST else key
            return Heading(label, link(self.query, sort=first))
        direction = "descending" if self.sort == falling else "ascending"
        return Heading(
            label, link(self.query, sort=key if self.sort == falling else falling), direction
        )

    @property
    def sort_label(self) -> str:
        return worklist.sort_of(self.sort).label

    @property
    def sort_words(self) -> str:
        """For the table's caption: “last activity, newest first”."""
        ends = ("newest", "oldest") if self.sort.endswith(TIMES) else ("highest", "lowest")
        return f"{self.sort_label.lower()}, {ends[0] if self.sort.startswith('-') else ends[1]}"

    @property
    def sort_choices(self) -> list[Heading]:
        own = [each.sort for each in self.shown if each.sort.startswith(columns.PREFIX)]
        keys = dict.fromkeys([*worklist.CHOICES, *own])
        return [self._heading(key, worklist.sort_of(key).label) for key in keys]

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
        reads = [name for each in self.shown for name in each.reads]
        page = worklist.page(self.leads, sort=self.sort, cursor=self.cursor, reads=reads)
        count = worklist.count(self.leads) if page.rows else CappedCount(0, capped=False)
        return {
            "list": self,
            "view_tabs": self.tabs,
            "page": page,
            "rows": [Row(lead, self.shown) for lead in page],
            "count": count,
            "summary": f"{count} {'lead' if count.value == 1 else 'leads'} in this view",
            "is_first_run": not page.rows and not self.is_narrowed,
        }


def narrowed(request: HttpRequest) -> tuple[LeadQuerySet, filters.LeadFilter]:
    """The leads this person may see that pass the filters of the request."""
    return filters.narrowed(Lead.objects.visible_to(request.user), query_of(request.GET), request)


def href_of(view: View) -> str:
    return f"?view={view.key}" + (f"&{view.query}" if view.query else "")
