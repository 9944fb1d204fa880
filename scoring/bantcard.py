"""The card on a lead's page: what is known by the framework in use, and what to ask next."""

from typing import Any

from leads.models import Lead
from scoring import standing
from scoring.frameworks import Criterion
from scoring.models import BantAnswer, Level

ICONS = {
    "unknown": "circle-dashed",
    "no": "circle-x",
    "partial": "circle-dot",
    "yes": "circle-check",
}
BY_HAND = {BantAnswer.Source.REP, BantAnswer.Source.API}


def context_of(lead: Lead, *, editing: str = "") -> dict[str, Any]:
    """Rows of the card; the one of `editing` is a form."""
    state = standing.bant_of(lead)
    return {
        "lead": lead,
        "framework": state.framework,
        "rows": [_row(state, each, editing) for each in state.framework.criteria],
        "known": state.known,
        "all": len(state.framework.keys),
        "ask": standing.next_question(state, lead.score_row),
    }


def _row(state: standing.BantState, criterion: Criterion, editing: str) -> dict[str, Any]:
    answer = state.answers[criterion.key]
    options = [str(option.get("label")) for option in criterion.options]
    is_own = answer.value and answer.value not in options
    return {
        "key": criterion.key,
        "criterion": criterion,
        "answer": answer,
        "levels": [(level, label, ICONS[level]) for level, label in Level.choices],
        "options": [*options, answer.value] if is_own else options,
        "from_whom": _source(answer),
        "is_edited": criterion.key == editing,
    }


def _source(answer: BantAnswer) -> str:
    """Anna, the form, a survey: whoever said so."""
    if answer.pk is None:
        return ""
    if answer.source in BY_HAND and answer.answered_by:
        return answer.answered_by.name
    return str(answer.get_source_display())
