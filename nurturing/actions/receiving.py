"""What comes back about a mail: clicks, opens, replies, each judged human or machine."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now

from leads.actions import NewActivity, record_activities
from leads.actions.activities import reclassify
from nurturing.machines import (
    BURST_REACH,
    HUMAN,
    MACHINE,
    Hit,
    Judgement,
    holds_burst,
    judge_click,
    judge_open,
)
from nurturing.models import DeliveryEvent, Link, Send

Kind = DeliveryEvent.Kind
UA_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a link or the pixel; `ip` is already cut to a network."""

    method: str
    user_agent: str
    ip: str
    prefetch: bool = False


@transaction.atomic
def record_click(public_id: str, link: Link, visit: Visit, *, at: datetime) -> None:
    send = _resolve(public_id, at=at)
    if send is None:
        return
    event = _store(send, Kind.CLICK, visit, judge_click(_hit(send, visit, at)), at=at, link=link)
    record_activities([_activity(send, event, "email_click", at=at, url=link.url)])
    _unmask_burst(send, at=at)
    _refresh_first(send, Kind.CLICK)


@transaction.atomic
def record_open(public_id: str, visit: Visit, *, at: datetime) -> None:
    send = _resolve(public_id, at=at)
    if send is None:
        return
    event = _store(send, Kind.OPEN, visit, judge_open(_hit(send, visit, at)), at=at)
    record_activities([_activity(send, event, "email_open", at=at)])
    _refresh_first(send, Kind.OPEN)


@transaction.atomic
def record_reply(lead_id: int, *, at: datetime) -> None:
    """A reply counts for the newest mail the lead had."""
    send = (
        Send.objects.select_for_update(of=("self",), no_key=True)
        .filter(lead_id=lead_id, state__in=Send.GONE)
        .order_by("-pk")
        .first()
    )
    if send is not None and send.replied_at is None:
        Send.objects.filter(pk=send.pk).update(replied_at=at)
        DeliveryEvent.objects.create(send=send, kind=Kind.REPLY, klass=HUMAN, at=at)


def _resolve(public_id: str, *, at: datetime) -> Send | None:
    """The mail, locked; whoever reacts to a mail in doubt proves that it arrived."""
    send = (
        Send.objects.select_for_update(of=("self",), no_key=True)
        .filter(public_id=public_id)
        .first()
    )
    if send is not None and send.state == Send.State.UNKNOWN:
        Send.objects.filter(pk=send.pk).update(
            state=Send.State.ACCEPTED, accepted_at=send.handed_off_at or Now(), reason="",
            reason_code="", lease_token=None,
        )  # fmt: skip
    return send


def _hit(send: Send, visit: Visit, at: datetime) -> Hit:
    sent_at = send.accepted_at or send.handed_off_at
    since = max(at - sent_at, timedelta(0)) if sent_at else None
    return Hit(visit.method, visit.user_agent, visit.prefetch, since)


def _store(
    send: Send,
    kind: str,
    visit: Visit,
    judgement: Judgement,
    *,
    at: datetime,
    link: Link | None = None,
) -> DeliveryEvent:
    return DeliveryEvent.objects.create(
        send=send,
        kind=kind,
        klass=judgement.klass,
        reasons=list(judgement.reasons),
        link=link,
        ip=visit.ip,
        user_agent=visit.user_agent[:UA_LIMIT],
        at=at,
    )


def _activity(
    send: Send, event: DeliveryEvent, type_: str, *, at: datetime, url: str = ""
) -> NewActivity:
    properties = {"subject": send.subject, "send": send.public_id}
    # Every click is told; opens repeat for each glance, so one of each class is enough.
    key = event.pk if event.kind == Kind.CLICK else event.klass
    return NewActivity(
        lead_id=send.lead_id,
        type=type_,
        occurred_at=at,
        properties={**properties, "url": url} if url else properties,
        klass=event.klass,
        dedupe_key=f"send:{send.pk}:{event.kind}:{key}",
    )


def _unmask_burst(send: Send, *, at: datetime) -> None:
    """Many links in a moment are a gateway's work: all clicks around it are judged anew."""
    nearby = DeliveryEvent.objects.filter(
        send=send, kind=Kind.CLICK, at__range=(at - BURST_REACH, at + BURST_REACH)
    )
    clicks = [(event.link_id or 0, event.at) for event in nearby]
    if not holds_burst(clicks):
        return
    fooled = [event for event in nearby if event.klass != MACHINE]
    for event in fooled:
        event.klass, event.reasons = MACHINE, [*event.reasons, "burst"]
    DeliveryEvent.objects.bulk_update(fooled, ["klass", "reasons"])
    reclassify([f"send:{send.pk}:click:{event.pk}" for event in fooled], klass=MACHINE)


def _refresh_first(send: Send, kind: str) -> None:
    """The send's first human open or click, as its events now say."""
    first = DeliveryEvent.objects.filter(send=send, kind=kind, klass=HUMAN).aggregate(
        first=Min("at")
    )["first"]
    column = "clicked_at" if kind == Kind.CLICK else "opened_at"
    Send.objects.filter(pk=send.pk).update(**{column: first})
