"""Whose browser this is: links to people, what they bring to a timeline, and cutting them.

A new person on a browser never takes what the one before did there, and two known people are never
made one by sharing a browser.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib.memo import remembering
from leads.actions.activities import NewActivity, mark_dirty, record_activities
from leads.actions.inquiries import add_touch, survivor
from leads.activity_types import ACTIVITY_TYPES, SCORED
from leads.capture.origin import origin_of
from leads.events import VisitorCut, VisitorLinked
from leads.models import (
    Activity,
    IdentityLink,
    Inquiry,
    Lead,
    Touch,
    Visit,
    Visitor,
    VisitorEvent,
)
from leads.models.attribution import Channel
from leads.tracking.visits import as_uuid, newest_visit, objects

Method, Confidence = IdentityLink.Method, IdentityLink.Confidence
RANK = {Confidence.LOW: 0, Confidence.MEDIUM: 1, Confidence.HIGH: 2}
CHUNK = 1000
MOST_TOUCHES = 50
MOST_HINTS = 3
BROUGHT_BY_NOBODY = frozenset({Channel.DIRECT, Channel.OTHER, Channel.API})
BROKEN = "Somebody else was recognised on this browser"


def find_or_make(token: uuid.UUID, *, at: datetime, site_id: int | None = None) -> Visitor:
    """The visitor, locked. What its browser sent may still be on its way."""
    Visitor.objects.bulk_create(
        [Visitor(token=token, site_id=site_id, first_seen_at=at, last_seen_at=at)],
        ignore_conflicts=True,
    )
    return Visitor.objects.select_for_update(of=("self",), no_key=True).get(token=token)


@transaction.atomic
def link_visitor(
    token: uuid.UUID,
    lead: Lead,
    *,
    method: str,
    confidence: str,
    at: datetime,
    since: datetime | None = None,
    site_id: int | None = None,
    named: str = "",
) -> IdentityLink | None:
    """This browser is this person's. None when the person or a better proof speaks against it.

    What nobody was known for before becomes the person's, with a probable link only from `since`.

    :param named: who was named, an address or the public id of a lead; else `lead` itself was.
    """
    named = (named or lead.public_id)[:254]
    lead = survivor(lead)
    if lead.deleted_at is not None or objects(lead.pk):
        return None
    visitor = find_or_make(token, at=at, site_id=site_id)
    if visitor.consent == Visitor.Consent.DENIED:
        return None
    known = visitor.link and _open(visitor.link)
    if known and survivor(known.lead).pk == lead.pk:
        return _confirm(visitor, known, method, confidence)
    if known and RANK[confidence] < RANK[known.confidence]:  # type: ignore[index]
        return None
    if known:
        _give_way(visitor, known, confidence, at=at)
    link = IdentityLink.objects.create(
        visitor=visitor, lead=lead, method=method, confidence=confidence, at=at, named=named
    )
    _point(visitor, link)
    _promote(visitor, link, since=None if confidence == Confidence.HIGH else since or at)
    publish(VisitorLinked(lead_id=lead.pk, link_id=link.pk), at=at)
    return link


def link_captured(inquiry_id: int) -> None:
    """The browser that sent a form is its sender's."""
    inquiry = Inquiry.objects.select_related("lead").filter(pk=inquiry_id).first()
    token = as_uuid(inquiry.context.get("visitor")) if inquiry else None
    if inquiry is None or token is None or inquiry.is_test:
        return
    adopt_touch(token, Touch.objects.filter(inquiry=inquiry).order_by("pk").first())
    link_visitor(
        token,
        inquiry.lead,
        method=Method.FORM,
        confidence=Confidence.HIGH,
        at=inquiry.received_at,
    )


def _open(link: IdentityLink) -> IdentityLink | None:
    return link if link.cut_at is None and link.ended_at is None else None


def _point(visitor: Visitor, link: IdentityLink | None) -> None:
    visitor.link = link
    Visitor.objects.filter(pk=visitor.pk).update(link=link)


