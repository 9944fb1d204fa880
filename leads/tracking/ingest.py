"""From stored batches to visitors, visits, events and activities: many batches, few statements.

One worker at a time, in the order of arrival, so that a browser that changes hands within a second
changes hands in the right order. A batch that identifies its browser ends a round.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from psycopg2.extras import Json, execute_values

from leadcrm.lib import normalise
from leadcrm.lib.memo import remembering
from leads.actions.activities import mark_dirty
from leads.actions.consent import record_consent
from leads.actions.inquiries import lead_of_email, survivor
from leads.models import (
    Activity,
    Consent,
    IdentityLink,
    Lead,
    TrackedSite,
    TrackingBatch,
    TrackingPolicy,
    Visit,
    Visitor,
    VisitorEvent,
)
from leads.tracking import machines, stitching
from leads.tracking.reading import Event, Packet, open_body, read_packet
from leads.tracking.sites import is_signed, read_click
from leads.tracking.stitching import Confidence, Method
from leads.tracking.visits import objects

logger = structlog.get_logger(__name__)

LIMIT = 200
LOCK = 0x6C63_7472  # of the one worker
SEEN = timedelta(minutes=1)  # how often a site's last sign of life is written down


@dataclass(slots=True)
class Read:
    """A stored batch and what it says."""

    batch: TrackingBatch
    packet: Packet

    @property
    def token(self) -> uuid.UUID:
        return self.packet.visitor or uuid.UUID(int=0)


def drain(*, limit: int = LIMIT) -> int:
    """Apply one round of waiting batches; return how many were taken."""
    try:
        with transaction.atomic(), remembering():
            return _drain(limit)
    except OperationalError:  # a deadlock or a lock that took too long: the next round has it
        logger.warning("tracking_postponed")
        return 0
    except Exception:
        logger.exception("tracking_failed")
        return _set_aside()


def _drain(limit: int) -> int:
    if not _is_only_worker():
        return 0
    waiting = TrackingBatch.objects.filter(due_at__lte=Now()).order_by("pk")
    batches = list(waiting.select_for_update(skip_locked=True)[:limit])
    if not batches:
        return 0
    round_ = _round_of(batches)
    _apply(round_)
    TrackingBatch.objects.filter(pk__in=[read.batch.pk for read in round_]).delete()
    return len(round_)


def _is_only_worker() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _set_aside() -> int:
    """One batch at a time, so that the one that cannot be applied stops nothing but itself."""
    waiting = TrackingBatch.objects.filter(due_at__lte=Now()).order_by("pk")
    pks = list(waiting.values_list("pk", flat=True)[:LIMIT])
    for pk in pks:
        try:
            with transaction.atomic():
                batch = TrackingBatch.objects.select_for_update(skip_locked=True).get(pk=pk)
                _apply(_round_of([batch]))
                batch.delete()
        except TrackingBatch.DoesNotExist:
            continue
        except Exception as error:
            logger.exception("tracking_batch_failed", batch=pk)
            words = f"{type(error).__name__}: {error}"[:200].replace("\x00", "")
            TrackingBatch.objects.filter(pk=pk).update(
                due_at=None, attempts=F("attempts") + 1, error=words
            )
    return len(pks)


def _round_of(batches: Sequence[TrackingBatch]) -> list[Read]:
    """The batches up to the first that says who its visitor is."""
    patterns = TrackingPolicy.load().excluded_paths.split()
    round_: list[Read] = []
    for batch in batches:
        document = open_body(bytes(batch.body))
        packet = read_packet(document, received_at=batch.received_at, excluded_paths=patterns)
        packet.visitor = batch.visitor or packet.visitor
        round_.append(Read(batch, packet))
        if packet.identifies or packet.consent is not None:
            break
    return round_


def _apply(round_: Sequence[Read]) -> None:
    known = [read for read in round_ if read.packet.visitor]
    visitors = _visitors(known)
    _note_consent(known, visitors)
    allowed = [r for r in known if visitors[r.token].consent != Visitor.Consent.DENIED]
    visits, begun = _visits(allowed, visitors)
    links = leads_of(visitor.link_id for visitor in visitors.values())
    events = _store_events(allowed, visitors, visits)
    stitching.promote_new(events, links)
    _add_leaves(allowed, visitors)
    _touch(begun, visitors, links)
    _identify(allowed, visits, visitors)
    _note_sites(round_)


# ---- visitors ----


def _visitors(round_: Sequence[Read]) -> dict[uuid.UUID, Visitor]:
    """Made where they are new, by token; judged by what their batches show."""
    news: dict[uuid.UUID, Visitor] = {}
    for read in round_:
        news.setdefault(read.token, _visitor_in(read))
    Visitor.objects.bulk_create(
        sorted(news.values(), key=lambda v: v.token.bytes), ignore_conflicts=True
    )
    found = {v.token: v for v in Visitor.objects.filter(token__in=list(news))}
    _judge_bursts(round_, found)
    _see_again(news, found)
    return found


def _visitor_in(read: Read) -> Visitor:
    batch, visit = read.batch, read.packet.visit
    judged = machines.judge(batch.user_agent, [*batch.signs, *read.packet.signs])
    began = min([batch.received_at, *[e.at for e in read.packet.events]])
    return Visitor(
        token=read.token,
        site_id=batch.site_id,
        klass=judged.klass,
        reasons=list(judged.reasons),
        first=visit.origin if visit else {},
        user_agent=batch.user_agent,
        remote_address=batch.remote_address,
        first_seen_at=began,
        last_seen_at=batch.received_at,
    )


def _judge_bursts(round_: Sequence[Read], visitors: dict[uuid.UUID, Visitor]) -> None:
    pages: dict[uuid.UUID, list[datetime]] = defaultdict(list)
    for read in round_:
        pages[read.token] += [e.at for e in read.packet.events if e.type == "page_view"]
    for token, moments in pages.items():
        visitor = visitors[token]
        if visitor.klass != Activity.Class.MACHINE and machines.is_burst(moments):
            visitor.klass, visitor.reasons = Activity.Class.MACHINE, [*visitor.reasons, "burst"]
            visitor.save(update_fields=["klass", "reasons"])


def _see_again(news: dict[uuid.UUID, Visitor], visitors: dict[uuid.UUID, Visitor]) -> None:
    """When each was last here, in coarse steps; a machine that shows itself is one for good."""
    stale, worse = [], []
    for token, visitor in visitors.items():
        now = news[token]
        if now.last_seen_at - visitor.last_seen_at > Visitor.SEEN_GRAIN:
            visitor.last_seen_at = now.last_seen_at
            visitor.user_agent, visitor.remote_address = now.user_agent, now.remote_address
            stale.append(visitor)
        if now.klass == Activity.Class.MACHINE != visitor.klass:
            visitor.klass, visitor.reasons = now.klass, now.reasons
            worse.append(visitor)
        if not visitor.first and now.first:  # a form knew the visitor before its batch came
            visitor.first, visitor.user_agent = now.first, now.user_agent
            visitor.klass, visitor.reasons = now.klass, now.reasons
            visitor.site_id = visitor.site_id or now.site_id
            worse.append(visitor)
    Visitor.objects.bulk_update(_by_pk(stale), ["last_seen_at", "user_agent", "remote_address"])
    Visitor.objects.bulk_update(_by_pk(worse), ["klass", "reasons", "first", "user_agent", "site"])


def _by_pk(visitors: Iterable[Visitor]) -> list[Visitor]:
    return sorted({v.pk: v for v in visitors}.values(), key=lambda v: v.pk)


def _note_consent(round_: Sequence[Read], visitors: dict[uuid.UUID, Visitor]) -> None:
    """What the person said on the website. A person we know for certain gets a receipt of it."""
    for read in round_:
        if read.packet.consent is None:
            continue
        visitor = visitors[read.token]
        states = Visitor.Consent
        visitor.consent = states.GRANTED if read.packet.consent else states.DENIED
        Visitor.objects.filter(pk=visitor.pk).update(consent=visitor.consent)
        _write_receipt(visitor, read)


def _write_receipt(visitor: Visitor, read: Read) -> None:
    link = IdentityLink.objects.filter(IdentityLink.OPEN, visitor=visitor).first()
    granted = bool(read.packet.consent)
    if link is None or link.confidence != Confidence.HIGH:
        return
    lead = survivor(link.lead)
    if objects(lead.pk) is not granted and _has_word(lead):
        return
    record_consent(
        lead.pk,
        Consent.Purpose.TRACKING,
        granted=granted,
        at=read.batch.received_at,
        source=f"website {visitor.site}" if visitor.site else "website",
        remote_address=read.batch.remote_address,
    )


def _has_word(lead: Lead) -> bool:
    return Consent.objects.filter(lead=lead, purpose=Consent.Purpose.TRACKING).exists()


# ---- visits ----

Key = tuple[int, uuid.UUID]


def _visits(
    round_: Sequence[Read], visitors: dict[uuid.UUID, Visitor]
) -> tuple[dict[Key, Visit], list[Visit]]:
    """All visits of the round by visitor and token, and those of them that have just begun."""
    starts: dict[Key, Visit] = {}
    for read in round_:
        start = read.packet.visit
        if start is None:
            continue
        visitor = visitors[read.token]
        last = max([start.at, *[event.at for event in read.packet.events]])
        visit = starts.setdefault(
            (visitor.pk, start.token),
            Visit(
                visitor=visitor,
                token=start.token,
                started_at=start.at,
                last_at=last,
                origin=start.origin,
                link_id=visitor.link_id,
            ),
        )
        visit.last_at = max(visit.last_at, last)
    return _store_visits(starts)


def _store_visits(starts: dict[Key, Visit]) -> tuple[dict[Key, Visit], list[Visit]]:
    which = Q(
        visitor__in={visitor for visitor, _ in starts}, token__in={token for _, token in starts}
    )
    known = set(Visit.objects.filter(which).values_list("visitor_id", "token"))
    fresh = [visit for key, visit in sorted(starts.items(), key=lambda p: p[0]) if key not in known]
    Visit.objects.bulk_create(fresh, ignore_conflicts=True)
    found = {(v.visitor_id, v.token): v for v in Visit.objects.filter(which)}
    longer = [v for key, v in found.items() if key in starts and starts[key].last_at > v.last_at]
    for visit in longer:
        visit.last_at = starts[(visit.visitor_id, visit.token)].last_at
    Visit.objects.bulk_update(sorted(longer, key=lambda v: v.pk), ["last_at"])
    return found, [found[key] for key in starts if key in found and key not in known]


# ---- events ----

COLUMNS = (
    "visitor_id, event_id, visit_id, type, occurred_at, received_at, properties, category, "
    "klass, link_id"
)


def _store_events(
    round_: Sequence[Read],
    visitors: dict[uuid.UUID, Visitor],
    visits: dict[Key, Visit],
) -> list[VisitorEvent]:
    """Those that were not stored before, in one statement."""
    rows: dict[tuple[int, uuid.UUID], VisitorEvent] = {}
    for read in round_:
        visitor, start = visitors[read.token], read.packet.visit
        visit = visits.get((visitor.pk, start.token)) if start else None
        for event in read.packet.events:
            rows.setdefault((visitor.pk, event.id), _row(event, visitor, visit, read.batch))
    return insert_events(list(rows.values()))


def _row(event: Event, visitor: Visitor, visit: Visit | None, batch: TrackingBatch) -> VisitorEvent:
    return VisitorEvent(
        visitor_id=visitor.pk,
        event_id=event.id,
        visit_id=visit.pk if visit else None,
        type=event.type,
        occurred_at=event.at,
        received_at=batch.received_at,
        properties=event.properties,
        category=event.category,
        klass=visitor.klass,
        link_id=visitor.link_id,
    )


def insert_events(rows: Sequence[VisitorEvent]) -> list[VisitorEvent]:
    """Store many; return those that were new."""
    if not rows:
        return []
    values = [
        (
            r.visitor_id, str(r.event_id), r.visit_id, r.type, r.occurred_at, r.received_at,
            Json(r.properties), r.category, r.klass, r.link_id,
        )
        for r in rows
    ]  # fmt: skip
    with connection.cursor() as cursor:
        written = execute_values(
            cursor.cursor,
            f"INSERT INTO leads_visitorevent ({COLUMNS}) VALUES %s "  # noqa: S608  # own names
            "ON CONFLICT (visitor_id, event_id) DO NOTHING RETURNING visitor_id, event_id::text",
            values,
            page_size=len(values),
            fetch=True,
        )
    new = {(visitor_id, uuid.UUID(event_id)) for visitor_id, event_id in written}
    return [row for row in rows if (row.visitor_id, row.event_id) in new]


def leads_of(link_ids: Iterable[int | None]) -> dict[int, int]:
    """The lead each link leads to now; none for deleted ones."""
    wanted = {link_id for link_id in link_ids if link_id is not None}
    if not wanted:
        return {}
    links = IdentityLink.objects.filter(pk__in=wanted, cut_at=None).select_related(
        "lead__merged_into"
    )
    found = {link.pk: survivor(link.lead) for link in links}
    return {pk: lead.pk for pk, lead in found.items() if lead.deleted_at is None}


def _add_leaves(round_: Sequence[Read], visitors: dict[uuid.UUID, Visitor]) -> None:
    """How long pages were looked at: known only once they were left."""
    rows = [
        (visitors[read.token].pk, str(of), json.dumps(leave))
        for read in round_
        for of, leave in read.packet.leaves.items()
        if leave
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        told = execute_values(
            cursor.cursor,
            "UPDATE leads_visitorevent e SET properties = e.properties || v.leave "
            "FROM (VALUES %s) v (visitor_id, event_id, leave) "
            "WHERE e.visitor_id = v.visitor_id AND e.event_id = v.event_id "
            "RETURNING e.visitor_id, e.event_id::text, e.properties::text, e.link_id",
            sorted(rows),
            template="(%s::bigint, %s::uuid, %s::jsonb)",
            page_size=len(rows),
            fetch=True,
        )
        _tell_timelines(cursor, [row for row in told if row[3] is not None])


def _tell_timelines(cursor: Any, told: Sequence[tuple[int, str, str, int]]) -> None:
    keys = [
        (f"v:{visitor}:{uuid.UUID(event).hex}", properties)
        for visitor, event, properties, _ in told
    ]
    if keys:
        execute_values(
            cursor.cursor,
            "UPDATE leads_activity a SET properties = v.properties "
            "FROM (VALUES %s) v (key, properties) WHERE a.dedupe_key = v.key",
            sorted(keys),
            template="(%s, %s::jsonb)",
            page_size=len(keys),
        )


# ---- what it means ----


def _touch(
    begun: Sequence[Visit], visitors: dict[uuid.UUID, Visitor], leads: dict[int, int]
) -> None:
    """Visits of people who are known already."""
    by_lead: dict[int, list[Visit]] = defaultdict(list)
    people = {v.pk: v.klass for v in visitors.values()}
    for visit in begun:
        if visit.link_id in leads and people[visit.visitor_id] != Activity.Class.MACHINE:
            by_lead[leads[visit.link_id]].append(visit)
    for lead_id, visits in sorted(by_lead.items()):
        stitching.write_touches(lead_id, sorted(visits, key=lambda v: v.started_at))
    mark_dirty(by_lead)


def _identify(
    round_: Sequence[Read], visits: dict[Key, Visit], visitors: dict[uuid.UUID, Visitor]
) -> None:
    for read in round_:
        if visitors[read.token].klass == Activity.Class.MACHINE:
            continue
        if read.packet.click:
            start = read.packet.visit
            visit = visits.get((visitors[read.token].pk, start.token)) if start else None
            _follow_click(read, visit)
        if read.packet.email:
            _believe(read)


def _follow_click(read: Read, visit: Visit | None) -> None:
    """Probable: mails are forwarded. What came before the click stays nobody's."""
    if read.batch.visitor is not None:
        return
    at = read.batch.received_at
    public_id = read_click(read.packet.click, at=at)
    lead = Lead.objects.filter(public_id=public_id).first() if public_id else None
    if lead is not None:
        stitching.link_visitor(
            read.token,
            lead,
            method=Method.CLICK,
            confidence=Confidence.MEDIUM,
            at=at,
            since=visit.started_at if visit else None,
        )


