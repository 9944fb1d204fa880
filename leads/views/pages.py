"""What the page of one lead shows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from leadcrm.lib.errors import DomainError
from leadcrm.lib.normalise import readable_phone
from leads import fields, panels, timeline
from leads.clocks import local_time, reply_clock
from leads.countries import country_name
from leads.fields import records
from leads.forms.values import PREFIX, name_in_form
from leads.models import FieldDefinition, Lead
from leads.queries import duplicates, record, saved_views, worklist
from leads.views.listing import narrowed, query_of

MOST_OPEN = 8
CONTACT = {
    "email": "E-mail",
    "phone": "Phone",
    "job_title": "Title",
    "language": "Language",
    "city": "City",
    "country": "Country",
    "time_zone": "Time zone",
}
COMPANY = {
    "company_name": "Name",
    "industry": "Industry",
    "company_size": "Staff",
    "website": "Website",
}
LABELS = (
    CONTACT | COMPANY | {"first_name": "First name", "last_name": "Last name", "region": "Region"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """One contact field on the page."""

    name: str
    label: str
    value: str
    hint: str = ""
    warning: str = ""

    @property
    def lines(self) -> list[str]:
        """Where a long value may break: after the @ of an address."""
        head, at, tail = self.value.partition("@")
        return [head + at, tail] if at else [self.value]


def field_of(lead: Lead, name: str) -> Field:
    if name.startswith(PREFIX) and (definition := fields.definition_of(name.removeprefix(PREFIX))):
        return own_field(lead, definition)
    value = getattr(lead, name)
    if name == "country":
        value = country_name(value)
    elif name == "phone":
        value = readable_phone(value)
    elif isinstance(value, int):
        value = f"{value:,}"
    return Field(name, LABELS[name], value or "")


def own_field(lead: Lead, definition: FieldDefinition, *, said: str = "") -> Field:
    """:param said: an answer that the field could not hold: a hint while it is empty."""
    stored = lead.custom.get(definition.key)
    value = fields.display(definition, stored)
    hint = f"Sent as “{said}”" if said and not value else ""
    wrong = records.misfit(definition, stored)
    return Field(name_in_form(definition), definition.label, value, hint, wrong)


@dataclass(frozen=True, slots=True)
class OwnFields:
    """The company's own fields on the page: by group, and what nobody has described."""

    groups: dict[str, list[Field]]
    empty: list[Field]
    others: list[tuple[str, str]]


def own_fields(lead: Lead) -> OwnFields:
    """A few fields are all shown, to be filled; of many, those that have a value."""
    used = fields.definitions()
    is_told = used and getattr(lead, "has_unread", True)
    said = record.unread_answers(lead.pk) if is_told else {}
    folds = len(used) > MOST_OPEN
    groups: dict[str, list[Field]] = {}
    empty: list[Field] = []
    for definition in used:
        shown = own_field(lead, definition, said=said.get(definition.name, ""))
        if folds and not shown.value and not shown.hint:
            empty.append(shown)
        else:
            groups.setdefault(definition.group or "More", []).append(shown)
    known = {definition.key for definition in fields.all_definitions()}
    others = [(key, fields.plain(value)) for key, value in lead.custom.items() if key not in known]
    return OwnFields(groups, empty, sorted(others))


class Timeline:
    """One page of the timeline, as the request asks for it."""

    groups = timeline.GROUPS

    def __init__(self, request: HttpRequest, lead: Lead) -> None:
        self.group = request.GET.get("group", "")
        if self.group not in {key for key, _ in timeline.GROUPS}:
            self.group = ""
        page = record.timeline(lead.pk, group=self.group, cursor=request.GET.get("cursor"))
        shown = request.GET.get("day", "")
        self.days, self.last_day = timeline.days(page, now=timezone.now(), shown=shown)
        self.next = page.next
        self.is_empty = not page.rows and "cursor" not in request.GET


class LeadPage:
    def __init__(self, request: HttpRequest, lead: Lead) -> None:
        self.request, self.lead = request, lead
        self.at = timezone.now()
        self.query = query_of(request.GET, "group", "day", "open")
        self.is_whole = request.GET.get("open") == "all"

    @cached_property
    def list_path(self) -> str:
        return f"/leads/?{self.query.urlencode(safe=',')}" if self.query else "/leads/"

    @property
    def whole_path(self) -> str:
        """This page with all panels at once, for browsers without scripts."""
        query = query_of(self.request.GET)
        query["open"] = "all"
        return f"?{query.urlencode(safe=',')}"

    @property
    def view_name(self) -> str:
        """The list the reader came from, in words; empty for all leads."""
        key = self.query.get("view", "")
        views = saved_views.views_of(self.request.user) if key else []  # type: ignore[arg-type]
        return next((view.name for view in views if view.key == key), "")

    @property
    def beside(self) -> dict[str, str | None]:
        """The leads before and after this one in that list; none when the list makes no sense."""
        request = self.request
        try:
            leads, _ = narrowed(request)
            sort = self.query.get("sort") or worklist.DEFAULT_SORT
            before, after = worklist.beside(leads, self.lead, sort=sort)
        except DomainError:
            return {}
        tail = f"?{self.query.urlencode(safe=',')}" if self.query else ""
        return {
            "previous": f"/leads/{before}/{tail}" if before else None,
            "next": f"/leads/{after}/{tail}" if after else None,
        }

    def context(self) -> dict[str, Any]:
        lead = self.lead
        return {
            "lead": lead,
            "page": self,
            "list_path": self.list_path,
            "view_name": self.view_name,
            "beside": self.beside,
            "score": lead.score_row,
            "local_time": local_time(lead, self.at),
            "reply": reply_clock(lead, at=self.at),
            "panels": panels.panels_for(lead, self.request.user, at=self.at, whole=self.is_whole),
            "whole_path": self.whole_path,
            "contact": [field_of(lead, name) for name in CONTACT],
            "company": [field_of(lead, name) for name in COMPANY],
            "own": own_fields(lead),
            "tags": lead.tag_names,  # type: ignore[attr-defined]
            "consents": record.consents_in(lead),
            "timeline": Timeline(self.request, lead),
            "who": duplicates.who_is(self.request.user, lead),
        }
