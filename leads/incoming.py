"""`/in/<key>/`: where the programs of others send leads. Stored first, whoever it claims to be.

An address nobody was given answers 404. What does not prove its sender is answered 401 and waits
in quarantine: a secret pasted wrongly loses nothing. 403, 404, 406 and 410 would make some
providers stop for good, so a known address never answers them to a lead.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt

from leadcrm.lib import problems, ratelimit
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.middleware import client_network
from leadcrm.lib.recent import Recent
from leads import arrivals, capture
from leads.actions.sources import fingerprint, tell_of_trouble
from leads.api import cors
from leads.capture import parsing, spam
from leads.capture.mapping import text_of
from leads.models import Connection, ConnectionSecret
from leads.models.sources import LIVE
from leads.providers import (
    BAD_SIGNATURE,
    REPEATED,
    Delivery,
    Provider,
    Received,
    Reply,
    door_of,
    provider_of,
)

REDIRECTS = ("retURL", "redirect", "_redirect", "_next", "redirect_to")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LIMITS = ((20, 60), (200, 3600))  # from one browser's address
BAD_A_DAY = 1000  # so many unproven bodies of one source are kept
SAME_BODY_SECONDS = 600
DAY = 86_400
UNPROVEN = "What arrives does not prove where it comes from. Compare the secrets on both sides."
HELLO = "This address works. It takes leads by POST.\n"
KNOWN_SECONDS = 3600.0


class Unproven(DomainError):
    code = "unproven"
    status = 401
    title = "This did not prove where it comes from"


@dataclass(frozen=True, slots=True)
class Known:
    """Whose address it is, and with what its posts prove themselves."""

    connection: Connection
    secrets: list[str]

    @property
    def provider(self) -> Provider:
        return provider_of(self.connection)


KNOWN: Recent[Known] = Recent(KNOWN_SECONDS)  # asked only while the database is away


@csrf_exempt
@login_not_required
def incoming(request: HttpRequest, key: str, provider: str = "") -> HttpResponse:
    try:
        known = find(key, provider)
        response = answer(request, known)
    except DomainError as error:
        return problem(error)
    except arrivals.AWAY:
        return problem(arrivals.Unavailable())
    origin = cors.origin_of(request)
    if origin and host_of(origin) in known.connection.allowed_hosts:
        cors.allow(response, origin)
    return response


def find(key: str, provider: str) -> Known:
    """:raises NotFound: nobody has this address."""
    name = fingerprint(key)
    try:
        found = look_up(name)
    except arrivals.AWAY:
        found = KNOWN.get(name)
        if found is None:
            raise
    if found is None or provider not in {"", found.connection.provider}:
        raise NotFound
    return found


def look_up(name: str) -> Known | None:
    addresses = ConnectionSecret.objects.filter(LIVE, use=ConnectionSecret.Use.ADDRESS)
    found = addresses.filter(fingerprint=name).select_related("connection__source").first()
    if found is None:
        return None
    connection = found.connection
    known = Known(connection, connection.plain_secrets(ConnectionSecret.Use.SIGNING))
    KNOWN.put(name, known)
    return known


def answer(request: HttpRequest, known: Known) -> HttpResponse:
    if request.method == "OPTIONS":
        return preflight(request, known)
    if request.method in {"GET", "HEAD"}:
        delivery = delivery_of(request, b"")
        reply = known.provider.challenge(known.connection, delivery, known.secrets)
        return shown(reply or Reply(200, HELLO, "text/plain"))
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, OPTIONS, POST"})
    return receive(request, known)


def preflight(request: HttpRequest, known: Known) -> HttpResponse:
    response = HttpResponse(status=204)
    if host_of(cors.origin_of(request)) in known.connection.allowed_hosts:
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = cors.ALLOWED_HEADERS
        response["Access-Control-Max-Age"] = str(cors.PREFLIGHT_SECONDS)
    return response


def host_of(origin: str) -> str:
    return origin.partition("://")[2].partition(":")[0].lower()


def delivery_of(request: HttpRequest, body: bytes) -> Delivery:
    return Delivery(
        body=body,
        content_type=request.headers.get("Content-Type", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: text_of(value) for name, value in request.GET.items()},
    )


# ---- receiving ----


def receive(request: HttpRequest, known: Known) -> HttpResponse:
    delivery = delivery_of(request, arrivals.read_body(request))
    refusal = refusal_of(known, delivery)
    if refusal:
        keep_unproven(request, known, delivery)
        raise Unproven(f"{refusal} It was kept, and waits for a person.")
    taken = keep(request, known, delivery, at=timezone.now())
    item = taken.item
    received = Received(str(item.receipt_id), str(item.state), taken.is_new)
    reply = known.provider.reply(known.connection, delivery, received)
    return send_back(request, known, delivery, reply)


def refusal_of(known: Known, delivery: Delivery) -> str:
    if known.provider.proof_required and not known.secrets:
        return "No secret is set for this source yet."
    return known.provider.refusal(delivery, known.secrets)


def keep_unproven(request: HttpRequest, known: Known, delivery: Delivery) -> None:
    """Its own idea of an event id counts for nothing: it may be somebody else's."""
    name, now = f"unproven:{known.connection.pk}", timezone.now()
    if not ratelimit.hit(name, limit=BAD_A_DAY, seconds=DAY).allowed:
        return
    key = f"unproven:{digest(delivery.body)}"
    arrival = arrival_of(request, known, delivery, key=key, flags=[BAD_SIGNATURE])
    taken = arrivals.take(arrival, at=now)
    first = ratelimit.hit(f"told:{name}", limit=1, seconds=DAY)
    if first.allowed and first.screened and not taken.is_afloat:
        tell_of_trouble(known.connection, UNPROVEN, at=now)


