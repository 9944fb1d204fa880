"""The capture API: bytes in, receipt out. What becomes of it is read at the receipt."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.access import person_behind
from leadcrm.accounts.authentication import find_key
from leadcrm.accounts.models import ApiKey, Role
from leadcrm.lib import problems, ratelimit
from leadcrm.lib.errors import DomainError, Forbidden, NotFound, TooManyRequests
from leadcrm.lib.middleware import client_network
from leadcrm.lib.recent import Recent
from leadcrm.lib.sealing import seal
from leadcrm.lib.tokens import keyed_hash
from leads import arrivals, capture
from leads.api import cors
from leads.capture import spam
from leads.models import InboxItem
from leads.serializers.capture import (
    CaptureSerializer,
    CaptureStateSerializer,
    ReceiptSerializer,
)

SCOPE = "capture:write"
MANY = 10  # a server may send this many times what other API calls may
PER_ADDRESS = 20  # a minute, from browsers
KNOWN_KEYS: Recent[ApiKey] = Recent(10)
KNOWN_PLACES: Recent[bool] = Recent(30)


class Malformed(DomainError):
    """Told to the sender, kept for a person."""

    code = "invalid"
    title = "The capture cannot be read"

    def __init__(self, problem: capture.Unreadable, item: InboxItem) -> None:
        super().__init__(problem.detail, errors=problem.errors)
        self.item = item


class OverLimit(TooManyRequests):
    def __init__(self, item: InboxItem, retry_after: int) -> None:
        super().__init__(
            f"Slow down. This capture was stored as {item.receipt_id}; do not send it again.",
            retry_after=retry_after,
        )
        self.item = item


class CaptureView(APIView):
    """Keys take a short way past the framework, for speed; signed-in people the usual one."""

    scope = SCOPE

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return cors.preflight(request, methods="POST, OPTIONS")
        if request.method == "POST" and "Authorization" in request.headers:
            return by_key(request)
        if getattr(request, "is_adrift", False):
            return by_session_unseen(request)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        operation_id="capture_create",
        summary="Capture a lead",
        description="Stores the body first and answers with a receipt; the lead follows within a "
        "second or two. A body that cannot be read is refused, and kept for review all the same. "
        "Over the rate limit it is stored too.",
        tags=["capture"],
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="1–255 characters. The same key and body give the same receipt.",
            )
        ],
        request=CaptureSerializer,
        responses={
            202: ReceiptSerializer,
            400: OpenApiResponse(description="Problem: what to correct; `receipt_id` is stored"),
            413: OpenApiResponse(description="Problem: the body is too large"),
            415: OpenApiResponse(description="Problem: the body is compressed"),
            422: OpenApiResponse(description="Problem: the key was used for another body"),
            429: OpenApiResponse(description="Problem: over the limit, stored; see Retry-After"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return receive(request._request, door=f"api:user:{request.user.pk}")


def by_key(request: HttpRequest) -> HttpResponse:
    """Check the key, then receive; a website that may call may also read the answer."""
    scheme, _, plain = request.headers["Authorization"].partition(" ")
    try:
        arrivals.SHORE.check()
        key = known_key(plain.strip()) if scheme.lower() == "bearer" else None
    except arrivals.AWAY:
        return unseen(request, plain.strip())
    if key is None:
        return problem_response(capture.BadKey())
    origin = cors.origin_of(request)
    if key.kind == ApiKey.Kind.PUBLISHABLE and origin not in key.origins:
        return problem_response(Forbidden("This publishable key may not be used from this site."))
    if SCOPE in key.scopes:
        response = receive(request, door=f"api:{key.pk}", key=key)
    else:
        response = problem_response(Forbidden(f"This key lacks the scope “{SCOPE}”."))
    return cors.allow(response, origin) if key.kind == ApiKey.Kind.PUBLISHABLE else response


def receive(request: HttpRequest, *, door: str, key: ApiKey | None = None) -> HttpResponse:
    """Store, then tell the sender what it must correct, that it is too fast, or its receipt."""
    try:
        taken = _take(request, door, key)
    except DomainError as error:
        return problem_response(error)
    return receipt(request, taken)


def unseen(request: HttpRequest, plain: str) -> HttpResponse:
    """While the database is away keys are judged later; the capture is kept under the key's hash.

    Any site may read the answer: it holds a receipt and nothing else.
    """
    try:
        taken = arrivals.afloat(
            request,
            kind="key",
            name=keyed_hash("api-key", plain),
            at=timezone.now(),
            idempotency_key=idempotency_key(request),
        )
        response: HttpResponse = receipt(request, taken)
    except DomainError as error:
        response = problem_response(error)
    origin = cors.origin_of(request)
    return cors.allow(response, origin) if origin else response


def by_session_unseen(request: HttpRequest) -> HttpResponse:
    """Who has signed in in this browser is looked up when the database is back."""
    if not has_csrf_token(request):
        return problem_response(Forbidden("The CSRF token is missing or wrong. Reload the page."))
    try:
        taken = arrivals.afloat(
            request,
            kind="session",
            name=seal(request.COOKIES[settings.SESSION_COOKIE_NAME]),
            at=timezone.now(),
            idempotency_key=idempotency_key(request),
        )
    except DomainError as error:
        return problem_response(error)
    return receipt(request, taken)


def has_csrf_token(request: HttpRequest) -> bool:
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request)
    return check.process_view(request, None, (), {}) is None  # type: ignore[arg-type]


def receipt(request: HttpRequest, taken: arrivals.Taken) -> JsonResponse:
    item = taken.item
    return JsonResponse(
        {
            "receipt_id": str(item.receipt_id),
            "status_url": request.build_absolute_uri(f"/api/v1/capture/{item.receipt_id}/"),
            "state": item.state,
        },
        status=202,
        headers={} if taken.is_new else {"Idempotent-Replayed": "true"},
    )


def _take(request: HttpRequest, door: str, key: ApiKey | None) -> arrivals.Taken:
    body = arrivals.read_body(request)
    verdict, flags = _screen(request, key)
    arrival = capture.Arrival(
        door=door,
        body=body,
        content_type=request.headers.get("Content-Type", ""),
        path=request.path,
        headers=arrivals.kept_headers(request),
        remote_address=arrivals.truncated_address(request),
        api_key_id=key.pk if key else None,
        idempotency_key=idempotency_key(request),
        flags=flags,
        screened=verdict.screened,
    )
    taken = arrivals.take(arrival, at=timezone.now(), check=_check)
    if not verdict.allowed:
        raise OverLimit(taken.item, verdict.retry_after)
    return taken


def _screen(request: HttpRequest, key: ApiKey | None) -> tuple[ratelimit.Verdict, list[str]]:
    """Servers and colleagues are trusted; a publishable key is in everybody's hands."""
    limit = settings.API_RATE_PER_MINUTE
    if key is None or key.kind == ApiKey.Kind.SECRET:
        name = f"capture:{key.pk if key else request.user.pk}"
        return _hit_in_blocks(name, limit=limit * MANY), [spam.TRUSTED]
    address = client_network(request)
    verdict = ratelimit.hit(f"capture-from:{address}", limit=PER_ADDRESS, seconds=60)
    if not verdict.allowed:
        return verdict, ["rate_address"]
    verdict = ratelimit.hit(f"capture:{key.pk}", limit=limit, seconds=60)
    return verdict, [] if verdict.allowed else ["rate_key"]


