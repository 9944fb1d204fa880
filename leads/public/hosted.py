"""The form, the thank-you page after it, and the post between the two. Every post is kept."""

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leadcrm.lib import problems, ratelimit, tokens
from leadcrm.lib.errors import DomainError, FieldError, Invalid
from leadcrm.lib.middleware import client_network
from leadcrm.lib.recent import Recent
from leads import arrivals, capture, profiling
from leads.actions.counting import count
from leads.actions.drafts import host_is_allowed
from leads.forms.public import PublicForm
from leads.models import Form, FormCount, FormVersion, InboxItem
from leads.public import showing
from leads.public.counting import is_counted
from leads.public.showing import Hidden, say

LIMITS = (
    # what is counted, how many, in how many seconds, the flag of what comes after
    ("address", 20, 60, "rate_address"),
    ("address-hour", 200, 3600, "rate_address"),
    ("form", 120, 60, "rate_form"),
)


class Incomplete(capture.Unreadable):
    """A person must answer again: carries the form with what stands beside each field."""

    def __init__(self, form: PublicForm, submission: capture.Submission) -> None:
        errors = [
            FieldError(name, f"{form.fields[name].label}: {messages[0]}", "incomplete")
            for name, messages in form.errors.items()
        ]
        super().__init__(*errors)
        self.form, self.submission = form, submission

    @property
    def detail(self) -> str:
        return f"The visitor was asked to correct this: {super().detail}"


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def hosted_form(request: HttpRequest, slug: str, *, embedded: bool = False) -> HttpResponse:
    try:
        return ashore(request, slug, embedded=embedded)
    except arrivals.AWAY:
        if request.method != "POST":
            return later(request)
        return set_afloat(request, slug, embedded=embedded)


def later(request: HttpRequest) -> HttpResponse:
    """What the form asks stands in the database, and that is away."""
    context = {
        "title": "This form is back in a moment",
        "text": "We cannot show it right now. Reload the page in a minute.",
        "workspace": "",
    }
    response = render(request, "leads/public/notice.html", context, status=503)
    response["Retry-After"] = "30"
    response["Cache-Control"] = "no-store"
    return response


def ashore(request: HttpRequest, slug: str, *, embedded: bool) -> HttpResponse:
    if request.method == "POST":
        arrivals.SHORE.check()
        form = known_form(slug)
    else:
        form = showing.find_form(slug)
    version = showing.version_of(form)
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
    elif version is None:
        response = showing.closed(request, form)
    elif request.method == "POST":
        response = receive(request, form, version, embedded=embedded)
    else:
        response = page(request, form, version, embedded=embedded)
    return with_cors(showing.with_policy(response, form, version, embedded=embedded), request, form)


KNOWN_FORMS: Recent[Form] = Recent(2)


def known_form(slug: str) -> Form:
    """As of two seconds ago; what a post is judged by later is read anew."""
    form = KNOWN_FORMS.get(slug)
    if form is None:
        form = showing.find_form(slug)
        KNOWN_FORMS.put(slug, form)
    return form


def page(request: HttpRequest, form: Form, version: FormVersion, *, embedded: bool) -> HttpResponse:
    if "sent" in request.GET:
        return showing.thanks(request, form, version, embedded=embedded)
    if not form.is_open(timezone.now()):
        return showing.closed(request, form)
    return showing.blank(request, form, version, embedded=embedded)


def with_cors(response: HttpResponse, request: HttpRequest, form: Form) -> HttpResponse:
    """Scripts of the form's own sites may post and read the answer; no cookies take part."""
    origin = request.headers.get("Origin", "").lower()
    if origin and origin in form.allowed_origins:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "GET, POST"
        response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
        response["Access-Control-Max-Age"] = "600"
    response["Vary"] = "Origin, Accept"
    return response


# ---- receiving ----


def receive(
    request: HttpRequest, form: Form, version: FormVersion, *, embedded: bool
) -> HttpResponse:
    """Store first; then thank, or ask again with what was typed still there."""
    as_json = "application/json" in request.headers.get("Accept", "")
    try:
        taken, submission = take(request, form, version)
    except Incomplete as problem:
        return ask_again(request, form, problem, embedded=embedded, as_json=as_json)
    except capture.Unreadable as problem:
        words = f"{problem.detail} We kept it."
        if as_json:
            return refusal(Invalid(words, errors=list(problem.errors)), 400)
        return say(request, form, "We could not read this", words, 400)
    except DomainError as error:
        if as_json:
            return refusal(error, error.status)
        return say(request, form, error.title, error.detail, error.status)
    if taken.is_afloat:
        return thank_plainly(request, taken, embedded=embedded)
    if taken.is_new and is_counted(request):
        count(version.pk, [(FormCount.What.SUBMIT, "")], day=timezone.now().date())
    target = where_to(request, form, version, taken, submission, embedded=embedded)
    if as_json:
        receipt = str(taken.item.receipt_id)
        return JsonResponse({"receipt_id": receipt, "continue": target}, status=202)
    return HttpResponseRedirect(target, status=303)


