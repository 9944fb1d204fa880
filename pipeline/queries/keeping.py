"""What stages ask of a lead, why leads are lost, and what moves them by itself."""

from collections.abc import Callable, Iterable

from django.db.models import Count, Q, QuerySet

from leadcrm.lib import memo
from leads.fields import definitions
from leads.models import Lead, Pipeline, Stage
from pipeline.models import AutoMove, CloseReason, Deal, Task

COLUMNS = {
    "email": "an e-mail address",
    "phone": "a phone number",
    "first_name": "a first name",
    "last_name": "a last name",
    "job_title": "a job title",
    "company_name": "a company",
    "company_size": "the size of the company",
    "industry": "an industry",
    "country": "a country",
    "city": "a city",
    "website": "a website",
    "language": "a language",
}
OTHERS = {
    "owner": "an owner",
    "deal": "an open deal",
    "deal_amount": "a deal with an amount",
    "deal_close": "a deal with an expected close",
    "next_step": "a next step",
}


def pipelines(*, archived: bool = False) -> list[Pipeline]:
    """Those in use, the default one first; read once for each request."""
    found = Pipeline.objects.order_by("-is_default", "position", "pk")
    if archived:
        return list(found)
    return memo.once("pipelines", lambda: list(found.filter(archived_at=None)))


def with_counts() -> QuerySet[Pipeline]:
    in_use = Count("stages", filter=Q(stages__archived_at=None))
    return Pipeline.objects.annotate(stage_count=in_use).order_by("-is_default", "position", "pk")


# Reasons ------------------------------------------------------------------------------------------


def reasons(kind: str = CloseReason.Kind.LOST) -> list[CloseReason]:
    """Those that can be chosen, in their order."""
    return list(CloseReason.objects.filter(kind=kind, archived_at=None).order_by("position", "pk"))


def find_reason(key: str, kind: str = CloseReason.Kind.LOST) -> CloseReason | None:
    return CloseReason.objects.filter(kind=kind, key=key, archived_at=None).first()


def reason_labels(kind: str = CloseReason.Kind.LOST) -> dict[str, str]:
    """All that were ever used, too: what was said once stays said."""
    found = CloseReason.objects.filter(kind=kind).order_by("position", "pk")
    return dict(found.values_list("key", "label"))


# What a stage asks for ----------------------------------------------------------------------------


def requirable() -> list[tuple[str, str]]:
    """All that a stage can ask for, in words."""
    own = [(each.name, f"“{each.label}”") for each in definitions()]
    return [*COLUMNS.items(), *own, *OTHERS.items()]


def missing_fields(lead: Lead, wanted: Iterable[str]) -> list[tuple[str, str]]:
    """Which of these the lead lacks, in words; a field that is gone asks for nothing."""
    words = dict(requirable())
    return [(key, words[key]) for key in wanted if key in words and not _has(lead, key)]


def _has(lead: Lead, key: str) -> bool:
    if key.startswith("custom."):
        return lead.custom.get(key.removeprefix("custom.")) not in (None, "", [])
    if key in OTHERS:
        return HAS[key](lead)
    return bool(getattr(lead, key))


def _open_deals(lead: Lead) -> QuerySet[Deal]:
    return Deal.objects.filter(lead=lead, state=Deal.State.OPEN)


HAS: dict[str, Callable[[Lead], bool]] = {
    "owner": lambda lead: lead.owner_id is not None,
    "deal": lambda lead: _open_deals(lead).exists(),
    "deal_amount": lambda lead: _open_deals(lead).filter(amount__gt=0).exists(),
    "deal_close": lambda lead: _open_deals(lead).filter(expected_close__isnull=False).exists(),
    "next_step": lambda lead: Task.objects.filter(lead=lead, done_at=None).exists(),
}


# Moves by rule ------------------------------------------------------------------------------------


def auto_moves(pipeline: Pipeline) -> QuerySet[AutoMove]:
    return (
        AutoMove.objects.filter(stage__pipeline=pipeline)
        .select_related("stage", "to_stage")
        .order_by("stage__position", "pk")
    )


def leads_in(stage: Stage) -> int:
    """How many leads stand in a stage."""
    return Lead.objects.live().filter(stage=stage).count()
