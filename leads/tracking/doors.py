"""The two addresses that websites use: the script, and where it sends what it saw."""

import gzip
import hashlib
import json
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leadcrm.accounts.authentication import find_key
from leadcrm.accounts.models import ApiKey
from leadcrm.lib import pump, ratelimit
from leadcrm.lib.errors import DomainError, Forbidden, Invalid, TooManyRequests
from leadcrm.lib.middleware import client_address
from leadcrm.lib.recent import Recent
from leads import arrivals
from leads.api import cors
from leads.api.capture import problem_response
from leads.capture.storing import BadKey
from leads.models import TrackedSite
from leads.tracking import refusals, storing
from leads.tracking.machines import AGENT_LENGTH
from leads.tracking.pacing import PACE
from leads.tracking.reading import open_body
from leads.tracking.visits import as_uuid

SCOPE = "tracking:write"
MOST_BYTES = 64_000  # as much as a browser's beacon carries
PER_ADDRESS = 300  # batches a minute; an office shares its address
SCRIPT_SECONDS = 600


class TooLong(DomainError):
    code = "too_large"
    status = 413
    title = "The batch is too large"

    def __init__(self) -> None:
        super().__init__(f"A batch may have up to {MOST_BYTES // 1000} kB. Send several.")


@dataclass(frozen=True, slots=True)
class Site:
    """What the door needs to know of a key."""

    pk: int | None
    key: str
    origins: tuple[str, ...]
    storage: str = TrackedSite.Storage.LOCAL
    waits_for_consent: bool = False
    honours_gpc: bool = True
    honours_dnt: bool = False
    follows_links: bool = True


SITES: Recent[Site] = Recent(10)


def site_of(key: str) -> Site | None:
    """The site of a publishable key, as of some seconds ago; None for unknown and revoked ones."""
    known = SITES.get(key)
    if known is None and (known := _find_site(key)):
        SITES.put(key, known)
    return known


def _find_site(key: str) -> Site | None:
    if not key or len(key) > 100:
        return None
    live = TrackedSite.objects.filter(key=key, api_key__revoked_at=None)
    if site := live.select_related("api_key").first():
        return Site(
            site.pk,
            key,
            tuple(site.api_key.origins),
            site.storage,
            site.waits_for_consent,
            site.honours_gpc,
            site.honours_dnt,
            site.follows_links,
        )
    other = find_key(key)
    if other is None or other.kind != ApiKey.Kind.PUBLISHABLE or SCOPE not in other.scopes:
        return None
    return Site(None, key, tuple(other.origins))


# ---- what browsers send ----


@csrf_exempt
@login_not_required
@require_http_methods(["POST", "OPTIONS"])
def collect(request: HttpRequest) -> HttpResponse:
    """Store a batch and answer at once. No cookie is read or set."""
    if request.method == "OPTIONS":
        return cors.preflight(request, methods="POST, OPTIONS")
    origin = cors.origin_of(request)
    try:
        take(request, origin)
        response = HttpResponse(status=202)
    except DomainError as error:
        response = problem_response(error)
    except arrivals.AWAY:
        response = problem_response(arrivals.Unavailable())
    response["Cache-Control"] = "no-store"
    return cors.allow(response, origin) if origin else response


def take(request: HttpRequest, origin: str) -> None:
    """:raises TooLong, Invalid, BadKey, Forbidden, TooManyRequests:"""
    body = read_body(request)
    document = open_body(body)
    site = site_of(document["key"])
    if site is None:
        raise BadKey
    if origin not in site.origins:
        refusals.note(site.pk, origin)
        raise Forbidden("This key may not be used from this site. Add the site’s address to it.")
    if not may_track(request, site):
        return
    screen(request, site)
    arrival = arrival_of(request, site, document, body)
    if arrival is not None:
        storing.store(arrival, at=timezone.now())
        if PACE.may_nudge():
            pump.wake(storing.QUEUE)


def read_body(request: HttpRequest) -> bytes:
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and len(declared) < 12 and int(declared) > MOST_BYTES:
        raise TooLong
    body = arrivals.read_body(request)
    if len(body) > MOST_BYTES:
        raise TooLong
    return body


def may_track(request: HttpRequest, site: Site) -> bool:
    """The browser's signal counts here too, should a page send without our script."""
    gpc = site.honours_gpc and request.headers.get("Sec-GPC") == "1"
    dnt = site.honours_dnt and request.headers.get("DNT") == "1"
    return not gpc and not dnt and not storing.rules().leaves_out(client_address(request))