def refusal(error: DomainError, status: int) -> JsonResponse:
    body = {
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "errors": [
            {"field": each.field, "code": each.code, "message": each.message}
            for each in error.errors
        ],
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


def where_to(
    request: HttpRequest,
    form: Form,
    version: FormVersion,
    taken: arrivals.Taken,
    submission: capture.Submission | None,
    *,
    embedded: bool,
) -> str:
    """The form's own redirect, what a plain HTML form asks for if it may, else our thanks."""
    if version.redirect_url and not embedded:
        return version.redirect_url
    wanted = submission.redirect if submission else ""
    if wanted and host_is_allowed(form, wanted):
        return wanted
    return f"{request.path}?sent={showing.sent_mark(taken.item)}"


def ask_again(
    request: HttpRequest, form: Form, problem: Incomplete, *, embedded: bool, as_json: bool
) -> HttpResponse:
    if as_json:
        errors = [
            FieldError(name, str(messages[0]), "incomplete")
            for name, messages in problem.form.errors.items()
        ]
        return refusal(Invalid("Some answers need another look.", errors=errors), 422)
    submission, version = problem.submission, problem.form.version
    again = submission.context["again"]
    hidden = Hidden(
        page=str(submission.context.get("page_url", "")),
        ref=str(submission.context.get("referrer", "")),
        at=submission.rendered,
        again=again,
        known=submission.known,
        asked=submission.asked,
        visitor=str(submission.context.get("visitor", "")),
    )
    return showing.show(request, form, version, problem.form, embedded=embedded, hidden=hidden)


def set_afloat(request: HttpRequest, slug: str, *, embedded: bool) -> HttpResponse:
    """The database is away: nothing is known of the form, and nothing is lost either."""
    body = b"lc_nonce" in arrivals.read_body(request)
    key = hashlib.sha256(arrivals.read_body(request)).hexdigest() if body else None
    try:
        taken = arrivals.afloat(
            request, kind="form", name=slug, at=timezone.now(), idempotency_key=key
        )
    except DomainError as error:
        context = {"title": error.title, "text": error.detail, "workspace": ""}
        response = render(request, "leads/public/notice.html", context, status=error.status)
        for name, value in problems.headers_of(error).items():
            response[name] = value
        return response
    return thank_plainly(request, taken, embedded=embedded)


def thank_plainly(request: HttpRequest, taken: arrivals.Taken, *, embedded: bool) -> HttpResponse:
    """Thanks that ask the database nothing."""
    context = {"receipt": taken.item.receipt_id, "embedded": embedded, "workspace": ""}
    response = render(request, "leads/public/afloat.html", context, status=202)
    response["Cache-Control"] = "no-store"
    return response


def take(
    request: HttpRequest, form: Form, version: FormVersion
) -> tuple[arrivals.Taken, capture.Submission | None]:
    body = arrivals.read_body(request)
    flags, screened = screen(request, form)
    read: list[capture.Submission] = []

    def look(item: InboxItem) -> capture.Submission:
        read.append(check(item, form, version))
        return read[-1]

    arrival = capture.Arrival(
        door=f"form:{form.pk}",
        body=body,
        content_type=request.headers.get("Content-Type", ""),
        path=request.path,
        headers=arrivals.kept_headers(request),
        remote_address=arrivals.truncated_address(request),
        source_id=form.source_id,
        form_version_id=version.pk,
        # A nonce makes every filled-in form a body of its own: the same bytes are the same click.
        idempotency_key=hashlib.sha256(body).hexdigest() if b"lc_nonce" in body else None,
        flags=flags,
        screened=screened,
    )
    taken = arrivals.take(arrival, at=timezone.now(), check=look)
    return taken, read[0] if read else None


def screen(request: HttpRequest, form: Form) -> tuple[list[str], bool]:
    """Over a limit nobody is refused: what comes then waits in quarantine."""
    address = client_network(request)
    windows = [
        (f"public-{what}:{form.pk if what == 'form' else address}", limit, seconds)
        for what, limit, seconds, _ in LIMITS
    ]
    verdicts = ratelimit.hits(windows)
    over = [
        flag for verdict, (*_, flag) in zip(verdicts, LIMITS, strict=True) if not verdict.allowed
    ]
    return list(dict.fromkeys(over)), all(verdict.screened for verdict in verdicts)


def check(item: InboxItem, form: Form, version: FormVersion) -> capture.Submission:
    """:raises capture.Unreadable: the visitor is told; the item waits for a person."""
    try:
        submission = capture.read(item)
        seen = version_seen(form, version, submission)
        only = profiling.read_asked(seen, submission.asked) if submission.asked else None
        answers = {**submission.values, **ticked(submission)}
        public = PublicForm(seen, answers, only=only)
        if not public.is_valid():
            submission.context["again"] = tokens.sign("form-again", str(item.receipt_id))
            raise Incomplete(public, submission)
    except capture.Unreadable as problem:
        capture.set_aside(item, problem)
        raise
    return submission


def version_seen(form: Form, version: FormVersion, submission: capture.Submission) -> FormVersion:
    """What was on the visitor's screen, also when another version was published since."""
    if submission.version_id in (None, version.pk):
        return version
    return form.versions.filter(pk=submission.version_id).first() or version


def ticked(submission: capture.Submission) -> dict[str, str]:
    return {"lc_consent": "on"} if submission.consent else {}
