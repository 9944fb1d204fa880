"""What scoring does when something happens to a lead."""

from typing import Any

from django.utils import timezone

from leadcrm.eventlog.registry import on
from leads.actions import mark_dirty
from leads.events import (
    LeadCaptured,
    LeadDisqualified,
    LeadRecycled,
    SalesAccepted,
    SalesRejected,
    StageChanged,
)
from leads.models import Inquiry
from scoring import actions, frameworks
from scoring.actions import responses
from scoring.models import BantAnswer, Level


@on(LeadCaptured)
def take_bant_answers(event: LeadCaptured) -> None:
    """A form may ask for budget, authority, need and timeline."""
    inquiry = Inquiry.objects.filter(pk=event.inquiry_id).first()
    if inquiry is None:
        return
    answers = readable_answers(inquiry.fields.get("bant"))
    if answers:
        source = BantAnswer.Source.FORM if inquiry.form_version_id else BantAnswer.Source.API
        actions.answer_bant(
            inquiry.lead_id, answers, source=source, at=inquiry.received_at, channel="capture"
        )
    mark_dirty([inquiry.lead_id])


@on(LeadCaptured)
def find_survey_response(event: LeadCaptured) -> None:
    """Who answers a public survey becomes a lead by a capture, perhaps much later."""
    item_id = Inquiry.objects.filter(pk=event.inquiry_id).values_list("inbox_item_id", flat=True)
    if (found := item_id.first()) is not None:
        responses.find_lead(found)


@on(StageChanged)
def rescore_moved(event: StageChanged) -> None:
    """Rules and qualifications may ask for the stage; contact changes queue the lead themselves."""
    mark_dirty([event.lead_id])


def readable_answers(raw: Any) -> dict[str, actions.Answer]:
    """What strangers sent, as far as it can be understood; a capture is never refused for it."""
    if not isinstance(raw, dict):
        return {}
    read = {key: _readable(raw[key]) for key in frameworks.known() if key in raw}
    return {key: answer for key, answer in read.items() if answer}


def _readable(raw: Any) -> actions.Answer | None:
    """A plain text is a level or, failing that, a value of which only part is known."""
    if isinstance(raw, str):
        raw = (
            {"level": raw.strip().lower()}
            if raw.strip().lower() in Level.values
            else {"value": raw}
        )
    if not isinstance(raw, dict):
        return None
    value = str(raw.get("value") or "").strip()[:300]
    level = raw.get("level")
    if not isinstance(level, str) or level.strip().lower() not in Level.values:
        level = Level.PARTIAL.value if value else ""
    return {"level": level.strip().lower(), "value": value} if level else None


@on(SalesAccepted)
def note_acceptance(event: SalesAccepted) -> None:
    actions.note_verdict(event.lead_id, "accepted", at=timezone.now())


@on(SalesRejected)
def note_rejection(event: SalesRejected) -> None:
    actions.note_verdict(event.lead_id, "rejected", reason=event.reason, at=timezone.now())
    mark_dirty([event.lead_id])


@on(LeadDisqualified)
def rescore_disqualified(event: LeadDisqualified) -> None:
    """Qualification rules ask for the lifecycle."""
    mark_dirty([event.lead_id])


@on(LeadRecycled)
def rescore_recycled(event: LeadRecycled) -> None:
    mark_dirty([event.lead_id])
