from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import Actor, publish
from leadcrm.lib.errors import FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import mark_dirty, record_activity
from leads.events import BantAnswered
from leads.models import Lead
from scoring.models import BantAnswer, Dimension, Level

TEXT_LIMITS = {"value": 300, "evidence": 1000}


class Answer(TypedDict, total=False):
    """What somebody says of one dimension. What is left out stays as it is."""

    level: str
    value: str
    evidence: str


@transaction.atomic
def answer_bant(
    lead_id: int,
    answers: Mapping[str, Answer],
    *,
    source: str,
    at: datetime,
    user: User | None = None,
    actor: Actor | None = None,
    channel: str = "app",
) -> list[str]:
    """Store what is new and return its dimensions; older answers stay as history.

    An answer given later than `at` is not replaced.

    :raises Invalid: an unknown dimension or level, or a text that is too long.
    :raises NotFound: no such lead.
    """
    cleaned = clean_answers(answers)
    leads = Lead.objects.live().select_for_update(of=("self",), no_key=True)
    if leads.filter(pk=lead_id).first() is None:
        raise NotFound
    present = {
        row.dimension: row for row in BantAnswer.objects.filter(lead=lead_id, superseded_at=None)
    }
    rows = [
        row
        for dimension, answer in cleaned.items()
        if (row := _new_row(lead_id, dimension, answer, present.get(dimension), at))
    ]
    if not rows:
        return []
    changed = [row.dimension for row in rows]
    BantAnswer.objects.filter(lead=lead_id, dimension__in=changed, superseded_at=None).update(
        superseded_at=at
    )
    for row in rows:
        row.source, row.answered_by = source, user
    BantAnswer.objects.bulk_create(rows)
    levels = {row.dimension: row.level for row in rows}
    record_activity(
        lead_id, "bant_answered", at=at, user=user, properties={"levels": levels, "source": source}
    )
    event = BantAnswered(lead_id=lead_id, dimensions=changed)
    publish(event, at=at, actor=actor or user, channel=channel)
    mark_dirty([lead_id])
    return changed


def _new_row(
    lead_id: int, dimension: str, answer: Answer, present: BantAnswer | None, at: datetime
) -> BantAnswer | None:
    """The row that would replace the present one; None when it says nothing new."""
    before: Answer = (
        {"level": present.level, "value": present.value, "evidence": present.evidence}
        if present
        else {"level": Level.UNKNOWN, "value": "", "evidence": ""}
    )
    after: Answer = {**before, **answer}
    if after == before or (present is not None and present.at > at):
        return None
    return BantAnswer(lead_id=lead_id, dimension=dimension, at=at, **after)


def clean_answers(answers: Mapping[str, Any]) -> dict[str, Answer]:
    """:raises Invalid: with the path of each mistake."""
    mistakes: list[FieldError] = []
    cleaned: dict[str, Answer] = {}
    for dimension, raw in answers.items():
        if dimension not in Dimension.values:
            shown = clean_text(str(dimension), limit=60)
            message = f"“{shown}” is not one of {', '.join(Dimension.values)}."
            mistakes.append(FieldError(shown or "body", message, "unknown_dimension"))
        elif not isinstance(raw, Mapping):
            message = 'Write an object such as {"level": "yes", "value": "€20k"}.'
            mistakes.append(FieldError(dimension, message))
        else:
            cleaned[dimension] = _clean_answer(dimension, raw, mistakes)
    if mistakes:
        detail = mistakes[0].message if len(mistakes) == 1 else "Some answers need correcting."
        raise Invalid(detail, errors=mistakes)
    return cleaned


def _clean_answer(dimension: str, raw: Mapping[str, Any], mistakes: list[FieldError]) -> Answer:
    answer: Answer = {}
    if "level" in raw:
        level = raw["level"]
        if not isinstance(level, str) or level not in Level.values:
            message = f"A level is one of {', '.join(Level.values)}."
            mistakes.append(FieldError(f"{dimension}.level", message, "unknown_level"))
        else:
            answer["level"] = level
    if (text := _text(dimension, "value", raw, mistakes)) is not None:
        answer["value"] = text
    if (text := _text(dimension, "evidence", raw, mistakes)) is not None:
        answer["evidence"] = text
    return answer


def _text(
    dimension: str, name: str, raw: Mapping[str, Any], mistakes: list[FieldError]
) -> str | None:
    if name not in raw:
        return None
    value = raw[name] if raw[name] is not None else ""
    limit = TEXT_LIMITS[name]
    if not isinstance(value, str) or len(value) > limit:
        message = f"Write text of at most {limit} characters."
        mistakes.append(FieldError(f"{dimension}.{name}", message, "too_long"))
        return None
    return clean_text(value)
