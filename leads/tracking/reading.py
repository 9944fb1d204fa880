"""What browsers send, read without trusting any of it. What cannot be understood is left out.

    {"key", "sent", "visitor", "visit": {"id", "at", "page", "referrer"}, "signs": ["webdriver"],
     "events": [{"id", "type", "at", "url", "title", "properties", "category"}],
     "leaves": [{"of", "seconds", "scroll"}], "identify": {"email", "signature"},
     "click": "token", "consent": true}

Moments are milliseconds of the browser's clock; `sent` is that clock when the batch left, so that
a clock that runs wrong does no harm.
"""

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from rest_framework.exceptions import ParseError

from leadcrm.lib import normalise
from leadcrm.lib.errors import Invalid
from leadcrm.lib.parsers import parse_json
from leads.activity_types import ACTIVITY_TYPES, CUSTOM_TYPE, Group, type_of
from leads.capture.origin import origin_of
from leads.tracking.visits import as_uuid

MOST_EVENTS = 100
OLDEST = timedelta(days=7)  # what a browser could not send is sent with its next page
PROPERTIES_BYTES = 4000
PURCHASES = frozenset({"purchase", "repeat_purchase", "offline_purchase"})
ORDERS = uuid.UUID("6f2d1f2e-90f5-4c4b-9e0a-2f4c5f6f7a10")
SIGNS = frozenset({"webdriver", "no_screen"})


@dataclass(frozen=True, slots=True)
class Event:
    id: uuid.UUID
    type: str
    at: datetime
    properties: dict[str, Any]
    category: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """The visit that these events belong to, and where it came from."""

    token: uuid.UUID
    at: datetime
    origin: dict[str, str]


@dataclass(slots=True)
class Packet:
    """One batch of one browser. What identifies it happened after its events."""

    visitor: uuid.UUID | None
    visit: Start | None = None
    events: list[Event] = field(default_factory=list)
    leaves: dict[uuid.UUID, dict[str, int]] = field(default_factory=dict)
    signs: list[str] = field(default_factory=list)
    consent: bool | None = None
    email: str = ""
    signature: str = ""
    click: str = ""

    @property
    def identifies(self) -> bool:
        return bool(self.email or self.click)


def open_body(body: bytes) -> dict[str, Any]:
    """The document in a batch, checked as far as its sender can be told.

    :raises Invalid: it is no batch; the message says why.
    """
    try:
        document = parse_json(body)
    except ParseError as error:
        raise Invalid(str(error.detail)) from None
    if not isinstance(document, dict):
        raise Invalid("Send one JSON object with “key” and “events”.")
    if not isinstance(document.get("key"), str):
        raise Invalid.field("key", "Name the site’s key in “key”.", "required")
    events = document.get("events", [])
    if not isinstance(events, list):
        raise Invalid.field("events", "“events” must be a list.", "type")
    if len(events) > MOST_EVENTS:
        raise Invalid.field("events", f"Send at most {MOST_EVENTS} events at once.", "max_length")
    return document


def read_packet(
    document: Mapping[str, Any], *, received_at: datetime, excluded_paths: Sequence[str] = ()
) -> Packet:
    clock = Clock(document.get("sent"), received_at)
    packet = Packet(visitor=as_uuid(document.get("visitor")))
    packet.visit = _visit(document.get("visit"), clock)
    packet.events = [
        event
        for event in _events(document.get("events"), clock)
        if not _is_excluded(event, excluded_paths)
    ]
    packet.leaves = dict(_leaves(document.get("leaves")))
    packet.signs = sorted(SIGNS & {s for s in _list(document.get("signs")) if isinstance(s, str)})
    consent = document.get("consent")
    packet.consent = consent if isinstance(consent, bool) else None
    identify = _dict(document.get("identify"))
    packet.email = _text(identify.get("email"), 254)
    packet.signature = _text(identify.get("signature"), 128)
    packet.click = _text(document.get("click"), 200)
    return packet


class Clock:
    """The browser's clock, set right by the moment at which the batch arrived."""

    def __init__(self, sent: Any, received_at: datetime) -> None:
        self.sent = _number(sent)
        self.received_at = received_at

    def read(self, value: Any) -> datetime:
        moment = _number(value)
        if moment is None or self.sent is None:
            return self.received_at
        age = max(0.0, min(self.sent - moment, OLDEST.total_seconds() * 1000))
        return self.received_at - timedelta(milliseconds=age)


def _visit(raw: Any, clock: Clock) -> Start | None:
    given = _dict(raw)
    token = as_uuid(given.get("id"))
    if token is None:
        return None
    return Start(token, clock.read(given.get("at")), origin_in(given))