def _confirm(visitor: Visitor, link: IdentityLink, method: str, confidence: str) -> IdentityLink:
    """A better proof of what was probable brings in what happened before it."""
    if RANK[confidence] > RANK[link.confidence]:  # type: ignore[index]
        link.method, link.confidence = method, confidence
        link.save(update_fields=["method", "confidence"])
        _promote(visitor, link, since=None)
    return link


def _give_way(visitor: Visitor, link: IdentityLink, confidence: str, *, at: datetime) -> None:
    """A forwarded mail is found out by the form of the one it was forwarded to."""
    if link.confidence == Confidence.MEDIUM and confidence == Confidence.HIGH:
        _cut(link, at=at, user=None, reason=BROKEN)
        VisitorEvent.objects.filter(visitor=visitor, link=link).update(link=None)
        Visit.objects.filter(visitor=visitor, link=link).update(link=None)
    else:
        IdentityLink.objects.filter(pk=link.pk).update(ended_at=at)


@transaction.atomic
def add_hint(token: uuid.UUID, lead: Lead, *, at: datetime, site_id: int | None) -> None:
    """Somebody's page says that it is this person, and proves nothing: a colleague may confirm."""
    lead = survivor(lead)
    if lead.deleted_at is not None or objects(lead.pk):
        return
    visitor = find_or_make(token, at=at, site_id=site_id)
    if visitor.link_id or visitor.links.filter(lead=lead).exists():
        return
    if visitor.links.filter(method=Method.HINT).count() < MOST_HINTS:
        IdentityLink.objects.create(
            visitor=visitor, lead=lead, method=Method.HINT, confidence=Confidence.LOW, at=at
        )


# ---- what a link brings ----


def promote_new(events: Iterable[VisitorEvent], leads: dict[int, int]) -> None:
    """Write events on the timelines of those they belong to.

    :param leads: by link.
    """
    record_activities(
        [
            _activity(event, leads[event.link_id])
            for event in events
            if event.link_id in leads and event.klass != Activity.Class.MACHINE
        ]
    )


def _activity(event: VisitorEvent, lead_id: int) -> NewActivity:
    return NewActivity(
        lead_id=lead_id,
        type=event.type,
        occurred_at=event.occurred_at,
        properties=event.properties,
        category=event.category,
        klass=event.klass,
        dedupe_key=dedupe_key(event),
        link_id=event.link_id,
    )


def dedupe_key(event: VisitorEvent) -> str:
    return f"v:{event.visitor_id}:{event.event_id.hex}"


def _promote(visitor: Visitor, link: IdentityLink, *, since: datetime | None) -> None:
    begun = Q(occurred_at__gte=since) if since else Q()
    events = VisitorEvent.objects.filter(begun, visitor=visitor, link=None)
    waiting = list(events.order_by("occurred_at", "pk"))
    events.update(link=link)
    for event in waiting:
        event.link_id = link.pk
    for start in range(0, len(waiting), CHUNK):
        promote_new(waiting[start : start + CHUNK], {link.pk: link.lead_id})
    from_then = Q(last_at__gte=since) if since else Q()
    visits = Visit.objects.filter(from_then, visitor=visitor, link=None)
    found = list(visits.order_by("started_at", "pk"))
    visits.update(link=link)
    write_touches(link.lead_id, found)


def write_touches(lead_id: int, visits: Sequence[Visit]) -> None:
    """What brought somebody here: the very first visit, and each that a campaign or a site sent."""
    if not visits:
        return
    earlier = Touch.objects.filter(lead=lead_id, occurred_at__lte=visits[0].started_at)
    with remembering():
        counting = [v for v in visits if is_brought(v)]
    if visits[0] not in counting and not earlier.exists():
        counting.insert(0, visits[0])
    for visit in [v for v in counting if v.touch_id is None][:MOST_TOUCHES]:
        _write_touch(lead_id, visit)


def is_brought(visit: Visit) -> bool:
    """By a campaign, a search engine or another site, not by typing the address."""
    origin = origin_of(visit.origin, {}, None)
    tagged = bool(origin.utm.get("utm_source") or origin.click_ids)
    return tagged or origin.channel not in BROUGHT_BY_NOBODY


