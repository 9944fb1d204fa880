"""The survey builder. Every change is a post that saves the draft; it needs no script.

With one (static/js/form-builder.js) what is typed is saved while typing, and questions are dragged.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import FieldError
from scoring.actions import surveys as actions
from scoring.models import Survey, SurveyResponse
from scoring.surveys import content as contents
from scoring.surveys import flow, pages
from scoring.surveys.content import KINDS, MAX_ENDINGS, MAX_QUESTIONS, Content, kind_of
from scoring.surveys.forms import EndingForm, QuestionForm, WordsForm
from scoring.surveys.views import OFFICE, find

PANES = ("question", "ending", "words")
MOST_CARRIED = 60_000  # characters of answers that a preview carries along


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the builder somebody is; it stands in the address."""

    pane: str
    key: str

    @property
    def query(self) -> str:
        return f"?pane={self.pane}&key={self.key}"


def place_of(request: HttpRequest, content: Content) -> Place:
    pane, key = request.GET.get("pane", ""), request.GET.get("key", "")
    if pane == "ending" and content.endings:
        known = content.ending(key)
        return Place(pane, key if known else content.endings[0]["key"])
    if pane == "words" or not content.questions:
        return Place("words", "")
    return Place("question", key if content.question(key) else content.questions[0]["key"])


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def survey_edit(request: HttpRequest, slug: str) -> HttpResponse:
    survey = find(slug)
    content = actions.draft_of(survey)
    place = place_of(request, content)
    if request.method != "POST":
        return show(request, survey, content, place)
    do, _, which = request.POST.get("do", "save").partition(":")
    if do == "save":
        return save(request, survey, content, place)
    if do == "publish":
        return publish(request, survey, content, place)
    place = rearrange(request, survey, content, place, do, which)
    return redirect(reverse("survey-edit", args=[slug]) + place.query)


def show(
    request: HttpRequest,
    survey: Survey,
    content: Content,
    place: Place,
    *,
    entry: Any = None,
    problems: list[FieldError] | None = None,
    status: int = 200,
) -> HttpResponse:
    chosen = content.question(place.key) if place.pane == "question" else None
    context = {
        "survey": survey,
        "content": content,
        "place": place,
        "rows": [(kind_of(each), each) for each in content.questions],
        "kinds": list(KINDS.values()),
        "chosen": chosen,
        "number": content.place(place.key),
        "entry": entry or entry_of(place, content),
        "page": preview_of(content, place),
        "ending": _ending_shown(content, place),
        "problems": problems or [],
        "has_changes": actions.has_changes(survey),
        "has_points": content.has_points,
        "most": sum(flow.most_of(each) for each in content.questions),
    }
    return render(request, "scoring/surveys/builder.html", context, status=status)


def preview_of(content: Content, place: Place) -> pages.Page:
    """The question that is edited, or all of them."""
    shown = [content.question(place.key)] if place.pane == "question" else content.questions
    if content.layout == "all" and place.pane != "ending":
        shown = content.questions
    asked = [pages.Asked(each, kind_of(each).key) for each in shown if each]
    return pages.Page(content, asked, is_first=place.pane == "words" or content.layout == "all")


def _ending_shown(content: Content, place: Place) -> Any:
    if place.pane != "ending":
        return None
    most = sum(flow.most_of(each) for each in content.questions)
    shown = SurveyResponse(ending=place.key, points=most, most_points=most)
    return pages.ending_of(content, shown)


def entry_of(place: Place, content: Content, data: Any = None) -> Any:
    if place.pane == "words":
        return WordsForm(data, content=content)
    if place.pane == "ending":
        return EndingForm(data, ending=content.ending(place.key) or {})
    return QuestionForm(data, content=content, question=content.question(place.key) or {})


# ---- changing ----


def save(request: HttpRequest, survey: Survey, content: Content, place: Place) -> HttpResponse:
    """One pane. What cannot be saved is said beside its field; the rest of the draft stays."""
    entry = entry_of(place, content, request.POST)
    if not entry.is_valid():
        return show(request, survey, content, place, entry=entry, status=422)
    if place.pane == "words":
        for name, value in entry.cleaned_data.items():
            setattr(content, name, value)
    elif place.pane == "ending":
        _put(content.endings, entry.changed())
    else:
        _put(content.questions, entry.changed())
    actions.save_draft(survey.pk, content)
    return redirect(reverse("survey-edit", args=[survey.slug]) + place.query)


def _put(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    at = next(n for n, each in enumerate(rows) if each["key"] == row["key"])
    rows[at] = row


def rearrange(
    request: HttpRequest, survey: Survey, content: Content, place: Place, do: str, which: str
) -> Place:
    """`add` (with `type`), `copy:key`, `remove:key`, `up:key`, `down:key`, `move:key:place`,
    `addending`, `removeending:key`."""
    key, _, to = which.partition(":")
    if do == "add" and request.POST.get("type") in KINDS and len(content.questions) < MAX_QUESTIONS:
        place = _added(
            content, place, contents.new_question(request.POST["type"], content.questions)
        )
    elif do == "addending" and len(content.endings) < MAX_ENDINGS:
        made = contents.free_key("ending", content.endings)
        content.endings.append(
            {"key": made, "name": "New result", "title": "Thank you", "text": ""}
        )
        place = Place("ending", made)
    elif do == "removeending" and len(content.endings) > 1:
        content.endings = [each for each in content.endings if each["key"] != key]
        place = Place("ending", content.endings[0]["key"])
    elif (found := content.question(key)) is not None:
        place = _moved(request, content, place, do, found, to)
    actions.save_draft(survey.pk, content)
    return place


def _added(content: Content, place: Place, question: dict[str, Any]) -> Place:
    """After the one that is open."""
    at = content.place(place.key) + 1 if place.pane == "question" else len(content.questions)
    content.questions.insert(at, question)
    return Place("question", question["key"])


def _moved(
    request: HttpRequest, content: Content, place: Place, do: str, found: dict[str, Any], to: str
) -> Place:
    key = found["key"]
    at = content.place(key)
    if do == "remove":
        content.questions.pop(at)
        messages.success(request, f"Removed “{found.get('label')}”.")
        rest = content.questions
        return (
            Place("question", rest[min(at, len(rest) - 1)]["key"]) if rest else Place("words", "")
        )
    if do == "copy":
        copy = {**found, "key": contents.free_key(str(found.get("label")), content.questions)}
        return _added(content, Place("question", key), copy)
    wanted = int(to) if to.isdecimal() and len(to) < 4 else at
    target = {"up": at - 1, "down": at + 1}.get(do, wanted)
    content.questions = contents.moved(content.questions, key, target)
    return Place("question", key)


def publish(request: HttpRequest, survey: Survey, content: Content, place: Place) -> HttpResponse:
    try:
        version = actions.publish_survey(survey.pk, user=user_of(request))
    except actions.NotReady as error:
        problems = list(error.errors)
        return show(request, survey, content, place, problems=problems, status=422)
    messages.success(request, f"Version {version.number} is live.")
    return redirect("survey-results", slug=survey.slug)


# ---- trying it out ----


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def survey_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The draft as people will see it, from the first question to an ending. Nothing is kept."""
    survey = find(slug)
    content = actions.draft_of(survey)
    answers = _carried(request)
    reading = pages.read_page(content, request.POST) if request.method == "POST" else None
    answers |= reading.answers if reading else {}
    way = flow.walk(content, answers, is_known=False)
    context: dict[str, Any] = {"survey": survey, "carried": json.dumps(answers), "is_preview": True}
    if reading and reading.problems:
        page = pages.page_again(content, answers, reading, is_known=False)
        return render(request, "scoring/surveys/try.html", context | {"page": page}, status=422)
    if way.is_done:
        result = flow.result_of(content, answers, way)
        key = str(result.ending["key"]) if result.ending else ""
        shown = SurveyResponse(ending=key, points=result.points, most_points=result.most)
        said = flow.said_of(content, answers, way.path)
        context |= {"ending": pages.ending_of(content, shown), "result": result, "said": said}
        return render(request, "scoring/surveys/try.html", context)
    page = pages.page_of(content, answers, is_known=False)
    return render(request, "scoring/surveys/try.html", context | {"page": page})


def _carried(request: HttpRequest) -> dict[str, Any]:
    """What was answered on the pages before; whatever else stands there is nothing."""
    try:
        found = json.loads(request.POST.get("so_far", "{}")[:MOST_CARRIED])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
