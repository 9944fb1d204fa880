"""Who answers a public survey and says who they are: a capture like any other, raw first."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from leads import arrivals, capture
from leads.capture import parsing
from leads.capture.envelopes import BY_ITEM, Consented, Submission
from leads.models import Consent, InboxItem
from scoring.models import SurveyResponse

logger = structlog.get_logger(__name__)

DOOR = "survey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What is known at the door besides the answers."""

    headers: dict[str, str]
    remote_address: str
    path: str
    page_url: str
    rendered_at: float
    trap: str
    flags: list[str]
    screened: bool
    visitor: str = ""


def capture_contact(
    response: SurveyResponse, given: dict[str, Any], *, wording: str, visit: Visit, at: datetime
) -> InboxItem:
    """Commit what they said of themselves, then make a lead of it if there is time.

    :raises leads.arrivals.Unavailable: it could not be stored anywhere.
    """
    return arrivals.take(_arrival(response, given, wording, visit), at=at).item


def _arrival(
    response: SurveyResponse, given: dict[str, Any], wording: str, visit: Visit
) -> capture.Arrival:
    body = json.dumps(
        {
            "survey": response.survey.slug,
            "version": response.version.number,
            "response": response.public_id,
            "contact": given,
            "consent_wording": wording if given.get("consent") else "",
            "page_url": visit.page_url,
            "visitor": visit.visitor,
            "rendered_at": visit.rendered_at,
            "trap": visit.trap,
        },
        sort_keys=True,
    ).encode()
    # The moment of rendering is no part of what they said: the same answer is the same click.
    key = hashlib.sha256(json.dumps([response.public_id, given], sort_keys=True).encode())
    return capture.Arrival(
        door=f"{DOOR}:{response.survey_id}",
        body=body,
        content_type="application/json",
        path=visit.path,
        headers=visit.headers,
        remote_address=visit.remote_address,
        source_id=response.survey.source_id,
        idempotency_key=key.hexdigest(),
        flags=visit.flags,
        screened=visit.screened,
    )


def capture_late(
    response: SurveyResponse, given: dict[str, Any], *, wording: str, item: InboxItem
) -> InboxItem:
    """The same from a page that came while the database was away; a worker goes on with it."""
    visit = Visit(
        headers=dict(item.headers),
        remote_address=item.remote_address,
        path=item.path,
        page_url="",
        rendered_at=response.started_at.timestamp() - 60,
        trap="",
        flags=list(item.flags),
        screened=item.screened,
    )
    arrival = _arrival(response, given, wording, visit)
    return capture.store(arrival, at=item.received_at).item


def read_item(item: InboxItem) -> Submission:
    """:raises capture.Unreadable:"""
    document = parsing.json_of(bytes(item.body))
    contact = document.get("contact") or {}
    consent = {}
    if contact.get("consent"):
        wording = str(document.get("consent_wording") or "")
        consent = {Consent.Purpose.MARKETING_EMAIL.value: Consented(granted=True, wording=wording)}
    return Submission(
        {name: contact[name] for name in ("name", "email", "company") if contact.get(name)},
        context={
            "page_url": str(document.get("page_url") or ""),
            "visitor": str(document.get("visitor") or ""),
        },
        consent=consent,
        rendered_at=float(document.get("rendered_at") or 0.0),
        trap=str(document.get("trap") or ""),
    )


BY_ITEM[DOOR] = read_item
