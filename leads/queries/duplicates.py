"""What pages and the API show of leads that may be one person, and of those that were merged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import Page, keyset_page
from leads.countries import country_name
from leads.fields import definition_of, definitions, display, plain
from leads.models import (
    Activity,
    DuplicateCandidate,
    DuplicateSearch,
    FieldProposal,
    Inquiry,
    Lead,
    Lifecycle,
    Merge,
)
from leads.queries.survivors import survivor_id

PAGE = 25
HINTS = 3
CAP = 200  # more activities than this do not make anybody more of a survivor
LABELS = {
    "email": "E-mail",
    "job_title": "Title",
    "company_name": "Company",
    "company_size": "Staff",
}
CUSTOMERS = frozenset({Lifecycle.CUSTOMER, Lifecycle.EVANGELIST})


@dataclass(frozen=True, slots=True)
class Side:
    """One of two leads, with what tells a reader who that is."""

    lead: Lead
    inquiries: int = 0
    activities: int = 0

    @property
    def weight(self) -> tuple[bool, int, float]:
        """Who should be left: a customer, then whoever did more, then whoever came first."""
        return (
            self.lead.lifecycle in CUSTOMERS,
            self.activities,
            -self.lead.created_at.timestamp(),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Two leads, the one that should be left first."""

    candidate: DuplicateCandidate
    survivor: Side
    loser: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.survivor, self.loser


def pairs(principal: Any, *, kind: str = "", code: str = "") -> Any:
    """Open pairs both of which this person may see."""
    rows = DuplicateCandidate.objects.open().visible_to(principal)
    if kind == "same":
        rows = rows.filter(is_same=True)
    if code:
        rows = rows.filter(reasons__contains=[{"code": code}])
    return rows.select_related(
        *(f"{lead}__{more}" for lead in ("lead_a", "lead_b") for more in ("owner", "score_row"))
    )


def page_of(
    rows: "QuerySet[DuplicateCandidate]", *, cursor: str | None, size: int = PAGE
) -> Page[DuplicateCandidate]:
    return keyset_page(rows, ordering=["-score", "-pk"], size=size, cursor=cursor)


def find_pair(principal: Any, pair_id: int) -> DuplicateCandidate:
    """:raises NotFound: there is none, or one of the two may not be seen."""
    rows = DuplicateCandidate.objects.visible_to(principal).select_related("lead_a", "lead_b")
    row: DuplicateCandidate | None = rows.filter(pk=pair_id).first()
    if row is None:
        raise NotFound
    return row


def sided(candidates: Sequence[DuplicateCandidate]) -> list[Pair]:
    """Each pair with its counts, in two more queries for all of them."""
    sides = sides_of(lead for row in candidates for lead in (row.lead_a, row.lead_b))
    return [Pair(row, *in_order(sides[row.lead_a_id], sides[row.lead_b_id])) for row in candidates]


def sides_of(leads: Iterable[Lead]) -> dict[int, Side]:
    by_id = {lead.pk: lead for lead in leads}
    inquiries = _count(Inquiry.objects.filter(lead__in=by_id))
    activities = _count(Activity.objects.filter(lead__in=by_id))
    return {
        pk: Side(lead, inquiries.get(pk, 0), min(activities.get(pk, 0), CAP))
        for pk, lead in by_id.items()
    }


def _count(rows: "QuerySet[Any]") -> dict[int, int]:
    return dict(rows.order_by().values_list("lead").annotate(n=Count("pk")))


def in_order(one: Side, other: Side) -> tuple[Side, Side]:
    return (one, other) if one.weight >= other.weight else (other, one)


def running_search() -> DuplicateSearch | None:
    """The search under way, else the newest."""
    return DuplicateSearch.objects.order_by(F("done_at").desc(nulls_first=True), "-pk").first()


# The lead's page ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hint:
    """Somebody this lead looks like, and why."""

    candidate: DuplicateCandidate
    other: Lead

    @property
    def words(self) -> str:
        words = [str(reason["words"]) for reason in self.candidate.reasons]
        return ", ".join([*words[:1], *(text[:1].lower() + text[1:] for text in words[1:])])