def screen(request: HttpRequest, site: Site) -> None:
    """Open when nothing can be counted. What is refused the script sends again later."""
    if not COUNTED.allows(f"track:{site.pk}:{client_address(request)}", limit=PER_ADDRESS):
        seconds = 60 - int(time.time()) % 60
        raise TooManyRequests("Slow down; nothing was stored.", retry_after=seconds)


class Counted:
    """Batches by address, told to Valkey some at a time: for most browsers it is never asked.

    Each process lets a tenth of the limit through that nobody has counted.
    """

    def __init__(self) -> None:
        self._minute, self._counts = 0, dict[str, int]()

    def allows(self, key: str, *, limit: int) -> bool:
        minute = int(time.time()) // 60
        if minute != self._minute or len(self._counts) > MOST_ADDRESSES:
            self._minute, self._counts = minute, {}
        count = self._counts.get(key, 0) + 1
        weight = max(1, limit // 10)
        if count > 0 and count % weight == 0:
            verdict = ratelimit.hit(key, limit=limit, seconds=60, weight=weight)
            count = count if verdict.allowed else REFUSED
        self._counts[key] = max(count, REFUSED)
        return count > 0


MOST_ADDRESSES = 20_000
REFUSED = -1_000_000  # for the rest of the minute
COUNTED = Counted()


def arrival_of(
    request: HttpRequest, site: Site, document: dict[str, Any], body: bytes
) -> storing.Arrival | None:
    """:raises Invalid: nobody can tell whose events these are."""
    at, address = timezone.now(), client_address(request)
    agent = arrivals.clean_header(request.headers.get("User-Agent", ""))[:AGENT_LENGTH]
    visitor = None
    if site.storage == TrackedSite.Storage.NONE:
        visitor = storing.visitor_of_day(site.pk, address, agent, at)
    elif as_uuid(document.get("visitor")) is None:
        raise Invalid.field("visitor", "Name the visitor by a UUID of its own.", "required")
    return storing.Arrival(
        site_id=site.pk,
        body=body,
        remote_address=storing.shown_address(address, truncates=storing.rules().truncates),
        user_agent=agent,
        signs=[] if request.headers.get("Accept-Language") else ["no_language"],
        visitor=visitor,
    )


# ---- the script ----


@dataclass(frozen=True, slots=True)
class Script:
    plain: bytes
    packed: bytes
    mark: str


@login_not_required
@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The tracking script with the options of the site that `?k=` names."""
    site = site_of(request.GET.get("k", "").replace("\x00", ""))
    if site is None and "k" in request.GET:
        words = "// LeadCRM: this key is unknown or was revoked. See Settings, Tracking.\n"
        response = HttpResponse(words, status=404, content_type=JAVASCRIPT)
    else:
        response = _answer(request, built(options_of(site), source()))
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response


JAVASCRIPT = "text/javascript; charset=utf-8"


def _answer(request: HttpRequest, found: Script) -> HttpResponse:
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    mark = f'"{found.mark}{"-gzip" if packs else ""}"'
    if mark in request.headers.get("If-None-Match", ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(found.packed if packs else found.plain, content_type=JAVASCRIPT)
        if packs:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = mark
    response["Cache-Control"] = f"public, max-age={SCRIPT_SECONDS}, stale-while-revalidate=86400"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def options_of(site: Site | None) -> str:
    options: dict[str, Any] = {"server": settings.SITE_URL}
    if site is not None:
        options |= {
            "key": site.key,
            "storage": site.storage,
            "consent": site.waits_for_consent,
            "gpc": site.honours_gpc,
            "dnt": site.honours_dnt,
            "links": site.follows_links,
        }
    else:
        options |= {"storage": TrackedSite.Storage.LOCAL.value, "gpc": True, "links": True}
    return json.dumps(options)


def source() -> str:
    """Without comments and indentation."""
    text = (Path(settings.BASE_DIR) / "static" / "js" / "t.js").read_text(encoding="utf-8")
    return _shortened(text)


@lru_cache(maxsize=2)
def _shortened(text: str) -> str:
    without_comments = re.sub(r"^\s*//.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^\s+", "", without_comments, flags=re.MULTILINE)


@lru_cache(maxsize=100)
def built(options: str, text: str) -> Script:
    plain = text.replace('"CONFIG"', options).encode()
    # Without the moment, so that every process makes the same bytes.
    return Script(plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:20])
