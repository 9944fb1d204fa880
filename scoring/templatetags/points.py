from decimal import Decimal
from typing import Any

from django import template

from scoring import studies
from scoring.backtest.showing import headline
from scoring.models import ScoringModel

register = template.Library()


@register.simple_tag
def checked_against(model: ScoringModel) -> dict[str, Any] | None:
    """How many wins the newest backtest found hot on the day they qualified."""
    row = studies.newest_verdict(model)
    if row is None or not row.result:
        return None
    hot = headline(row.result)
    return {
        "won": row.result["won"],
        "mine": hot["draft"]["recall"]["part"],
        "live": hot["live"]["recall"]["part"],
        "is_stale": studies.has_changed(row, studies.subject_of(model)),
    }


@register.filter
def signed(points: Decimal | int | None) -> str:
    """`+12`, `−4`, `+6.79`."""
    if points is None:
        return "–"
    return f"{points:+g}".replace("-", "−")