@dataclass(frozen=True, slots=True)
class Proposed:
    """A value somebody gave, in words."""

    proposal: FieldProposal
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class WhoIsIt:
    """What is known, and not known, about who a lead is."""

    hints: list[Hint] = field(default_factory=list)
    proposals: list[Proposed] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    match: dict[str, Any] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        return bool(self.hints or self.proposals)

    @property
    def recognised(self) -> str:
        """How the newest inquiry was recognised, in words."""
        reasons = [str(reason.get("words", "")) for reason in self.match.get("reasons", [])]
        return ", ".join(dict.fromkeys(filter(None, reasons)))


def signs() -> dict[str, Any]:
    """Whether there is anything to say of who a lead is, for `record.find`."""
    pair = Q(lead_a=OuterRef("pk")) | Q(lead_b=OuterRef("pk"))
    told = FieldProposal.objects.filter(lead=OuterRef("pk"), state=FieldProposal.State.OPEN)
    newest = Inquiry.objects.filter(lead=OuterRef("pk")).order_by("-received_at")
    return {
        "has_twins": Exists(DuplicateCandidate.objects.open().filter(pair)),
        "is_told": Exists(told),
        "is_merged": Exists(Merge.objects.filter(Merge.ACTIVE, survivor=OuterRef("pk"))),
        "match": Subquery(newest.values("match")[:1]),
    }


def who_is(principal: Any, lead: Any) -> WhoIsIt:
    """In one query for each part that there is.

    :param lead: one that was found with its `signs`.
    """
    return WhoIsIt(
        hints_for(principal, lead) if lead.has_twins else [],
        proposals_of(lead.pk) if lead.is_told else [],
        merges_of(lead.pk) if lead.is_merged else [],
        lead.match or {},
    )


def hints_for(principal: Any, lead: Lead) -> list[Hint]:
    rows = DuplicateCandidate.objects.open().visible_to(principal)
    rows = rows.filter(Q(lead_a=lead) | Q(lead_b=lead)).select_related("lead_a", "lead_b")
    return [
        Hint(row, row.lead_b if row.lead_a_id == lead.pk else row.lead_a)
        for row in rows.order_by("-score", "-pk")[:HINTS]
    ]


def proposals_of(lead_id: int) -> list[Proposed]:
    rows = FieldProposal.objects.filter(lead=lead_id, state=FieldProposal.State.OPEN)
    return [
        Proposed(row, label_of(row.field), text_of(row.field, row.value))
        for row in rows.select_related("inquiry__source").order_by("pk")
    ]


def label_of(name: str) -> str:
    """A field in words, as the lead's page calls it."""
    if name.startswith("custom."):
        key = name.removeprefix("custom.")
        labels = {definition.key: definition.label for definition in definitions()}
        return labels.get(key) or key.replace("_", " ").capitalize()
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def text_of(name: str, value: Any) -> str:
    """A value in words: of an option its label, of a country its name."""
    if name.startswith("custom.") and (field := definition_of(name.removeprefix("custom."))):
        return display(field, value)
    return country_name(value) if name == "country" and value else plain(value)


def merges_of(lead_id: int) -> list[Merge]:
    """Leads that are part of this one, newest first; those that came with another, too."""
    rows = Merge.objects.filter(Merge.ACTIVE).select_related("loser", "merged_by")
    rows = rows.defer("plan").order_by("-pk")
    found = list(rows.filter(survivor=lead_id))
    inner = [merge.loser_id for merge in found]
    while inner:
        further = list(rows.filter(survivor__in=inner))
        found += further
        inner = [merge.loser_id for merge in further]
    return found


def find_merge(lead: Lead, merge_id: int) -> Merge:
    """A merge that has become part of this lead.

    :raises NotFound:
    """
    merge = Merge.objects.filter(pk=merge_id).select_related("loser", "survivor").first()
    if merge is None or survivor_id(merge.survivor_id) != lead.pk:
        raise NotFound
    return merge


def merge_of(loser_public_id: str) -> Merge | None:
    """The merge by which a lead became part of another."""
    rows = Merge.objects.filter(Merge.ACTIVE, loser__public_id=loser_public_id)
    return rows.select_related("loser", "survivor").first()