def keep(request: HttpRequest, known: Known, delivery: Delivery, *, at: datetime) -> arrivals.Taken:
    """Once for each event of the provider; where it names none, once for the same bytes."""
    window = int(at.timestamp()) // SAME_BODY_SECONDS
    event = known.provider.event_id(delivery)
    key = printable(event) if event else f"body:{digest(delivery.body)}:{window}"
    flags = flags_of(request, known)
    try:
        return arrivals.take(arrival_of(request, known, delivery, key=key, flags=flags), at=at)
    except capture.KeyReused:
        again = f"again:{digest(key.encode())}:{digest(delivery.body)}"
        flags = [*flags, REPEATED]
        return arrivals.take(arrival_of(request, known, delivery, key=again, flags=flags), at=at)


def printable(event: str) -> str:
    return (
        event
        if len(event) <= 255 and event.isprintable()
        else digest(event.encode("utf-8", "replace"))
    )


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def arrival_of(
    request: HttpRequest, known: Known, delivery: Delivery, *, key: str, flags: list[str]
) -> capture.Arrival:
    return capture.Arrival(
        door=door_of(known.connection),
        body=delivery.body,
        content_type=delivery.content_type,
        path=f"/in/…{request.path[-8:]}",  # the address is a secret
        headers=arrivals.kept_headers(request),
        remote_address=arrivals.truncated_address(request),
        source_id=known.connection.pk,
        idempotency_key=key,
        flags=flags,
    )


def flags_of(request: HttpRequest, known: Known) -> list[str]:
    """Programs are trusted; what comes from browsers is counted like a public form."""
    if known.secrets and known.provider.proof_label:
        return [spam.TRUSTED]
    if "Origin" not in request.headers and "Mozilla" not in request.headers.get("User-Agent", ""):
        return [spam.TRUSTED]
    address = client_network(request)
    hits = [ratelimit.hit(f"in-{s}:{address}", limit=n, seconds=s) for n, s in LIMITS]
    return [] if all(hit.allowed for hit in hits) else ["rate_address"]


# ---- answering ----


def send_back(request: HttpRequest, known: Known, delivery: Delivery, reply: Reply) -> HttpResponse:
    """People with a browser go where their form says, if that is allowed, or are thanked."""
    media_type = delivery.content_type.partition(";")[0].strip().lower()
    if media_type not in FORMS:
        return shown(reply)
    wanted = reply.location or wanted_page(delivery)
    if wanted and may_go_to(wanted, known.connection):
        return HttpResponseRedirect(wanted)
    by_browser = "text/html" in request.headers.get("Accept", "")
    if by_browser or reply.content_type == "text/html":
        return render(request, "leads/sources/thanks.html")
    return shown(reply)


def wanted_page(delivery: Delivery) -> str:
    try:
        values = parsing.answers_of(delivery.body, delivery.content_type).values
    except capture.Unreadable:
        return ""
    return next((text_of(values[name]) for name in REDIRECTS if values.get(name)), "")


def may_go_to(url: str, connection: Connection) -> bool:
    """Only whole addresses on sites that this source names: no open door for phishing."""
    hosts = set(connection.allowed_hosts)
    whole = url.lower().startswith(("https://", "http://"))
    return whole and bool(hosts) and url_has_allowed_host_and_scheme(url, allowed_hosts=hosts)


def shown(reply: Reply) -> HttpResponse:
    return HttpResponse(
        reply.body, status=reply.status, content_type=f"{reply.content_type}; charset=utf-8"
    )


def problem(error: DomainError) -> HttpResponse:
    """`message` beside the usual problem: Google shows it to whoever sets the webhook up."""
    content = {**problems.from_domain_error(error), "message": error.detail}
    return cast(
        HttpResponse,
        JsonResponse(
            content,
            status=error.status,
            content_type=problems.CONTENT_TYPE,
            headers=problems.headers_of(error),
        ),
    )
