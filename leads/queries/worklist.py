"""The list of leads: its rows, its orders, and what stands beside a lead in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leadcrm.lib.errors import DomainError, FieldError
from leadcrm.lib.pagination import CappedCount, Page, capped_count, keyset_page, neighbours
from leads.conditions.expressions import UNSORTED, OwnValue
from leads.fields import definition_of
from leads.models import FieldDefinition, Lead
from leads.models.lead import WAITING_UNTIL, LeadQuerySet

PAGE_SIZE = 50
DEFAULT_SORT = "-last_activity"
CUSTOM = "custom."
OWN_VALUE = "own_value"  # the annotation that a custom field is sorted by


class UnknownOrdering(DomainError):
    """A list was asked for in an order it does not have."""

    code = "unknown_ordering"
    title = "This list has no such order"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the list, rising; falling is its mirror, so that one index serves both."""

    key: str
    label: str
    fields: tuple[str, ...]

    @property
    def falling(self) -> list[str]:
        return [name[1:] if name.startswith("-") else f"-{name}" for name in self.fields]


SORTS = {
    sort.key: sort
    for sort in [
        Sort("score", "Score", ("score_row__score", "-pk")),  # as the index has it
        Sort("last_activity", "Last activity", ("score_row__last_activity_at", "pk")),
        Sort("created", "Created", ("created_at", "pk")),
        Sort("name", "Name", ("last_name", "first_name", "pk")),
        Sort("reply", "First reply due", ("waiting_until", "pk")),
    ]
}
CHOICES = tuple(SORTS)
# The API calls columns by the names of its fields.
SORTS |= {
    "created_at": SORTS["created"],
    "last_activity_at": SORTS["last_activity"],
    "response_due_at": SORTS["reply"],
}

ROW_FIELDS = (
    "public_id", "first_name", "last_name", "email", "phone", "job_title", "company_name",
    "created_at", "response_started_at", "response_due_at", "responded_at", "next_step_at",
    "stage__key", "stage__name", "stage__short_name", "stage__category", "stage__position",
    "stage__probability",
    "owner__public_id", "owner__name", "owner__email", "owner__hue",
    "source__name",
    "score_row__score", "score_row__temperature", "score_row__trend",
    "score_row__last_activity_at", "score_row__last_activity_type",
)  # fmt: skip


def sort_of(sort: str) -> Sort:
    """The order called `score`, `-score` or `custom.<key>`.

    :raises UnknownOrdering: there is no such order.
    """
    key = sort.removeprefix("-")
    known = SORTS.get(key)
    if known is None and (definition := _sorted_field(key)):
        known = Sort(key, definition.label, (OWN_VALUE, "pk"))
    if known is None:
        names = ", ".join(SORTS)
        message = f"There is no order “{sort[:40]}”. Choose from {names}, with - for descending."
        raise UnknownOrdering(message, errors=[FieldError("ordering", message, "unknown")])
    return known


def _sorted_field(key: str) -> FieldDefinition | None:
    """The custom field behind an order: sensitive ones would tell by it."""
    definition = definition_of(key.removeprefix(CUSTOM)) if key.startswith(CUSTOM) else None
    if definition is None or definition.is_sensitive or definition.type in UNSORTED:
        return None
    return definition


def ordering_of(sort: str) -> Sequence[str]:
    """The columns behind `score` or `-score`.

    :raises UnknownOrdering: there is no such order.
    """
    known = sort_of(sort)
    return known.falling if sort.startswith("-") else known.fields


def rows(leads: LeadQuerySet, sort: str, reads: Iterable[str] = ()) -> LeadQuerySet:
    """Leads with what a row of the list shows, and nothing else of the wide table."""
    joined = in_order(leads, sort).select_related("stage", "owner", "source", "score_row")
    return joined.only(*ROW_FIELDS, *reads)


def in_order(leads: LeadQuerySet, sort: str) -> LeadQuerySet:
    """Leads that this order of the list can be asked of.

    Asking for the score row makes it an inner join, so that its indexes give the order.
    """
    ordered: LeadQuerySet = leads.filter(score_row__isnull=False).annotate(
        waiting_until=WAITING_UNTIL
    )
    if definition := _sorted_field(sort.removeprefix("-")):
        ordered = ordered.annotate(**{OWN_VALUE: OwnValue(definition)})
    return ordered


def page(
    leads: LeadQuerySet,
    *,
    sort: str = DEFAULT_SORT,
    cursor: str | None = None,
    size: int = PAGE_SIZE,
    reads: Iterable[str] = (),
) -> Page[Lead]:
    """:param reads: fields of the lead that the chosen columns show besides the usual ones."""
    ordering = ordering_of(sort)
    return keyset_page(rows(leads, sort, reads), ordering=ordering, size=size, cursor=cursor)


def whole_page(
    leads: LeadQuerySet, *, sort: str, cursor: str | None = None, size: int = PAGE_SIZE
) -> Page[Lead]:
    """The same with every column, for programs."""
    ordering = ordering_of(sort)
    whole = in_order(leads, sort).select_related("stage", "owner", "source", "company", "score_row")
    return keyset_page(whole, ordering=ordering, size=size, cursor=cursor)


def count(leads: LeadQuerySet) -> CappedCount:
    return capped_count(leads.only("pk"))


def _placed(lead: Lead, sort: str) -> Lead:
    """The lead with what the order compares; only custom fields have to be asked for."""
    if _sorted_field(sort.removeprefix("-")):
        return in_order(Lead.objects.filter(pk=lead.pk), sort).select_related("score_row").get()
    lead.waiting_until = lead.response_due_at if lead.responded_at is None else None  # type: ignore[attr-defined]
    return lead


def beside(leads: LeadQuerySet, lead: Lead, *, sort: str) -> tuple[str | None, str | None]:
    """The public ids before and after a lead in a list."""
    ordering = ordering_of(sort)
    ordered: Any = in_order(leads, sort).only("public_id")
    place = _placed(lead, sort)
    return neighbours(ordered, ordering=ordering, row=place, field="public_id")
