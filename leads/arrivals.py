"""What the doors share: reading a request without judging it, storing it, processing it at once."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from leadcrm.lib import pump
from leadcrm.lib.errors import DomainError, TooManyRequests
from leadcrm.lib.middleware import client_address
from leads import capture
from leads.capture import lifeboat
from leads.capture.pacing import INLINE_BYTES, PACE
from leads.capture.storing import item_of
from leads.models import InboxItem

logger = structlog.get_logger(__name__)

AWAY = lifeboat.AWAY
AWAY_SECONDS = 2.0  # nobody asks a database again that was away a moment ago
KEPT_HEADERS = ("User-Agent", "Origin", "Referer", "Accept-Language", "Content-Encoding")


class TooLarge(DomainError):
    code = "too_large"
    status = 413
    title = "The body is too large"

    def __init__(self) -> None:
        limit = settings.MAX_CAPTURE_BYTES // 1_000_000
        super().__init__(f"A capture may have up to {limit} MB. Leave out files, or send links.")


class Encoded(DomainError):
    code = "content_encoding"
    status = 415
    title = "Compressed bodies are not taken"

    def __init__(self) -> None:
        super().__init__("Send the body without Content-Encoding.")


class LengthMissing(DomainError):
    code = "length_required"
    status = 411
    title = "The length of the body is missing"

    def __init__(self) -> None:
        super().__init__("Send the body with Content-Length, not in chunks.")


class CutOff(DomainError):
    code = "cut_off"
    title = "The body ended early"

    def __init__(self) -> None:
        super().__init__("The connection ended before the whole body arrived. Send it again.")


class Unavailable(TooManyRequests):
    """The database is away and the lifeboat full: an honest no, so that the sender tries again."""

    code = "unavailable"
    status = 503
    title = "Captures cannot be stored at the moment"

    def __init__(self) -> None:
        super().__init__("Nothing was stored. Send it again in 30 seconds.", retry_after=30)


def read_body(request: HttpRequest) -> bytes:
    """The same bytes however often it is asked.

    :raises TooLarge, Encoded, LengthMissing, CutOff:
    """
    if not hasattr(request, "captured_body"):
        request.captured_body = _read(request)  # type: ignore[attr-defined]
    body: bytes = request.captured_body  # type: ignore[attr-defined]
    return body


def _read(request: HttpRequest) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise Encoded
    declared = request.headers.get("Content-Length", "")
    if not declared and "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _read_chunks(request)
    if declared.isdigit() and int(declared) > settings.MAX_CAPTURE_BYTES:
        raise TooLarge
    try:
        body = request.read(settings.MAX_CAPTURE_BYTES + 1)
    except (UnreadablePostError, OSError):
        raise CutOff from None
    if len(body) > settings.MAX_CAPTURE_BYTES:
        raise TooLarge
    if declared.isdigit() and len(body) < int(declared):
        raise CutOff
    return body


def _read_chunks(request: HttpRequest) -> bytes:
    """Django reads no body without a length; a server that marks the end lets us."""
    if not request.META.get("wsgi.input_terminated"):
        raise LengthMissing
    chunks, size = [], 0
    while chunk := request.META["wsgi.input"].read(65_536):
        chunks.append(chunk)
        size += len(chunk)
        if size > settings.MAX_CAPTURE_BYTES:
            raise TooLarge
    return b"".join(chunks)


def kept_headers(request: HttpRequest) -> dict[str, str]:
    found = ((name, request.headers.get(name, "")) for name in KEPT_HEADERS)
    return {name: clean_header(value) for name, value in found if value}


def clean_header(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", "")[:500]


def truncated_address(request: HttpRequest) -> str:
    """The network, not the person: /24 or /48."""
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False).network_address)


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored capture and, when there was time, how it was settled.

    `is_afloat`: it is in the lifeboat; nothing that needs the database can be said about it.
    """

    item: InboxItem
    is_new: bool
    outcome: capture.Outcome | None = None
    is_afloat: bool = False


def take(
    arrival: capture.Arrival,
    *,
    at: datetime,
    check: Callable[[InboxItem], capture.Submission] | None = None,
) -> Taken:
    """Store a capture, then process it at once if this process has time, else wake a worker.

    :param check: reads the stored item for the sender's sake.
    :raises capture.KeyReused: the idempotency key came with another body.
    :raises capture.Unreadable: from `check`; the item waits for a person.
    :raises Unavailable: the database is away, and the lifeboat takes no more.
    """
    try:
        return _take_ashore(arrival, at=at, check=check)
    except AWAY:
        SHORE.lost()
        return set_afloat(arrival, at=at)


def _take_ashore(
    arrival: capture.Arrival,
    *,
    at: datetime,
    check: Callable[[InboxItem], capture.Submission] | None,
) -> Taken:
    is_quiet = PACE.enter()
    hold = is_quiet and len(arrival.body) <= INLINE_BYTES
    try:
        stored = capture.store(arrival, at=at, hold=hold)
        if not stored.is_new:
            return Taken(stored.item, is_new=False)
        submission = check(stored.item) if check else None
        outcome = _process_now(stored.item, submission)
    finally:
        PACE.leave()
    if not hold:
        nudge()
    return Taken(stored.item, is_new=True, outcome=outcome)


def _process_now(item: InboxItem, submission: capture.Submission | None) -> capture.Outcome | None:
    """What is stored is promised: nothing that goes wrong from here reaches the sender."""
    if item.lease_token is None:
        return None
    try:
        return capture.process(item, token=item.lease_token, submission=submission)
    except Exception:
        logger.exception("inline_processing_failed", item=item.pk)
        return None


def nudge() -> None:
    if PACE.may_nudge():
        pump.wake(capture.QUEUE)


# ---- the database is away ----


class Shore:
    """Whether the database was out of reach a moment ago: then the lifeboat is taken at once."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def lost(self) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS

    def check(self) -> None:
        """:raises OperationalError: without waiting for the database to say so itself."""
        if time.monotonic() < self._away_until:
            raise OperationalError("The database was away a moment ago.")


SHORE = Shore()


def set_afloat(
    arrival: capture.Arrival, *, at: datetime, claim: lifeboat.Claim | None = None
) -> Taken:
    """Save a capture in the lifeboat.

    :raises Unavailable: it is full.
    """
    try:
        lifeboat.save(arrival, at=at, claim=claim)
    except lifeboat.Full:
        raise Unavailable from None
    return Taken(item_of(arrival, at=at, hold=False), is_new=True, is_afloat=True)


def afloat(
    request: HttpRequest,
    *,
    kind: str,
    name: str,
    at: datetime,
    idempotency_key: str | None = None,
) -> Taken:
    """Take a capture at a door that cannot look up whose it is: `name` says it later.

    :raises TooLarge, Encoded, LengthMissing, CutOff: as `read_body` does.
    :raises Unavailable: the lifeboat is full.
    """
    SHORE.lost()
    arrival = capture.Arrival(
        door=kind,
        body=read_body(request),
        content_type=request.headers.get("Content-Type", ""),
        path=request.path,
        headers=kept_headers(request),
        remote_address=truncated_address(request),
        idempotency_key=idempotency_key,
        screened=False,
    )
    return set_afloat(arrival, at=at, claim=lifeboat.Claim(kind, name))
