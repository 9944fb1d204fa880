"""Telling an advertiser's system of conversions: what is told, and each once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leadcrm.lib.normalise import clean_text
from leads.actions.sources import SECRET_GRACE, replace_secret
from leads.models import Connection, ConnectionSecret, Feedback, FeedbackEvent, Inquiry
from leads.queries.survivors import survivor_id

QUEUE = "feedback"
State = FeedbackEvent.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the office wants told for a source. `token`: a new one, empty to keep the present."""

    is_on: bool
    dataset: str
    names: Mapping[str, str] = field(default_factory=dict)
    sends_contact: bool = False
    test_code: str = ""
    token: str = ""


@transaction.atomic
def set_feedback(connection: Connection, telling: Telling, *, at: datetime) -> Feedback:
    """:raises Invalid: it is on, and something that it needs is missing."""
    cut = {key: clean_text(name, limit=100) for key, name in telling.names.items()}
    names = {key: name for key, name in cut.items() if name}
    if telling.token:
        use = ConnectionSecret.Use.FEEDBACK
        replace_secret(connection, use, telling.token, at=at, grace=SECRET_GRACE)
    if telling.is_on:
        _check(connection, telling.dataset, names)
    saved, _ = Feedback.objects.update_or_create(
        connection=connection,
        defaults={
            "is_on": telling.is_on,
            "dataset": telling.dataset,
            "names": names,
            "sends_contact": telling.sends_contact,
            "test_code": telling.test_code,
        },
    )
    if telling.token:
        tell_again(connection, State.NO_ACCESS)
    return saved


def _check(connection: Connection, dataset: str, names: Mapping[str, str]) -> None:
    if not dataset:
        raise Invalid.field("dataset", "Say which dataset is told.", "required")
    if not connection.secrets.filter(use=ConnectionSecret.Use.FEEDBACK).exists():
        raise Invalid.field("token", "Paste an access token for the dataset.", "required")
    if not names:
        raise Invalid.field("names", "Name at least one conversion.", "required")


def note_conversion(lead_id: int, conversion: str, *, at: datetime) -> int:
    """Queue it for each source that brought the lead and wants to know; how many are new.

    Of several inquiries through one source the newest before it counts.
    """
    asking = Inquiry.objects.filter(lead=survivor_id(lead_id), received_at__lte=at)
    newest = asking.order_by("source", "-received_at", "-pk").distinct("source").values("pk")
    return _queue(Inquiry.objects.filter(pk__in=newest), conversion, at=at)


def note_arrival(inquiry_id: int, *, at: datetime) -> int:
    """The first of all conversions: there is a lead."""
    return _queue(Inquiry.objects.filter(pk=inquiry_id), "lead", at=at)


def _queue(inquiries: QuerySet[Inquiry], conversion: str, *, at: datetime) -> int:
    told = inquiries.filter(
        is_test=False,
        lead__is_test=False,
        inbox_item__idempotency_key__isnull=False,
        source__connection__feedback__is_on=True,
        source__connection__feedback__names__has_key=conversion,
    ).select_related("source__connection__feedback")
    rows = [
        FeedbackEvent(
            connection_id=feedback.pk,
            inquiry=inquiry,
            conversion=conversion,
            name=feedback.names[conversion],
            at=at,
        )
        for inquiry in told
        if inquiry.source is not None
        for feedback in [inquiry.source.connection.feedback]
    ]
    known = FeedbackEvent.objects.filter(
        inquiry__in=[row.inquiry_id for row in rows], conversion=conversion
    ).count()
    FeedbackEvent.objects.bulk_create(rows, ignore_conflicts=True)
    pump.wake(QUEUE)
    return len(rows) - known


def tell_again(connection: Connection, *states: str) -> int:
    """Try once more what could not be told."""
    stuck = connection.feedback_events.filter(state__in=states or FeedbackEvent.STUCK)
    count = stuck.update(state=State.WAITING, reason="", due_at=Now(), lease_token=None, attempts=0)
    pump.wake(QUEUE)
    return count