def _believe(read: Read) -> None:
    """What the site's server has signed. Anybody may write into a page, so the rest is a hint."""
    email = normalise.email(read.packet.email)
    lead_id = lead_of_email(email.canonical) if email else None
    if lead_id is None or read.batch.visitor is not None:
        return
    lead, at = Lead.objects.get(pk=lead_id), read.batch.received_at
    site = TrackedSite.objects.filter(pk=read.batch.site_id or 0).first()
    if site is not None and is_signed(site, read.packet.email, read.packet.signature):
        stitching.link_visitor(
            read.token,
            lead,
            method=Method.IDENTIFY,
            confidence=Confidence.HIGH,
            at=at,
            named=email.canonical if email else "",
        )
    else:
        stitching.add_hint(read.token, lead, at=at, site_id=read.batch.site_id)


def _note_sites(round_: Sequence[Read]) -> None:
    newest: dict[int, datetime] = {}
    for read in round_:
        site, at = read.batch.site_id, read.batch.received_at
        if site is not None and read.packet.events:
            newest[site] = max(at, newest.get(site, datetime.min.replace(tzinfo=UTC)))
    for site, at in sorted(newest.items()):
        stale = Q(last_event_at=None) | Q(last_event_at__lt=at - SEEN)
        TrackedSite.objects.filter(stale, pk=site).update(last_event_at=at)
