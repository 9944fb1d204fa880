"""`/q/…/`: a survey as its people see it: no cookie, no script, each answer kept as it is given."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leadcrm.lib import ratelimit, tokens
from leadcrm.lib.errors import DomainError
from leadcrm.lib.middleware import client_address
from leads import arrivals
from leads.models import InboxItem, Lead
from leads.queries.survivors import survivor_id
from scoring.actions import responses
from scoring.models import Survey, SurveyResponse, SurveyVersion
from scoring.surveys import capturing, links, pages
from scoring.surveys import content as contents
from scoring.surveys.pages import Page

MARK = "survey-shown"
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,60}")
MARK_HOURS = 48  # how long a page that was open may still be sent after its survey closed
MOST_BYTES = 200_000
PER_MINUTE = 60
State = SurveyResponse.State


class TooMuch(DomainError):
    code = "too_large"
    status = 413
    title = "That is more than a survey takes"

    def __init__(self) -> None:
        super().__init__("Write less, and send it again.")


@dataclass(slots=True)
class Door:
    """What an address leads to. `version` is None where nobody may begin."""

    survey: Survey
    version: SurveyVersion | None
    link: str = ""
    lead: Lead | None = None
    response: SurveyResponse | None = None
    closed: str = ""  # why nobody may begin here

    @property
    def is_personal(self) -> bool:
        return self.lead is not None

    @property
    def shown(self) -> SurveyVersion | None:
        return self.response.version if self.response else self.version


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def survey_page(request: HttpRequest, token: str) -> HttpResponse:
    try:
        response = ashore(request, token)
    except arrivals.AWAY:
        if request.method != "POST":
            raise
        response = set_afloat(request, token)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"  # the address names somebody
    response["X-Robots-Tag"] = "noindex"
    return response


def ashore(request: HttpRequest, token: str) -> HttpResponse:
    at = timezone.now()
    if request.method == "POST":
        if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
            raise TooMuch
        request.captured_body = request.body  # type: ignore[attr-defined]  # before it is parsed
        arrivals.SHORE.check()
        return receive(request, find_door(token), at)
    return show(request, find_door(token), at)


def set_afloat(request: HttpRequest, token: str) -> HttpResponse:
    """The database is away: the page as it was sent waits in the lifeboat. See `adrift`."""
    key = hashlib.sha256(token.encode() + arrivals.read_body(request)).hexdigest()
    taken = arrivals.afloat(
        request, kind="survey", name=token, at=timezone.now(), idempotency_key=key
    )
    context = {"receipt": taken.item.receipt_id, "embedded": False, "workspace": ""}
    return render(request, "leads/public/afloat.html", context, status=202)


# ---- finding ----


def find_door(token: str, at: datetime | None = None) -> Door:
    """:raises Http404: nothing of ours is at this address."""
    at = at or timezone.now()
    if personal := links.read_personal(token):
        return _personal_door(personal, at)
    rows = SurveyResponse.objects.select_related("survey", "version")
    if public_id := links.read_begun(token):
        response = rows.filter(public_id=public_id).first()
        if response is not None:
            return Door(response.survey, response.version, response.link, response=response)
    rows_of_surveys = Survey.objects.select_related("published")
    survey = rows_of_surveys.filter(slug=token).first() if SLUG.fullmatch(token) else None
    if survey is None or not survey.versions.exists():
        raise Http404("There is no survey at this address.")
    if survey.is_open(at):
        return Door(survey, survey.published)
    return Door(survey, None, closed="It takes no more answers.")


def _personal_door(personal: links.Personal, at: datetime) -> Door:
    survey = Survey.objects.select_related("published").filter(pk=personal.survey_id).first()
    lead = Lead.objects.live().filter(pk=survivor_id(personal.lead_id)).first()
    if survey is None or lead is None:
        raise Http404("This link does not lead anywhere any more.")
    rows = SurveyResponse.objects.select_related("survey", "version")
    response = rows.filter(link=f"p:{personal.value}").first()
    door = Door(survey, survey.published, f"p:{personal.value}", lead, response)
    if personal.is_over(at):
        door.closed = f"This link worked until {personal.last_day:%-d %B %Y}. Ask us for a new one."
    elif not survey.is_open(at):
        door.closed = "It takes no more answers."
    return door


# ---- showing ----


def show(request: HttpRequest, door: Door, at: datetime) -> HttpResponse:
    """The question somebody is at, the ending, or why there is neither."""
    response, version = door.response, door.shown
    if response is not None and response.state == State.COMPLETED:
        return ending(request, response)
    if door.closed and response is None:
        return closed(request, door)
    if version is None:
        return closed(request, door)
    content = contents.read(version.content)
    answers = response.answers if response else {}
    page = pages.page_of(
        content, answers, is_known=door.is_personal, wanted=request.GET.get("at", "")
    )
    return ask(request, door, page)


def ask(request: HttpRequest, door: Door, page: Page, *, status: int = 200) -> HttpResponse:
    version = door.shown
    begun = door.response
    context = {
        "survey": door.survey,
        "page": page,
        "action": links.begun_path(begun) if begun and not door.is_personal else request.path,
        "mark": tokens.sign(MARK, f"{version.pk if version else 0}:{time.time():.0f}"),
        "nonce": tokens.new_public_id(),
        "is_begun": begun is not None,
    }
    return render(request, "scoring/surveys/page.html", context, status=status)


def ending(request: HttpRequest, response: SurveyResponse) -> HttpResponse:
    content = contents.read(response.version.content)
    context = {
        "survey": response.survey,
        "ending": pages.ending_of(content, response),
        "content": content,
    }
    return render(request, "scoring/surveys/ending.html", context)


def closed(request: HttpRequest, door: Door) -> HttpResponse:
    is_over = "until" in door.closed
    title = "This link has ended" if is_over else "This survey is closed"
    context = {"survey": door.survey, "title": title, "text": door.closed}
    return render(request, "scoring/surveys/notice.html", context, status=410)


# ---- receiving ----


def receive(request: HttpRequest, door: Door, at: datetime) -> HttpResponse:
    """Keep what was answered; then the next question, the ending, or the same question again."""
    if door.response is not None and door.response.state == State.COMPLETED:
        return HttpResponseRedirect(request.path, status=303)
    rendered = _rendered(request.POST)
    version = _version_answered(door, rendered, at)
    if version is None:
        return closed(request, door)
    content = contents.read(version.content)
    reading = pages.read_page(content, request.POST)
    if reading.answers:
        response = responses.answer_survey(
            version,
            reading.answers,
            link=_link(request.POST, door),
            at=at,
            lead_id=door.lead.pk if door.lead else None,
            is_test=_is_program(request.POST),
        )
        door.response = response
        _name(request, response, reading, rendered, at)
    if reading.problems:
        answers = door.response.answers if door.response else {}
        page = pages.page_again(content, answers, reading, is_known=door.is_personal)
        return ask(request, door, page, status=422)
    return onward(request, door)


def onward(request: HttpRequest, door: Door) -> HttpResponse:
    response = door.response
    if response is None:
        return HttpResponseRedirect(request.path, status=303)
    path = request.path if door.is_personal else links.begun_path(response)
    if response.state == State.COMPLETED:
        content = contents.read(response.version.content)
        found = content.ending(response.ending) or {}
        if contents.is_link(str(found.get("redirect") or "")):
            return HttpResponseRedirect(found["redirect"], status=303)
    return HttpResponseRedirect(path, status=303)


def _rendered(post: QueryDict) -> tuple[int, float]:
    """Which version a page showed and when; (0, 0.0) for a mark that is not ours."""
    value = tokens.unsign(MARK, post.get("lc_at", "")[:200]) or ""
    version, _, moment = value.partition(":")
    return (int(version), float(moment)) if value else (0, 0.0)


def _version_answered(
    door: Door, rendered: tuple[int, float], at: datetime
) -> SurveyVersion | None:
    """What was on the screen: also of a survey that has closed since, so that nothing is lost."""
    if door.response is not None:
        return door.response.version
    seen = door.survey.versions.filter(pk=rendered[0]).first() if rendered[0] else None
    if not door.closed:
        return seen or door.version
    is_fresh = at.timestamp() - rendered[1] < MARK_HOURS * 3600
    return seen if is_fresh else None


def _link(post: QueryDict, door: Door) -> str:
    """One response for each personal link; for each time the public one was opened."""
    if door.link:
        return door.link
    nonce = "".join(c for c in post.get("lc_nonce", "") if c.isalnum())[:40]
    return f"n:{door.survey.pk}:{nonce or tokens.new_public_id()}"


def _is_program(post: QueryDict) -> bool:
    """Programs fill in what people do not see; what they say is kept and counts for nothing."""
    return bool(post.get("lc_confirm"))


def _name(
    request: HttpRequest,
    response: SurveyResponse,
    reading: pages.Reading,
    rendered: tuple[int, float],
    at: datetime,
) -> None:
    """Who says who they are becomes a lead by a capture, once."""
    question, given = reading.contact
    if question is None or not given or response.lead_id or response.inbox_item_id:
        return
    flags, screened = _screen(request)
    began = min(rendered[1], response.started_at.timestamp()) if rendered[1] else 0.0
    visit = capturing.Visit(
        headers=arrivals.kept_headers(request),
        remote_address=arrivals.truncated_address(request),
        path=f"/q/{response.survey.slug}/",
        page_url=request.build_absolute_uri(f"/q/{response.survey.slug}/"),
        rendered_at=began,
        trap=request.POST.get("lc_confirm", "")[:200],
        flags=flags,
        screened=screened,
    )
    item = capturing.capture_contact(
        response, given, wording=str(question.get("consent") or ""), visit=visit, at=at
    )
    if item.pk is not None:
        responses.name_by_capture(response.pk, item.pk)


def take_late(token: str, post: QueryDict, item: InboxItem) -> SurveyResponse | None:
    """What came while the database was away, as of when it came; None when nothing in it counts.

    :raises Http404: nothing of ours is at this address.
    """
    at = item.received_at
    door = find_door(token, at)
    version = _version_answered(door, _rendered(post), at)
    if version is None:
        return None
    reading = pages.read_page(contents.read(version.content), post)
    if not reading.answers:
        return None
    response = responses.answer_survey(
        version,
        reading.answers,
        link=_link(post, door),
        at=at,
        lead_id=door.lead.pk if door.lead else None,
        is_test=_is_program(post),
    )
    question, given = reading.contact
    if question and given and not response.lead_id and not response.inbox_item_id:
        wording = str(question.get("consent") or "")
        late = capturing.capture_late(response, given, wording=wording, item=item)
        responses.name_by_capture(response.pk, late.pk)
    return response


def _screen(request: HttpRequest) -> tuple[list[str], bool]:
    """Over the limit nobody is refused: what comes then waits in quarantine."""
    verdict = ratelimit.hit(f"survey:{client_address(request)}", limit=PER_MINUTE, seconds=60)
    return ([] if verdict.allowed else ["rate_address"]), verdict.screened
