"""What must never be so. Constraints hold most of it; these look across tables."""

from collections.abc import Mapping

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from leads.models import Lead, Stage
from pipeline.models import Assignment, SalesCycle, Transition

SHOWN = 20


def breaches() -> Mapping[str, list[str]]:
    """For each promise that is broken, a sentence, the public ids of leads concerned (some)."""
    checks = {
        "An open cycle has an owner or a queue": _nobody_responsible(),
        "The owner is the one of the current assignment": _owner_without_ledger(),
        "The stage is the one of the last transition": _stage_without_ledger(),
        "A lead in an open stage has an open cycle": _open_stage_without_cycle(),
        "A lead in a closed stage has no open cycle": _closed_stage_with_cycle(),
    }
    found = {
        promise: list(leads.order_by("pk").values_list("public_id", flat=True)[:SHOWN])
        for promise, leads in checks.items()
    }
    return {promise: ids for promise, ids in found.items() if ids}


def _open_cycles() -> QuerySet[SalesCycle]:
    return SalesCycle.objects.filter(SalesCycle.OPEN)


def _nobody_responsible() -> QuerySet[Lead]:
    leads: QuerySet[Lead] = Lead.objects.live()
    return leads.filter(owner=None, team=None, pk__in=_open_cycles().values("lead"))


def _owner_without_ledger() -> QuerySet[Lead]:
    current = Assignment.objects.filter(Assignment.CURRENT, lead=OuterRef("pk"))
    leads: QuerySet[Lead] = Lead.objects.live()
    return leads.annotate(ledger=Subquery(current.values("owner")[:1])).filter(
        Q(owner__isnull=False, ledger=None)
        | Q(owner=None, ledger__isnull=False)
        | (Q(owner__isnull=False, ledger__isnull=False) & ~Q(owner=F("ledger")))
    )


def _stage_without_ledger() -> QuerySet[Lead]:
    last = Transition.objects.filter(lead=OuterRef("pk")).order_by("-at", "-pk")
    leads: QuerySet[Lead] = Lead.objects.live().filter(stage__isnull=False)
    return leads.annotate(ledger=Subquery(last.values("to_stage")[:1])).exclude(stage=F("ledger"))


def _open_stage_without_cycle() -> QuerySet[Lead]:
    leads: QuerySet[Lead] = Lead.objects.live().open()
    return leads.exclude(pk__in=_open_cycles().values("lead"))


def _closed_stage_with_cycle() -> QuerySet[Lead]:
    leads: QuerySet[Lead] = Lead.objects.live()
    return leads.filter(
        stage__category__in=[Stage.Category.WON, Stage.Category.LOST],
        pk__in=_open_cycles().values("lead"),
    )