def _write_touch(lead_id: int, visit: Visit) -> None:
    origin = origin_of(visit.origin, {}, None)
    touch = add_touch(
        lead_id,
        None,
        channel=origin.channel,
        utm=origin.utm,
        click_ids=origin.click_ids,
        referrer=origin.referrer,
        landing_page=origin.landing_page,
        at=visit.started_at,
    )
    Visit.objects.filter(pk=visit.pk).update(touch=touch)


def adopt_touch(token: uuid.UUID, touch: Touch | None) -> None:
    """A form's own touch tells where its visit came from: it counts once."""
    if touch is None:
        return
    visit = newest_visit(token, before=touch.occurred_at)
    told = touch.channel not in BROUGHT_BY_NOBODY
    if visit is not None and visit.touch_id is None and (told or not is_brought(visit)):
        Visit.objects.filter(pk=visit.pk).update(touch=touch)


# ---- cutting ----


@transaction.atomic
def cut(link: IdentityLink, *, at: datetime, user: User | None, reason: str = "") -> bool:
    """This browser was not this person's: take back what the link brought. False: it was cut."""
    Visitor.objects.select_for_update(of=("self",), no_key=True).get(pk=link.visitor_id)
    link.refresh_from_db()
    if link.cut_at is not None:
        return False
    _cut(link, at=at, user=user, reason=reason or "Cut by hand")
    Visitor.objects.filter(pk=link.visitor_id, link=link).update(link=None)
    return True


def _cut(link: IdentityLink, *, at: datetime, user: User | None, reason: str) -> None:
    lead = survivor(link.lead)
    IdentityLink.objects.filter(pk=link.pk).update(cut_at=at, cut_by=user, cut_reason=reason)
    Touch.objects.filter(pk__in=_touches_of(link), inquiry=None).delete()
    Activity.objects.filter(link=link).delete()
    _find_last_activity([lead.pk])
    mark_dirty([lead.pk])
    publish(VisitorCut(lead_id=lead.pk, link_id=link.pk), at=at, actor=user)


def _touches_of(link: IdentityLink) -> QuerySet[Visit, int | None]:
    return Visit.objects.filter(link=link, touch__isnull=False).values_list("touch_id", flat=True)


def _find_last_activity(lead_ids: Sequence[int]) -> None:
    """Anew, for what was newest may be gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_leadscore AS s
            SET last_activity_at = newest.occurred_at,
                last_activity_type = coalesce(newest.type, '')
            FROM unnest(%s::bigint[]) AS wanted (id) LEFT JOIN LATERAL (
                SELECT a.occurred_at, a.type FROM leads_activity a
                WHERE a.lead_id = wanted.id AND (a.type = ANY(%s) OR a.type <> ALL(%s))
                ORDER BY a.occurred_at DESC LIMIT 1) newest ON true
            WHERE s.lead_id = wanted.id
            """,
            [list(lead_ids), sorted(SCORED), sorted(ACTIVITY_TYPES)],
        )


@transaction.atomic
def confirm_hint(link: IdentityLink, *, at: datetime) -> IdentityLink | None:
    """A colleague knows that the page told the truth."""
    IdentityLink.objects.filter(pk=link.pk).delete()
    return link_visitor(
        link.visitor.token,
        link.lead,
        method=Method.HAND,
        confidence=Confidence.HIGH,
        at=at,
    )


# ---- people who do not want it ----


@transaction.atomic
def stop_tracking(lead_id: int, *, at: datetime) -> int:
    """Nothing more is stored of this person's browsers; what they did stays until it is cut."""
    open_ = IdentityLink.objects.filter(IdentityLink.OPEN, lead=lead_id)
    visitors = list(open_.values_list("visitor_id", flat=True))
    open_.update(ended_at=at)
    return Visitor.objects.filter(pk__in=visitors).update(consent=Visitor.Consent.DENIED, link=None)


@transaction.atomic
def allow_tracking(lead_id: int) -> int:
    """Its browsers may be known again from the next time they say who they are."""
    known = IdentityLink.objects.filter(lead=lead_id, cut_at=None).values("visitor")
    return Visitor.objects.filter(pk__in=known, consent=Visitor.Consent.DENIED).update(
        consent=Visitor.Consent.UNKNOWN
    )
