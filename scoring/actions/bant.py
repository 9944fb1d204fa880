from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import Actor, publish
from leadcrm.lib.errors import DomainError, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import mark_dirty, record_activity
from leads.events import BantAnswered
from leads.models import Activity, Lead
from scoring import frameworks, values
from scoring.models import BantAnswer, Level

TEXT_LIMITS = {"value": 300, "evidence": 1000}
UNDO_TIME = timedelta(minutes=15)
NOTHING: "Answer" = {"level": Level.UNKNOWN, "value": "", "evidence": "", "details": {}}


class TooLateToTakeBack(DomainError):
    code = "too_late_to_take_back"
    status = 409
    title = "This answer cannot be taken back any more"


class Answer(TypedDict, total=False):
    """What somebody says of one criterion. What is left out stays as it is.

    `details` come from the words of `value`, unless they are given.
    """

    level: str
    value: str
    evidence: str
    details: dict[str, Any]


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
    """Store what is new and return its criteria; older answers stay as history.

    What was said earlier than the present answer takes its place in the history and changes
    nothing else: of two answers the later counts, in whatever order they arrive.

    :raises Invalid: an unknown criterion or level, or a text that is too long.
    :raises NotFound: no such lead.
    """
    cleaned = clean_answers(answers, at=at)
    leads = Lead.objects.live().select_for_update(of=("self",), no_key=True)
    if leads.filter(pk=lead_id).first() is None:
        raise NotFound
    ledger = _ledger(lead_id, list(cleaned), at)
    rows = [
        row
        for key, answer in cleaned.items()
        if (row := _new_row(lead_id, key, answer, ledger, at))
    ]
    for row in rows:
        row.source, row.answered_by = source, user
        _take_place(row)
    changed = [row.dimension for row in rows if row.superseded_at is None]
    if changed:
        levels = {row.dimension: row.level for row in rows if row.superseded_at is None}
        newest = max(row.pk for row in rows)
        _tell(
            lead_id,
            changed,
            levels,
            newest,
            source=source,
            at=at,
            user=user,
            actor=actor,
            channel=channel,
        )
    return changed


def _ledger(lead_id: int, keys: list[str], at: datetime) -> dict[str, BantAnswer]:
    """What held at that moment, by criterion."""
    rows = BantAnswer.objects.filter(lead=lead_id, dimension__in=keys, at__lte=at)
    # In the order of time the last one wins; of one moment the one that was said last.
    return {row.dimension: row for row in rows.order_by("at", "pk")}


def _new_row(
    lead_id: int, key: str, answer: Answer, ledger: Mapping[str, BantAnswer], at: datetime
) -> BantAnswer | None:
    """The row that follows the one of then; None when it says nothing new."""
    held = ledger.get(key)
    before: Answer = (
        {
            "level": held.level,
            "value": held.value,
            "evidence": held.evidence,
            "details": held.details,
        }
        if held
        else NOTHING
    )
    after: Answer = {**before, **answer}
    if after == before:
        return None
    return BantAnswer(lead_id=lead_id, dimension=key, at=at, **after)


def _take_place(row: BantAnswer) -> None:
    """Between the answer before it, which it ends, and the one after it, which ends it."""
    others = BantAnswer.objects.filter(lead=row.lead_id, dimension=row.dimension)
    following = others.filter(at__gt=row.at).order_by("at", "pk").first()
    previous = others.filter(at__lte=row.at).order_by("-at", "-pk").first()
    row.superseded_at = following.at if following else None
    if previous is not None:
        others.filter(pk=previous.pk).update(superseded_at=row.at)
    row.save(force_insert=True)


def _tell(
    lead_id: int,
    changed: list[str],
    levels: dict[str, str],
    newest: int,
    *,
    source: str,
    at: datetime,
    user: User | None,
    actor: Actor | None,
    channel: str,
) -> None:
    record_activity(
        lead_id,
        "bant_answered",
        at=at,
        user=user,
        properties={"levels": levels, "source": source},
        dedupe_key=f"bant:{newest}",
    )
    event = BantAnswered(lead_id=lead_id, dimensions=changed)
    publish(event, at=at, actor=actor or user, channel=channel)
    mark_dirty([lead_id])


@transaction.atomic
def take_back_answer(lead_id: int, answer_id: int, *, at: datetime, user: User) -> BantAnswer:
    """Undo a slip: the answer is as if it had never been given, and the one before it holds again.

    :raises NotFound: it is not this person's own present answer of this lead.
    :raises TooLateToTakeBack: it is older than `UNDO_TIME`; say what is right instead.
    """
    rows = BantAnswer.objects.select_for_update(of=("self",))
    own = rows.filter(lead=lead_id, answered_by=user, source=BantAnswer.Source.REP)
    answer = own.filter(pk=answer_id, superseded_at=None).first()
    if answer is None:
        raise NotFound
    if at - answer.at > UNDO_TIME:
        raise TooLateToTakeBack("Undo works for 15 minutes. Give the right answer instead.")
    others = BantAnswer.objects.filter(lead=lead_id, dimension=answer.dimension)
    BantAnswer.objects.filter(pk=answer_id).delete()
    previous = others.order_by("-at", "-pk").first()
    if previous is not None:
        others.filter(pk=previous.pk).update(superseded_at=None)
    Activity.objects.filter(lead=lead_id, dedupe_key=f"bant:{answer_id}").delete()
    publish(BantAnswered(lead_id=lead_id, dimensions=[answer.dimension]), at=at, actor=user)
    mark_dirty([lead_id])
    return answer


# What was sent ------------------------------------------------------------------------------------


def clean_answers(answers: Mapping[str, Any], *, at: datetime) -> dict[str, Answer]:
    """:raises Invalid: with the path of each mistake."""
    mistakes: list[FieldError] = []
    cleaned: dict[str, Answer] = {}
    criteria = frameworks.known()
    for key, raw in answers.items():
        if key not in criteria:
            shown = clean_text(str(key), limit=60)
            message = f"“{shown}” is not one of {', '.join(frameworks.active().keys)}."
            mistakes.append(FieldError(shown or "body", message, "unknown_dimension"))
        elif not isinstance(raw, Mapping):
            message = 'Write an object such as {"level": "yes", "value": "€20k"}.'
            mistakes.append(FieldError(key, message))
        else:
            cleaned[key] = _clean_answer(criteria[key], raw, mistakes, at)
    if mistakes:
        detail = mistakes[0].message if len(mistakes) == 1 else "Some answers need correcting."
        raise Invalid(detail, errors=mistakes)
    return cleaned


def _clean_answer(
    criterion: frameworks.Criterion,
    raw: Mapping[str, Any],
    mistakes: list[FieldError],
    at: datetime,
) -> Answer:
    answer: Answer = {}
    key = criterion.key
    if "level" in raw:
        level = raw["level"]
        if not isinstance(level, str) or level not in Level.values:
            message = f"A level is one of {', '.join(Level.values)}."
            mistakes.append(FieldError(f"{key}.level", message, "unknown_level"))
        else:
            answer["level"] = level
    if (text := _text(key, "value", raw, mistakes)) is not None:
        answer["value"] = text
        answer["details"] = values.details_of(
            criterion.kind, text, today=at.date(), options=criterion.options
        )
    if (text := _text(key, "evidence", raw, mistakes)) is not None:
        answer["evidence"] = text
    return answer


def _text(key: str, name: str, raw: Mapping[str, Any], mistakes: list[FieldError]) -> str | None:
    if name not in raw:
        return None
    value = raw[name] if raw[name] is not None else ""
    limit = TEXT_LIMITS[name]
    if not isinstance(value, str) or len(value) > limit:
        message = f"Write text of at most {limit} characters."
        mistakes.append(FieldError(f"{key}.{name}", message, "too_long"))
        return None
    return clean_text(value)