def origin_in(visit: Mapping[str, Any]) -> dict[str, str]:
    """Tags, click ids, referrer and first page; of addresses only what names no person."""
    page, referrer = _text(visit.get("page"), 2000), _text(visit.get("referrer"), 1000)
    found = origin_of({"page_url": page, "referrer": referrer}, {}, None)
    internal = normalise.host(referrer) == normalise.host(page)
    values = {
        **found.utm,
        **found.click_ids,
        "landing_page": found.landing_page,
        "referrer": "" if internal else found.referrer,
    }
    return {name: value for name, value in values.items() if value}


def _events(raw: Any, clock: Clock) -> Iterator[Event]:
    for given in _list(raw)[:MOST_EVENTS]:
        event = _event(_dict(given), clock)
        if event is not None:
            yield event


def _event(given: Mapping[str, Any], clock: Clock) -> Event | None:
    id_, type_ = as_uuid(given.get("id")), given.get("type")
    if id_ is None or not isinstance(type_, str) or not may_be_sent(type_):
        return None
    said = _dict(given.get("properties"))
    properties = clean_properties(type_, said)
    if url := bare_url(_text(given.get("url"), 2000)):
        properties["url"] = url
    if title := _text(given.get("title"), 200):
        properties.setdefault("title", title)
    if type_ in PURCHASES and (order := properties.get("order")):
        id_ = uuid.uuid5(ORDERS, f"{type_}:{order}")  # a thank-you page is loaded again
    category = _text(given.get("category"), 40)
    return Event(id_, type_, clock.read(given.get("at")), properties, category)


def may_be_sent(type_: str) -> bool:
    """Websites tell of what happens on them; calls, mails and stages are ours to write."""
    if not CUSTOM_TYPE.match(type_):
        return False
    return type_ not in ACTIVITY_TYPES or type_of(type_).group == Group.WEB


def clean_properties(type_: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is small enough to keep; a purchase's amount as a number."""
    kept: dict[str, Any] = {}
    left = PROPERTIES_BYTES
    for name, value in list(said.items())[:50]:
        short = value[:1000] if isinstance(value, str) else value
        left -= len(name) + len(str(short))
        if left >= 0:
            kept[name[:60]] = short
    return with_money(kept) if type_ in PURCHASES else kept


def with_money(properties: dict[str, Any]) -> dict[str, Any]:
    """A purchase's amount as a number and its currency as three capitals, where they are such."""
    amount, currency = amount_of(properties.get("amount")), currency_of(properties.get("currency"))
    fixed: dict[str, Any] = {}
    if amount is not None:
        fixed["amount"] = amount
    if currency:
        fixed["currency"] = currency
    return {**properties, **fixed}


def amount_of(raw: Any) -> float | int | None:
    """A sum of money, None when it is none: `"1,200.50"` is one, `-3` and `true` are not."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        return None
    try:
        amount = Decimal(str(raw).strip().replace(",", ""))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**12:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(round(amount, 2))


def currency_of(raw: Any) -> str:
    text = raw.strip().upper() if isinstance(raw, str) else ""
    return text if len(text) == 3 and text.isascii() and text.isalpha() else ""


def bare_url(url: str) -> str:
    """Without the query, in which people's addresses stand; a router's `#/page` is a page."""
    head, _, fragment = url.partition("#")
    page = head.partition("?")[0]
    route = f"#{fragment.partition('?')[0]}" if fragment.startswith(("/", "!/")) else ""
    return (page + route)[:500]


def _is_excluded(event: Event, patterns: Sequence[str]) -> bool:
    url = str(event.properties.get("url", ""))
    if not patterns or not url:
        return False
    try:
        path = urlsplit(url).path or "/"
    except ValueError:
        return False
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _leaves(raw: Any) -> Iterator[tuple[uuid.UUID, dict[str, int]]]:
    """How long a page was looked at, and how far down."""
    for given in _list(raw)[:MOST_EVENTS]:
        leave = _dict(given)
        of = as_uuid(leave.get("of"))
        seconds, scroll = _number(leave.get("seconds")), _number(leave.get("scroll"))
        if of is not None:
            known = {
                "seconds": None if seconds is None else max(0, min(int(seconds), 86_400)),
                "scroll": None if scroll is None else max(0, min(int(scroll), 100)),
            }
            yield of, {name: value for name, value in known.items() if value is not None}


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return None
    try:
        number = float(raw)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(raw: Any, limit: int) -> str:
    return normalise.clean_text(raw, limit=limit) if isinstance(raw, str) else ""


def _dict(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []
