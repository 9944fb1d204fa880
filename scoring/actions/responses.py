"""Answers of surveys: each stored as it is given, and made part of the lead's story at the end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import DomainError, Invalid
from leads.actions import add_tags, record_activity
from leads.actions.inquiries import complete_lead
from leads.actions.knowing import propose
from leads.actions.leads import clean_fields
from leads.events import SurveyCompleted
from leads.fields import records
from leads.models import InboxItem, Lead
from leads.queries.survivors import survivor_id
from scoring import frameworks
from scoring.actions.bant import answer_bant
from scoring.models import BantAnswer, SurveyResponse, SurveyVersion
from scoring.surveys import content as contents
from scoring.surveys import flow
from scoring.surveys.content import Content

logger = structlog.get_logger(__name__)

QUEUE = "survey_responses"
PRUNE_QUEUE = "survey_pruning"
PATIENCE = timedelta(days=1)  # after the last answer what there is counts
BATCH = 50
State = SurveyResponse.State


def is_known(response: SurveyResponse) -> bool:
    """Who answers by a personal link is not asked who they are."""
    return bool(response.channel == SurveyResponse.Channel.PERSONAL)


@transaction.atomic
def answer_survey(
    version: SurveyVersion,
    answers: Mapping[str, Any],
    *,
    link: str,
    at: datetime,
    lead_id: int | None = None,
    is_test: bool = False,
) -> SurveyResponse:
    """Store answers under their link, beginning the response with the first of them.

    What was begun goes on with its own version. A complete one stays as it is.
    """
    response = _begun(version, link, at=at, lead_id=lead_id, is_test=is_test)
    if response.state == State.COMPLETED:
        return response
    content = contents.read(response.version.content)
    known = {key: value for key, value in answers.items() if content.question(key)}
    response.answers = {**response.answers, **known}
    response.answered_at = at
    response.last_key = next(reversed(known), response.last_key)
    if response.state == State.LEFT:  # back after all
        response.state, response.applied_at = State.STARTED, None
    _count(response, content)
    if flow.walk(content, response.answers, is_known=is_known(response)).is_done:
        response.state, response.completed_at = State.COMPLETED, at
    response.due_at = at if response.state == State.COMPLETED else at + PATIENCE
    response.lease_token, response.attempts = None, 0
    response.save()
    if response.state == State.COMPLETED:
        pump.wake(QUEUE)
    return response


def _begun(
    version: SurveyVersion, link: str, *, at: datetime, lead_id: int | None, is_test: bool
) -> SurveyResponse:
    channels = SurveyResponse.Channel
    SurveyResponse.objects.bulk_create(
        [
            SurveyResponse(
                survey_id=version.survey_id,
                version=version,
                link=link,
                lead_id=lead_id,
                channel=channels.PERSONAL if lead_id else channels.PUBLIC,
                is_test=is_test,
                started_at=at,
                answered_at=at,
                due_at=at + PATIENCE,
            )
        ],
        ignore_conflicts=True,
    )
    rows = SurveyResponse.objects.select_for_update(of=("self",)).select_related("version")
    response: SurveyResponse = rows.get(link=link)
    return response


def _count(response: SurveyResponse, content: Content) -> None:
    way = flow.walk(content, response.answers, is_known=is_known(response))
    result = flow.result_of(content, response.answers, way)
    response.path, response.points, response.most_points = way.path, result.points, result.most
    response.ending = str(result.ending["key"])[:40] if way.is_done and result.ending else ""
    response.result = result.name if way.is_done else ""


@transaction.atomic
def name_by_capture(response_id: int, item_id: int) -> None:
    """The person said who they are: whose the capture turns out to be, the response is too."""
    SurveyResponse.objects.filter(pk=response_id, inbox_item=None).update(inbox_item=item_id)
    find_lead(item_id)


@transaction.atomic
def find_lead(item_id: int) -> None:
    """Once a capture has become part of a lead; waited for by at most one response."""
    lead_id = InboxItem.objects.filter(pk=item_id).values_list("lead_id", flat=True).first()
    waiting = SurveyResponse.objects.filter(inbox_item=item_id, lead=None)
    if lead_id is None or not waiting.update(lead=lead_id):
        return
    done = SurveyResponse.objects.filter(inbox_item=item_id).exclude(state=State.STARTED)
    if done.update(due_at=Now(), attempts=0, lease_token=None):
        pump.wake(QUEUE)


# Becoming part of the story -----------------------------------------------------------------------


def drain(*, at: datetime, limit: int = BATCH) -> int:
    """Apply what is complete, and what nobody went on with for a day."""
    claim = pump.claim(SurveyResponse, limit=limit)
    for row in claim.items:
        try:
            settle(row.pk, at=at)
            pump.finish(SurveyResponse, [row.pk], token=claim.token)
        except Exception:
            logger.exception("survey_response_failed", response=row.pk)
            if row.attempts >= pump.MAX_ATTEMPTS:
                pump.finish(SurveyResponse, [row.pk], token=claim.token)
            else:
                seconds = pump.retry_seconds(row.attempts)
                pump.postpone(SurveyResponse, row.pk, token=claim.token, seconds=seconds)
    return len(claim.items)


@transaction.atomic
def settle(response_id: int, *, at: datetime) -> bool:
    """Tell the lead's story what was answered; once, however often it is asked for."""
    rows = SurveyResponse.objects.select_for_update(of=("self",))
    response = rows.select_related("survey", "version").filter(pk=response_id).first()
    if response is None or response.applied_at is not None:
        return False
    if response.state == State.STARTED:
        if at - response.answered_at < PATIENCE:  # went on a moment ago
            return False
        response.state = State.LEFT
        response.save(update_fields=["state"])
    lead = _live_lead(response)
    if lead is None or response.is_test or not response.path:
        return False
    _apply(response, lead)
    response.lead, response.applied_at = lead, at
    response.save(update_fields=["lead", "applied_at"])
    return True


def _live_lead(response: SurveyResponse) -> Lead | None:
    """The lead that is left after merges; None when nobody knows it, or it was deleted."""
    if response.lead_id is None:
        return None
    found: Lead | None = Lead.objects.live().filter(pk=survivor_id(response.lead_id)).first()
    return found


def _apply(response: SurveyResponse, lead: Lead) -> None:
    content = contents.read(response.version.content)
    said = flow.said_of(content, response.answers, response.path)
    at = response.completed_at or response.answered_at
    _fill(lead, said, at)
    ending = content.ending(response.ending) if response.ending else None
    tags = [*said.tags, *([str(ending["tag"])] if ending and ending.get("tag") else [])]
    if tags:
        add_tags([lead.pk], tags)
    _answer(response, lead, said, at)
    record_activity(
        lead.pk,
        "survey_completed" if response.state == State.COMPLETED else "survey_answered",
        at=at,
        properties=properties_of(response, content, said),
        category=str((ending or {}).get("category") or "")[:60],
        dedupe_key=f"survey:{response.pk}:{response.state}",
    )
    if response.state == State.COMPLETED:
        publish(SurveyCompleted(lead_id=lead.pk, response_id=response.pk), at=at, channel="survey")


def _fill(lead: Lead, said: flow.Said, at: datetime) -> None:
    """What is empty is filled; what differs is proposed, as with every capture.

    An option such as “100 to 499” is too rough to say that a number we know is wrong.
    """
    own = records.sort_out(said.custom)
    custom = {key: value for key, value in own.values.items() if value is not None}
    contact = {
        name: value
        for name, value in _cleaned(said.contact).items()
        if name not in said.rough or getattr(lead, name) in ("", None)
    }
    if contact or custom:
        known = complete_lead(lead.pk, contact, custom, at=at)  # type: ignore[arg-type]
        propose(known.lead_id, known.said, at=at)


def _cleaned(contact: Mapping[str, Any]) -> dict[str, Any]:
    """Field by field: one that cannot be meant costs none of the others."""
    cleaned: dict[str, Any] = {}
    for name, value in contact.items():
        try:
            cleaned |= clean_fields({name: value})
        except Invalid:
            continue
    return cleaned


def _answer(response: SurveyResponse, lead: Lead, said: flow.Said, at: datetime) -> None:
    known = frameworks.known()
    answers: Any = {
        key: {**answer, "evidence": f"{response.survey.name}: {answer['evidence']}"[:1000]}
        for key, answer in said.criteria.items()
        if key in known
    }
    if not answers:
        return
    try:
        with transaction.atomic():
            source = BantAnswer.Source.SURVEY
            answer_bant(lead.pk, answers, source=source, at=at, channel="survey")
    except DomainError:
        logger.warning("survey_criteria_refused", response=response.pk)


def properties_of(response: SurveyResponse, content: Content, said: flow.Said) -> dict[str, Any]:
    """What rules, segments and drip campaigns may ask of the activity."""
    share = 100 * response.points // response.most_points if response.most_points > 0 else None
    found: dict[str, Any] = {
        "survey": response.survey.slug,
        "title": response.survey.name,
        "kind": response.survey.kind,
        "response": response.public_id,
        "score": response.points,
        "of": response.most_points,
        "percent": share,
        "result": response.result,
        "ending": response.ending,
        "message": said.message[:500],
        "nps": nps_of(content, response.answers),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def nps_of(content: Content, answers: Mapping[str, Any]) -> int | None:
    """The answer of 0 to 10, where it was asked for."""
    keys = [each["key"] for each in content.questions if each["type"] == "nps"]
    found = (answers.get(key) for key in keys)
    return next((value for value in found if isinstance(value, int)), None)


# Forgetting ---------------------------------------------------------------------------------------


@transaction.atomic
def prune(*, limit: int = 1000) -> int:
    """Delete responses that are older than their survey keeps them; the timeline keeps its line."""
    old = Q(survey__keep_days__isnull=False) & Q(
        answered_at__lt=Now() - F("survey__keep_days") * timedelta(days=1)
    )
    ids = list(
        SurveyResponse.objects.filter(old).order_by("pk").values_list("pk", flat=True)[:limit]
    )
    SurveyResponse.objects.filter(pk__in=ids).delete()
    return len(ids)
