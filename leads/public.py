"""Pages for strangers: hosted forms. No cookie, no script needed, and every post is kept."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from csp.constants import SELF
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from leadcrm.lib import problems, ratelimit, tokens
from leadcrm.lib.errors import DomainError, FieldError
from leadcrm.lib.middleware import client_address
from leads import arrivals, capture
from leads.capture.envelopes import CONTROL, RENDERED
from leads.forms.public import PublicForm
from leads.models import Form, FormVersion, InboxItem

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


@dataclass(frozen=True, slots=True)
class Hidden:
    """What travels with the form, so that no cookie is needed."""

    page: str
    ref: str
    nonce: str = field(default_factory=tokens.new_public_id)
    at: str = ""
    again: str = ""


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def hosted_form(request: HttpRequest, slug: str, *, embedded: bool = False) -> HttpResponse:
    """The form, the thank-you page after it, and the post between the two."""
    try:
        return ashore(request, slug, embedded=embedded)
    except arrivals.AWAY:
        if request.method != "POST":
            raise
        return set_afloat(request, slug, embedded=embedded)


def ashore(request: HttpRequest, slug: str, *, embedded: bool) -> HttpResponse:
    if request.method == "POST":
        arrivals.SHORE.check()
    form = find_form(slug)
    version = form.published or newest_version(form)
    if request.method == "POST":
        response = receive(request, form, version, embedded=embedded)
    elif not form.is_published:
        response = say(request, form, "This form is closed", "It takes no more answers.", 410)
    elif "sent" in request.GET:
        response = show_thanks(request, version, embedded=embedded)
    else:
        # A link may fill in what its sender knows: /f/demo/?email=…
        known = {k: str(v) for k, v in request.GET.items() if not k.startswith(CONTROL)}
        empty = PublicForm(version, prefilled=known)
        response = show_form(request, version, empty, embedded=embedded)
    return with_policy(response, form, version, embedded=embedded)


def find_form(slug: str) -> Form:
    form = Form.objects.select_related("published", "source").filter(slug=slug).first()
    if form is None:
        raise Http404("There is no form at this address.")
    return form


def newest_version(form: Form) -> FormVersion:
    version = form.versions.order_by("-number").first()
    if version is None:
        raise Http404("This form has no questions yet.")
    return version


def with_policy(
    response: HttpResponse, form: Form, version: FormVersion, *, embedded: bool
) -> HttpResponse:
    """Who may frame the form, and where a post may lead: browsers check redirects as well."""
    policy: dict[str, list[str]] = {}
    if version.redirect_url.startswith("http"):
        parts = urlsplit(version.redirect_url)
        policy["form-action"] = [SELF, f"{parts.scheme}://{parts.netloc}"]
    if embedded:
        policy["frame-ancestors"] = [SELF, *form.allowed_origins]
        response.xframe_options_exempt = True
    if policy:
        response._csp_replace = policy  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    return response


# ---- showing ----


def show_form(
    request: HttpRequest,
    version: FormVersion,
    form: PublicForm,
    *,
    embedded: bool,
    hidden: Hidden | None = None,
) -> HttpResponse:
    context = {
        "version": version,
        "form": form,
        "embedded": embedded,
        "hidden": hidden or fresh(request, version),
    }
    return render(request, "leads/public/form.html", context, status=422 if form.errors else 200)


def fresh(request: HttpRequest, version: FormVersion) -> Hidden:
    """The page the visitor is on is this one, or the one that embeds it."""
    return Hidden(
        page=request.GET.get("lc_page", request.build_absolute_uri())[:2000],
        ref=request.GET.get("lc_ref", request.headers.get("Referer", ""))[:1000],
        at=tokens.sign(RENDERED, f"{version.pk}:{time.time():.1f}"),
    )


def show_thanks(request: HttpRequest, version: FormVersion, *, embedded: bool) -> HttpResponse:
    context = {"version": version, "embedded": embedded}
    return render(request, "leads/public/thanks.html", context)


def say(request: HttpRequest, form: Form, title: str, text: str, status: int) -> HttpResponse:
    context = {"title": title, "text": text, "form": form}
    return render(request, "leads/public/notice.html", context, status=status)


# ---- receiving ----


def receive(
    request: HttpRequest, form: Form, version: FormVersion, *, embedded: bool
) -> HttpResponse:
    """Store first; then thank, or ask again with what was typed still there."""
    try:
        taken = take(request, form, version)
    except Incomplete as problem:
        again = problem.submission.context["again"]
        hidden = repeated(request, problem.submission, again)
        return show_form(request, version, problem.form, embedded=embedded, hidden=hidden)
    except capture.Unreadable as problem:
        return say(request, form, "We could not read this", f"{problem.detail} We kept it.", 400)
    except DomainError as error:
        return say(request, form, error.title, error.detail, error.status)
    if taken.is_afloat:
        return thank_plainly(request, taken, embedded=embedded)
    if version.redirect_url and not embedded:
        return HttpResponseRedirect(version.redirect_url, status=303)
    return HttpResponseRedirect(f"{request.path}?sent=1", status=303)


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


def take(request: HttpRequest, form: Form, version: FormVersion) -> arrivals.Taken:
    body = arrivals.read_body(request)
    flags, screened = screen(request, form)
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
    return arrivals.take(arrival, at=timezone.now(), check=lambda item: check(item, version))


def screen(request: HttpRequest, form: Form) -> tuple[list[str], bool]:
    """Over a limit nobody is refused: what comes then waits in quarantine."""
    flags, screened = [], True
    for what, limit, seconds, flag in LIMITS:
        key = f"form:{form.pk}" if what == "form" else f"{what}:{client_address(request)}"
        verdict = ratelimit.hit(f"public-{key}", limit=limit, seconds=seconds)
        screened = screened and verdict.screened
        if not verdict.allowed and flag not in flags:
            flags.append(flag)
    return flags, screened


def check(item: InboxItem, version: FormVersion) -> capture.Submission:
    """:raises capture.Unreadable: the visitor is told; the item waits for a person."""
    try:
        submission = capture.read(item)
        form = PublicForm(version, {**submission.values, **ticked(submission)})
        if not form.is_valid():
            submission.context["again"] = tokens.sign("form-again", str(item.receipt_id))
            raise Incomplete(form, submission)
    except capture.Unreadable as problem:
        capture.set_aside(item, problem)
        raise
    return submission


def ticked(submission: capture.Submission) -> dict[str, str]:
    return {"lc_consent": "on"} if submission.consent else {}


def repeated(request: HttpRequest, submission: capture.Submission, again: str) -> Hidden:
    """The second try of the same visit: it began when the first did."""
    return Hidden(
        page=str(submission.context.get("page_url", "")),
        ref=str(submission.context.get("referrer", "")),
        at=submission.rendered,
        again=again,
    )


# ---- embedding ----


@login_not_required
@require_GET
def embed_script(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts the form where the script stands, at the height it needs."""
    form = find_form(slug)
    context: dict[str, Any] = {
        "address": json.dumps(request.build_absolute_uri(f"/f/{form.slug}/frame/")),
        "slug": json.dumps(form.slug),
        "title": json.dumps(form.name),
    }
    response = render(
        request, "leads/public/embed.js", context, content_type="text/javascript; charset=utf-8"
    )
    response["Cache-Control"] = "public, max-age=300"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
