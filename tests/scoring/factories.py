"""Scoring models, rules and activities for tests."""

from datetime import datetime, timedelta
from typing import Any

from leads.models import Activity, Lead
from scoring.models import ModelVersion, Rule, ScoringModel
from tests.factories import NOON

DAY = timedelta(days=1)


def make_version(*rules: dict[str, Any], **changes: Any) -> ModelVersion:
    """The one published version of the default model, with only these rules."""
    ScoringModel.objects.all().delete()
    model = ScoringModel.objects.create(key="default", name="Lead score", is_default=True)
    values: dict[str, Any] = {"state": "published", "published_at": NOON, "hysteresis": 0}
    values |= {"fit_cap": 100, "engagement_cap": 100, "bant_cap": 100, **changes}
    version = ModelVersion.objects.create(model=model, number=1, **values)
    for position, values in enumerate(rules):
        Rule.objects.create(version=version, position=position, **values)
    return version


def attribute_rule(points: int = 12, **changes: Any) -> dict[str, Any]:
    return {
        "group": "fit",
        "weight_class": "most_important",
        "label": "Works in care",
        "condition": {"field": "industry", "op": "is", "value": "Care"},
        "points": points,
        "override_note": "for a test",
        **changes,
    }


def activity_rule(type_: str = "pricing_view", points: int = 12, **changes: Any) -> dict[str, Any]:
    return {
        "group": "engagement",
        "weight_class": "most_important",
        "label": f"Did {type_}",
        "activity_type": type_,
        "points": points,
        "override_note": "for a test",
        **changes,
    }


def did(
    lead: Lead,
    type_: str = "pricing_view",
    *,
    at: datetime = NOON,
    days_ago: float = 0,
    **more: Any,
) -> Activity:
    """An activity, written straight to the table: nothing is queued or published."""
    return Activity.objects.create(lead=lead, type=type_, occurred_at=at - DAY * days_ago, **more)
