"""How far leads come: stage by stage, how long they stay, and why they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from leads.models import Pipeline, Stage
from leads.reports import Scope
from pipeline.models import CloseReason, CycleFact, SalesCycle, Transition
from pipeline.reports import metrics
from pipeline.reports.base import (
    Percentile,
    cycles,
    reached_at,
    seconds_between,
    share,
)
from pipeline.reports.staying import Stay, time_in_stage

COHORT, PERIOD = "cohort", "period"
VIEWS = (COHORT, PERIOD)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage and how many came to it; `before` is the earlier period."""

    stage: Stage
    count: int
    before: int
    of_first: float | None
    of_previous: float | None
    of_previous_before: float | None
    stopped: int

    @property
    def change(self) -> float | None:
        """How the step's conversion moved, in points from 0 to 1."""
        if self.of_previous is None or self.of_previous_before is None:
            return None
        return self.of_previous - self.of_previous_before


@dataclass(frozen=True, slots=True)
class Phase:
    """The buyer's phases: how many came to the first stage of each type."""

    type: str
    label: str
    stage: Stage
    count: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Reason:
    key: str
    label: str
    count: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Split:
    """One source, owner or country: how many came to each step."""

    key: str
    label: str
    counts: tuple[int, ...]

    @property
    def overall(self) -> float | None:
        return share(self.counts[-1], self.counts[0])

    @property
    def conversions(self) -> list[float | None]:
        """From each step to the next."""
        pairs = zip(self.counts[1:], self.counts, strict=False)
        return [share(after, before) for after, before in pairs]


@dataclass(frozen=True, slots=True)
class Funnel:
    view: str
    steps: tuple[Step, ...]
    phases: tuple[Phase, ...]
    stays: tuple[Stay, ...]
    reasons: tuple[Reason, ...]
    lost: int
    still_open: int
    median_days_to_win: float | None
    median_days_to_win_before: float | None

    @property
    def entered(self) -> int:
        return self.steps[0].count if self.steps else 0

    @property
    def entered_before(self) -> int:
        return self.steps[0].before if self.steps else 0

    @property
    def overall(self) -> float | None:
        return share(self.steps[-1].count, self.entered) if self.steps else None

    @property
    def overall_before(self) -> float | None:
        return share(self.steps[-1].before, self.entered_before) if self.steps else None

    @property
    def widest_leak(self) -> Step | None:
        """The step after which most leads stopped."""
        return max(self.steps[:-1], key=lambda step: step.stopped, default=None)


def stages_of_funnel(pipeline: Pipeline | None = None) -> list[Stage]:
    """The steps on the way to won, from the left; lost is where leads leave."""
    chosen = Q(pipeline=pipeline) if pipeline else Q(pipeline__is_default=True)
    found = Stage.objects.filter(chosen, archived_at=None).exclude(category=Stage.Category.LOST)
    return list(found.order_by("position"))


