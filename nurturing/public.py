"""Pages for whoever got a mail: unsubscribing, preferences, clicks and opens. Nobody signs in.

A GET never changes anything: scanners follow every link in a mail. A POST to the unsubscribe
address always unsubscribes (RFC 8058): no cookie, no token of a form, no redirect.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads import profiling
from leads.arrivals import truncated_address
from leads.models import Suppression
from leads.tracking.clicks import is_tracked, with_click
from nurturing import actions, tracking
from nurturing.models import Link, Send, Topic
from nurturing.tracking import Recipient

logger = structlog.get_logger(__name__)

# The smallest transparent GIF.
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PRIVATE_HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD show one button; any POST with a genuine token unsubscribes."""
    who = _recipient(token)
    if request.method == "POST":
        actions.unsubscribe(who, at=timezone.now(), remote_address=truncated_address(request))
    done = not _receives_mail(who)
    context = {"token": token, "done": done}
    return _private(render(request, "nurturing/public/unsubscribe.html", context))


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Which topics to get; none at all unsubscribes."""
    who = _recipient(token)
    saved = request.method == "POST"
    if saved:
        _save_choice(request, who)
    context = {"token": token, "topics": _topics(who), "saved": saved, "on": _receives_mail(who)}
    return _private(render(request, "nurturing/public/preferences.html", context))


def _save_choice(request: HttpRequest, who: Recipient) -> None:
    if "everything" in request.POST:
        actions.resubscribe(who, at=timezone.now())
        return
    known = set(Topic.objects.values_list("key", flat=True))
    actions.choose_topics(who, known & set(request.POST.getlist("topics")), at=timezone.now())


@login_not_required
@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """On to where the mail pointed; what cannot be written down must not hold anybody up."""
    found = tracking.read_click(token)
    if found is None:
        raise Http404("This link was not made by us.")
    public_id, link_id = found
    link = Link.objects.filter(pk=link_id).first()
    if link is None:
        raise Http404("This link leads nowhere any more.")
    visit, now = _visit(request), timezone.now()
    _attempt(lambda: actions.record_click(public_id, link, visit, at=now))
    return _private(HttpResponseRedirect(_landing(public_id, link, visit, at=now)))


def _landing(public_id: str, link: Link, visit: actions.Visit, *, at: datetime) -> str:
    """Where the mail points; a website of ours is told for a while who comes from it."""
    address = link.url
    try:
        if profiling.is_form(address):
            sent = Send.objects.filter(public_id=public_id).select_related("lead").first()
            return profiling.with_known(address, sent.lead, at=at) if sent else address
        if visit.method == "GET" and not visit.prefetch and is_tracked(address):
            lead_id = Send.objects.filter(public_id=public_id).values_list("lead_id", flat=True)
            address = with_click(address, lead_id.first(), at=at)
    except Exception:
        logger.exception("mail_click_not_marked")
    return address


@login_not_required
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    public_id = tracking.read_open(token)
    if public_id is None:
        raise Http404("This picture was not made by us.")
    visit, now = _visit(request), timezone.now()
    _attempt(lambda: actions.record_open(public_id, visit, at=now))
    return _private(HttpResponse(PIXEL, content_type="image/gif"))


def _recipient(token: str) -> Recipient:
    who = tracking.read_unsubscribe(token)
    if who is None:
        raise Http404("This link was not made by us, or was cut off on the way.")
    return who


def _attempt(record: Callable[[], None]) -> None:
    try:
        record()
    except Exception:
        logger.exception("mail_event_not_recorded")


def _visit(request: HttpRequest) -> actions.Visit:
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    agent = request.headers.get("User-Agent", "").replace("\x00", "")
    return actions.Visit(
        method=request.method or "GET",
        user_agent=agent,
        ip=truncated_address(request),
        prefetch="prefetch" in purpose.lower(),
    )


def _private(response: HttpResponse) -> HttpResponse:
    for name, value in PRIVATE_HEADERS.items():
        response[name] = value
    return response


def _receives_mail(who: Recipient) -> bool:
    return not Suppression.objects.filter(
        email_hash=who.email_hash, scope="global", released_at=None
    ).exists()


def _topics(who: Recipient) -> list[tuple[Topic, bool]]:
    """Each topic, and whether its mail is wanted."""
    refused = set(
        Suppression.objects.filter(email_hash=who.email_hash, released_at=None).values_list(
            "scope", flat=True
        )
    )
    return [
        (topic, "global" not in refused and topic.key not in refused)
        for topic in Topic.objects.all()
    ]