@dataclass(slots=True)
class Block:
    """Captures counted in advance: in a rush Valkey is asked once for many."""

    verdict: ratelimit.Verdict
    left: int = 0


BLOCKS: Recent[Block] = Recent(1)


def _hit_in_blocks(name: str, *, limit: int) -> ratelimit.Verdict:
    """Counts a little too much, at most a fifth of the limit, never too little."""
    block = BLOCKS.get(name)
    if block and block.left > 0:
        block.left -= 1
        return block.verdict
    # The second within a second is a rush.
    weight = max(1, min(20, limit // 300)) if block else 1
    verdict = ratelimit.hit(name, limit=limit, seconds=60, weight=weight)
    BLOCKS.put(name, Block(verdict, left=weight - 1))
    return verdict


def idempotency_key(request: HttpRequest) -> str | None:
    """As sent; a key that the column cannot hold is known by its hash."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if len(given) > 255 or not given.isprintable():
        return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    return given or None


def _check(item: InboxItem) -> capture.Submission:
    """:raises Malformed: the sender must correct something; the item waits for a person."""
    try:
        submission = capture.read(item)
        _check_place(item, submission)
    except capture.Unreadable as problem:
        capture.set_aside(item, problem)
        raise Malformed(problem, item) from None
    return submission


def _check_place(item: InboxItem, submission: capture.Submission) -> None:
    name = f"form:{submission.form} source:{submission.source}"
    if (submission.form or submission.source) and not KNOWN_PLACES.get(name):
        capture.place_of(item, submission)
        KNOWN_PLACES.put(name, True)  # noqa: FBT003


def known_key(plain: str) -> ApiKey | None:
    """The key as of some seconds ago; storing a capture refuses one that was revoked since."""
    hashed = keyed_hash("api-key", plain)
    key = KNOWN_KEYS.get(hashed) or find_key(plain)
    if key is not None and KNOWN_KEYS.get(hashed) is None:
        KNOWN_KEYS.put(hashed, key)
    return key


def problem_response(error: DomainError, *, headers: dict[str, str] | None = None) -> JsonResponse:
    """The usual problem, with the receipt of what was stored nevertheless."""
    content = problems.from_domain_error(error)
    if isinstance(error, (Malformed, OverLimit)):
        content["receipt_id"] = str(error.item.receipt_id)
    headers = problems.headers_of(error)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse(
        content, status=error.status, content_type=problems.CONTENT_TYPE, headers=headers
    )


class ReceiptView(APIView):
    scope = SCOPE

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return cors.preflight(request, methods="GET, OPTIONS")
        response = super().dispatch(request, *args, **kwargs)
        key = self.request.auth
        if isinstance(key, ApiKey) and key.kind == ApiKey.Kind.PUBLISHABLE:
            return cors.allow(response, cors.origin_of(request))
        return response

    @extend_schema(
        operation_id="capture_retrieve",
        summary="What became of a capture",
        tags=["capture"],
        responses=CaptureStateSerializer,
    )
    def get(self, request: Request, receipt_id: uuid.UUID) -> Response:
        item = InboxItem.objects.select_related("lead").filter(receipt_id=receipt_id).first()
        if item is None or not _may_read(request, item):
            raise NotFound
        if item.state == InboxItem.State.RECEIVED:
            arrivals.nudge()
        # Whose key it is, everybody who looks at the website's source knows.
        told = not _is_publishable(request)
        return Response(
            {
                "receipt_id": str(item.receipt_id),
                "state": item.state,
                "lead": item.lead.public_id if item.lead and told else None,
                "reason": item.reason if told else "",
            }
        )


def _is_publishable(request: Request) -> bool:
    return isinstance(request.auth, ApiKey) and request.auth.kind == ApiKey.Kind.PUBLISHABLE


def _may_read(request: Request, item: InboxItem) -> bool:
    """A key reads the receipts of its own captures; all, when it may read everybody's leads."""
    user, key = person_behind(request.user), request.auth
    works_in_office = user is not None and user.has_role(Role.MARKETER, Role.MANAGER)
    if not isinstance(key, ApiKey):
        return works_in_office
    reads_all = "leads:read" in key.scopes and (user is None or works_in_office)
    return item.api_key_id == key.pk or reads_all


urlpatterns = [
    path("capture/", CaptureView.as_view(), name="capture"),
    path("capture/<uuid:receipt_id>/", ReceiptView.as_view(), name="capture-receipt"),
]