def opened(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles opened in the period: the cohort. One lead may open several over the years."""
    return cycles(scope).filter(scope.within("opened_at"))


def still_open(scope: Scope) -> QuerySet[CycleFact]:
    """Sales cycles opened in the period that are neither won nor lost until now."""
    return opened(scope).filter(CycleFact.OPEN)


def reached(scope: Scope, stage: Stage, view: str) -> QuerySet[CycleFact]:
    """Sales cycles that came to a stage.

    Cohort: of those opened in the period, how many have come to this stage or a later one until
    now; who skipped a stage has passed it. Period: how many came to this stage or a later one for
    the first time in the period, whenever they were opened. Leads that moved back stay counted.
    """
    if view == COHORT:
        return (
            opened(scope)
            .filter(pipeline=stage.pipeline_id)
            .filter(furthest__position__gte=stage.position)
        )
    found = _moved(scope, stage.pipeline_id).annotate(reached=reached_at(stage.position))
    return found.filter(scope.within("reached"))


def stopped_at(scope: Scope, stage: Stage) -> QuerySet[CycleFact]:
    """Cycles of the cohort whose furthest stage this is, still there or lost from there."""
    return opened(scope).filter(furthest=stage)


def _moved(scope: Scope, pipeline_id: int) -> QuerySet[CycleFact]:
    moves = Transition.objects.filter(scope.within("at"), cycle=OuterRef("pk"))
    return cycles(scope).filter(Exists(moves), pipeline=pipeline_id)


def _base(scope: Scope, stages: Sequence[Stage], view: str) -> tuple[QuerySet[Any], list[Q]]:
    """The cycles of a view, and for each stage the condition that they came to it."""
    pipeline_id = stages[0].pipeline_id
    found: QuerySet[Any]
    if view == COHORT:
        found = opened(scope).filter(pipeline=pipeline_id)
        return found, [Q(furthest__position__gte=stage.position) for stage in stages]
    moments = {f"reached_{n}": reached_at(stage.position) for n, stage in enumerate(stages)}
    found = _moved(scope, pipeline_id).annotate(**moments)
    return found, [scope.within(name) for name in moments]


def counts(scope: Scope, stages: Sequence[Stage], view: str) -> list[int]:
    """How many came to each stage, in one query."""
    if not stages:
        return []
    found, conditions = _base(scope, stages, view)
    columns = {f"n{n}": Count("pk", filter=q) for n, q in enumerate(conditions)}
    row = found.aggregate(**columns)
    return [row[name] for name in columns]


def funnel(scope: Scope, before: Scope | None, view: str = COHORT) -> Funnel:
    """How many leads come how far, and how long it takes them.

    Conversion of a step is the share of those who came to the step before it. Compared with the
    period of the same length just before. A cohort that is still running can only grow.
    """
    stages = stages_of_funnel()
    now = counts(scope, stages, view)
    earlier = counts(before, stages, view) if before else [0] * len(stages)
    steps = _steps(stages, now, earlier)
    lost = reasons(scope, view)
    return Funnel(
        view=view,
        steps=tuple(steps),
        phases=tuple(_phases(steps)),
        stays=tuple(time_in_stage(scope, stages, opened(scope) if view == COHORT else None)),
        reasons=tuple(lost),
        lost=sum(reason.count for reason in lost),
        still_open=still_open(scope).count(),
        median_days_to_win=days_to_win(scope, view),
        median_days_to_win_before=days_to_win(before, view) if before else None,
    )


def _steps(stages: Sequence[Stage], now: Sequence[int], before: Sequence[int]) -> list[Step]:
    return [
        Step(
            stage=stage,
            count=now[n],
            before=before[n],
            of_first=share(now[n], now[0]),
            of_previous=share(now[n], now[n - 1]) if n else None,
            of_previous_before=share(before[n], before[n - 1]) if n else None,
            stopped=max(now[n] - now[n + 1], 0) if n + 1 < len(stages) else 0,
        )
        for n, stage in enumerate(stages)
    ]


def _phases(steps: Sequence[Step]) -> list[Phase]:
    firsts: dict[str, Step] = {}
    for step in steps:
        firsts.setdefault(step.stage.type, step)
    return [
        Phase(type_, Stage.Type(type_).label, step.stage, step.count, step.of_first)
        for type_, step in firsts.items()
    ]


def won_of(scope: Scope, view: str) -> QuerySet[CycleFact]:
    """Won cycles: of the cohort until now, or closed as won in the period."""
    if view == COHORT:
        return opened(scope).filter(outcome=SalesCycle.Outcome.WON)
    return metrics.won(scope)


def lost_of(scope: Scope, view: str) -> QuerySet[CycleFact]:
    """Lost cycles: of the cohort until now, or closed as lost in the period."""
    if view == COHORT:
        return opened(scope).filter(outcome=SalesCycle.Outcome.LOST)
    return metrics.lost(scope)


def days_to_win(scope: Scope, view: str) -> float | None:
    """Median days from opening to winning, of the cycles that were won."""
    won = won_of(scope, view).annotate(took=seconds_between("opened_at", "closed_at"))
    seconds = won.aggregate(median=Percentile("took", fraction=0.5))["median"]
    return None if seconds is None else seconds / 86_400


def reasons(scope: Scope, view: str) -> list[Reason]:
    """Why cycles were lost, as the person said who closed them."""
    rows = lost_of(scope, view).order_by().values_list("lost_reason").annotate(n=Count("pk"))
    found = sorted(rows, key=lambda row: (-row[1], row[0]))
    total = sum(n for _, n in found)
    known = CloseReason.objects.filter(kind=CloseReason.Kind.LOST)
    labels = dict(known.values_list("key", "label"))
    return [Reason(key, labels.get(key, key), n, share(n, total)) for key, n in found]


# Splits -------------------------------------------------------------------------------------------

DIMENSIONS = {
    "source": ("source_id", "source__name", "No source recorded"),
    "owner": ("owner_id", "owner__name", "Nobody"),
    "country": ("country", "country", "No country recorded"),
}


def splits(scope: Scope, by: str, view: str) -> list[Split]:
    """The funnel of each source, owner or country, most leads first."""
    stages = stages_of_funnel()
    if not stages:
        return []
    found, conditions = _base(scope, stages, view)
    columns = {f"n{n}": Count("pk", filter=q) for n, q in enumerate(conditions)}
    key, label, none = DIMENSIONS[by]
    rows = found.order_by().values(*{key, label}).annotate(**columns)
    result = [
        Split(
            str(row[key] or "none"),
            row[label] or none,
            tuple(row[name] for name in columns),
        )
        for row in rows
    ]
    return sorted(result, key=lambda row: (-row.counts[0], row.label))
