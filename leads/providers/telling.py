"""The queue of conversions to be told: Meta's Conversions API, its conversion leads.

https://developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration
"""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.lib import pump
from leads.actions.sources import tell_of_trouble
from leads.models import Connection, ConnectionSecret, Feedback, FeedbackEvent, Lead
from leads.providers.base import FetchProblem, NoAccess
from leads.providers.graph import Refused, graph_of
from leads.queries.agreeing import who_agreed

logger = structlog.get_logger(__name__)

OLDEST = timedelta(days=7)
BATCH = 100  # Meta takes a thousand
LEASE = timedelta(minutes=30)  # a refused batch is told one by one, each with its own wait
MAX_ATTEMPTS = 48  # two days of an outage
State = FeedbackEvent.State


def drain(*, limit: int = BATCH) -> int:
    """Tell one batch; return how many were tried."""
    claim = pump.claim(FeedbackEvent, limit=limit, lease=LEASE)
    rows = FeedbackEvent.objects.select_related("inquiry__lead", "inquiry__inbox_item")
    by_source: dict[int, list[FeedbackEvent]] = defaultdict(list)
    for row in rows.filter(pk__in=[item.pk for item in claim.items]).order_by("pk"):
        by_source[row.connection_id].append(row)
    for connection_id, events in by_source.items():
        feedback = Feedback.objects.select_related("connection__source").get(pk=connection_id)
        tell(feedback, events, token=claim.token)
    return len(claim.items)


def tell(feedback: Feedback, rows: Sequence[FeedbackEvent], *, token: Any) -> None:
    """Leave out what may not or need not be told, and send the rest outside of any transaction."""
    now = timezone.now()
    agreed = who_agreed(row.inquiry.lead_id for row in rows)
    ready = []
    for row in rows:
        state, reason = verdict(feedback, row, agreed, at=now)
        if state == State.WAITING:
            ready.append(row)
        else:
            pump.finish(FeedbackEvent, [row.pk], token=token, state=state, reason=reason)
    if ready:
        send(feedback, ready, token=token)


def verdict(
    feedback: Feedback, row: FeedbackEvent, agreed: set[int], *, at: datetime
) -> tuple[str, str]:
    lead = row.inquiry.lead
    if not feedback.is_on:
        return State.LEFT_OUT, "Switched off before it was told."
    if lead.deleted_at is not None:
        return State.LEFT_OUT, "The lead is deleted."
    if not remote_id(row):
        return State.LEFT_OUT, "Meta does not know this lead by a number."
    if row.at < at - OLDEST:
        return State.LEFT_OUT, "More than seven days old: Meta takes it no longer."
    if lead.pk not in agreed:
        return State.NOT_ALLOWED, "The person did not agree to it."
    return State.WAITING, ""


def send(feedback: Feedback, rows: Sequence[FeedbackEvent], *, token: Any) -> None:
    """One wrong event has all of its batch refused: then each is sent by itself."""
    try:
        secrets = feedback.connection.plain_secrets(ConnectionSecret.Use.FEEDBACK)
        client = graph_of(secrets[0] if secrets else "", "")
        events = [event_of(row, contact=feedback.sends_contact) for row in rows]
        client.tell(feedback.dataset, events, test_code=feedback.test_code)
    except Refused as problem:
        if len(rows) > 1:
            for row in rows:
                send(feedback, [row], token=token)
        else:
            put_back(feedback, rows, problem, token=token)
    except FetchProblem as problem:
        put_back(feedback, rows, problem, token=token)
    except Exception as error:
        logger.exception("feedback_failed", source=feedback.pk)
        words = f"{type(error).__name__} while telling."
        put_back(feedback, rows, FetchProblem(words), token=token)
    else:
        keys = [row.pk for row in rows]
        pump.finish(FeedbackEvent, keys, token=token, state=State.SENT, reason="", sent_at=Now())


def put_back(
    feedback: Feedback, rows: Iterable[FeedbackEvent], problem: FetchProblem, *, token: Any
) -> None:
    """Transient troubles try again by themselves; what needs a person waits where it is seen."""
    refused, no_access = isinstance(problem, Refused), isinstance(problem, NoAccess)
    first = no_access and not feedback.connection.feedback_events.filter(state=State.NO_ACCESS)
    for row in rows:
        if no_access or refused or row.attempts >= MAX_ATTEMPTS:
            state = State.NO_ACCESS if no_access else State.FAILED
            pump.finish(FeedbackEvent, [row.pk], token=token, state=state, reason=problem.words)
        else:
            seconds = problem.seconds or pump.retry_seconds(row.attempts)
            pump.postpone(FeedbackEvent, row.pk, token=token, seconds=seconds, reason=problem.words)
    if first:
        tell_office(feedback.connection, problem)


def tell_office(connection: Connection, problem: FetchProblem) -> None:
    title = f"Conversions of “{connection.source}” are not told"
    tell_of_trouble(connection, problem.words, at=timezone.now(), title=title)


# What is said ------------------------------------------------------------------------------------


def remote_id(row: FeedbackEvent) -> str:
    """What Meta calls the lead; empty when it was not one of Meta's."""
    item = row.inquiry.inbox_item
    known = (item.idempotency_key or "") if item else ""
    return known if known.isascii() and known.isdecimal() and len(known) < 20 else ""


def event_of(row: FeedbackEvent, *, contact: bool) -> dict[str, Any]:
    """`event_id` is the same whenever it is told: a repetition counts once."""
    said = contact_of(row.inquiry.lead) if contact else {}
    return {
        "event_name": row.name,
        "event_time": int(row.at.timestamp()),
        "event_id": f"{remote_id(row)}-{row.conversion}",
        "action_source": "system_generated",
        "user_data": {"lead_id": int(remote_id(row)), **said},
        "custom_data": {"event_source": "crm", "lead_event_source": "LeadCRM"},
    }


def contact_of(lead: Lead) -> dict[str, list[str]]:
    """Hashed after Meta's rules: lower case, no spaces at the ends, phones in digits alone."""
    digits = lead.phone.removeprefix("+") if lead.phone.startswith("+") else ""
    plain = {
        "em": lead.email.strip().lower(),
        "ph": "".join(each for each in digits if each.isdecimal()),
        "fn": _letters(lead.first_name),
        "ln": _letters(lead.last_name),
        "ct": _letters(lead.city).replace(" ", ""),
        "country": lead.country.lower(),
    }
    return {key: [hashlib.sha256(text.encode()).hexdigest()] for key, text in plain.items() if text}


def _letters(text: str) -> str:
    """Without punctuation."""
    lower = unicodedata.normalize("NFC", text).strip().lower()
    return "".join(each for each in lower if each.isalnum() or each == " ").strip()
