"""What scoring shows on the lead's page: the score, why it is so, and BANT."""

from datetime import datetime, timedelta
from typing import Any

from leads.models import Lead, Temperature
from leads.panels import Place, panel
from scoring import bantcard, queries
from scoring.explain.outlook import Fall, outlook
from scoring.models import ModelVersion, Survey

TOP_SIGNALS = 5


@panel("score", place=Place.SUMMARY, position=10, template="scoring/panels/score.html")
def score(lead: Lead, user: Any, at: datetime) -> dict[str, Any]:
    before = queries.score_before(lead, at=at - timedelta(days=7))
    change = lead.score_row.score - before
    return {
        "row": lead.score_row,
        "change": abs(change),
        "tone": "good" if change > 0 else "bad",
        "direction": "up" if change > 0 else "down",
    }


@panel(
    "why",
    place=Place.SIDE,
    position=20,
    template="scoring/panels/why.html",
    later="Why this score",
)
def why(lead: Lead, user: Any, at: datetime) -> dict[str, Any] | None:
    version = queries.published_version()
    if version is None:
        return None
    explanation = queries.explanation_by(version, lead, at=at)
    signals = explanation.signals
    return {
        "lead": lead,
        "explanation": explanation,
        "bars": bars_of(explanation.groups, version.total_cap),
        "signals": [(row, queries.detail_of(row)) for row in signals[:TOP_SIGNALS]],
        "all": len(signals),
        "is_late": explanation.value != lead.score_row.score,
        "fall": _next_fall(version, lead, at),
        "categories": queries.categories_of(lead)[:3],
    }


def _next_fall(version: ModelVersion, lead: Lead, at: datetime) -> Fall | None:
    """When it cools down by itself, if it does within a year."""
    temperature = lead.score_row.temperature
    if temperature == Temperature.COLD:
        return None
    rules = queries.rules_of(version)
    found = outlook(version, rules, lead_id=lead.pk, temperature=temperature, at=at)
    return next(iter(found.falls), None)


def bars_of(groups: dict[str, int], cap: int) -> list[tuple[str, float]]:
    """Shares of the whole bar; a group below zero has none, and more than the cap still fits."""
    parts = [max(groups[key], 0) for key in ("fit", "engagement", "bant")]
    whole = max(cap, sum(parts))
    return [(f"p{n}", part * 100 / whole) for n, part in enumerate(parts, 1)]


@panel("bant", place=Place.SIDE, position=30, template="scoring/bant.html")
def bant(lead: Lead, user: Any, at: datetime) -> dict[str, Any]:
    return bantcard.context_of(lead)


@panel(
    "surveys",
    place=Place.SIDE,
    position=35,
    template="scoring/surveys/panel.html",
    later="Surveys",
)
def surveys(lead: Lead, user: Any, at: datetime) -> dict[str, Any] | None:
    """What the lead answered, and the way to its personal links."""
    answered = list(lead.survey_responses.select_related("survey").order_by("-pk")[:3])
    live = Survey.objects.filter(published__isnull=False, archived_at=None)
    if not answered and not live.exists():
        return None
    return {"lead": lead, "answered": answered}
