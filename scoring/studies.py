"""What pages and endpoints ask of simulations, backtests and predictions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leads.models import Lead
from scoring import sketches
from scoring.models import (
    Backtest,
    ModelVersion,
    Prediction,
    Rule,
    ScoringModel,
    Simulation,
    Training,
)
from scoring.predict.facts import known_at
from scoring.predict.learning import Model, Part, from_data

MOST_PARTS = 8


def subject_of(model: ScoringModel) -> ModelVersion | None:
    """What is studied of a model: its draft, or what is published when there is none."""
    states = [ModelVersion.State.DRAFT, ModelVersion.State.PUBLISHED]
    found = {row.state: row for row in model.versions.filter(state__in=states)}
    return next((found[state] for state in states if state in found), None)


def rules_of(version: ModelVersion) -> list[Rule]:
    return list(version.rules.order_by("position", "pk"))


def sketch_of(version: ModelVersion) -> sketches.Sketch:
    return sketches.sketch_of(version, rules_of(version))


def newest_simulation(model: ScoringModel) -> Simulation | None:
    return Simulation.objects.filter(model=model).order_by("-pk").first()


def newest_backtest(model: ScoringModel) -> Backtest | None:
    return Backtest.objects.filter(model=model).order_by("-pk").first()


def newest_verdict(model: ScoringModel) -> Backtest | None:
    """The newest one that came to a result."""
    found = Backtest.objects.filter(model=model, result__isnull=False)
    return found.order_by("-pk").first()


def training_in_use() -> Training | None:
    return Training.objects.filter(is_active=True).first()


def newest_training() -> Training | None:
    return Training.objects.order_by("-pk").first()


def has_changed(study: Simulation | Backtest, version: ModelVersion | None) -> bool:
    """Whether the rules are no longer those that were studied."""
    if version is None:
        return True
    return sketches.fingerprint(sketch_of(version)) != study.fingerprint


def visible(user: Any, ids: Iterable[int]) -> dict[int, Lead]:
    """Those of the leads that this person may see, by their key."""
    leads = Lead.objects.visible_to(user).filter(pk__in=set(ids))
    return {lead.pk: lead for lead in leads.select_related("owner")}


# Predictions --------------------------------------------------------------------------------------


def foretold(lead: Lead, *, at: datetime) -> tuple[float, list[Part]] | None:
    """The chance that this lead's sale is won, and what moves it most. None: nothing is in use."""
    training = training_in_use()
    if training is None or not training.result:
        return None
    model: Model = from_data(training.result)
    known = known_at([(lead.pk, at)])[0]
    if known is None:
        return None
    return model.chance(known), model.parts(known)[:MOST_PARTS]


def surprises(user: Any, *, limit: int = 10) -> list[Prediction]:
    """Open sales with a good chance that the rules hold for cold: worth a look."""
    rows = Prediction.objects.filter(
        lead__in=Lead.objects.visible_to(user).values("pk"), lead__score_row__temperature="cold"
    )
    return list(rows.select_related("lead", "lead__score_row").order_by("-chance")[:limit])
