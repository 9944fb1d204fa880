"""The form builder. Every change is a post that saves the draft; it needs no script.

With one, what is typed is saved while typing, and fields are dragged.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import DomainError, FieldError
from leads import questions, themes
from leads.actions import drafts
from leads.capture import unfinished
from leads.drafting import Content, draft_of, has_changes
from leads.forms.builder import AfterForm, LookForm, QuestionForm, WordsForm
from leads.forms.public import PublicForm
from leads.models import Form
from leads.views.forms.shared import OFFICE, find

PANES = ("field", "words", "look", "after")
SHOWS = ("form", "error", "thanks")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the builder somebody is; it stands in the address."""

    pane: str
    key: str
    show: str

    @property
    def query(self) -> str:
        return f"?pane={self.pane}&field={self.key}&show={self.show}"


def place_of(request: HttpRequest, content: Content) -> Place:
    key = request.GET.get("field", "")
    if questions.find(content.fields, key) is None:
        key = questions.key_of(content.fields[0]) if content.fields else ""
    pane, show = request.GET.get("pane", "field"), request.GET.get("show", "form")
    return Place(
        pane if pane in PANES and (key or pane != "field") else "words",
        key,
        show if show in SHOWS else "form",
    )


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def form_edit(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    place = place_of(request, draft_of(form))
    if request.method != "POST":
        return show(request, form, place)
    do, _, which = request.POST.get("do", "save").partition(":")
    if do == "save":
        return save(request, form, place)
    if do == "publish":
        return publish(request, form, place)
    place = rearrange(request, form, place, do, which)
    return redirect(reverse("form-edit", args=[slug]) + place.query)


def show(
    request: HttpRequest,
    form: Form,
    place: Place,
    *,
    entry: Any = None,
    problems: list[FieldError] | None = None,
    status: int = 200,
) -> HttpResponse:
    content = draft_of(form)
    chosen = questions.find(content.fields, place.key)
    theme = themes.theme_of(content.settings.get("theme"))
    version = drafts.completed(content).as_version(form)
    preview = preview_of(version, place)
    context = {
        "form": form,
        "version": version,
        "preview": preview,
        "pages": preview.pages,
        "place": place,
        "rows": [(questions.kind_of(each), each) for each in content.fields],
        "kinds": list(questions.KINDS.values()),
        "chosen": chosen,
        "number": questions.place_of(content.fields, place.key),
        "entry": entry or entry_of(place, content, chosen),
        "problems": problems or [],
        "has_changes": has_changes(form),
        "themed": theme is not None,
        "keeping": unfinished.notice_of(version),
    }
    return render(request, "leads/forms/builder.html", context, status=status)


def preview_of(version: Any, place: Place) -> PublicForm:
    if place.show != "error":
        return PublicForm(version)
    wrong = PublicForm(version, {})
    wrong.is_valid()
    return wrong


def entry_of(place: Place, content: Content, chosen: Any, data: Any = None) -> Any:
    if place.pane == "words":
        return WordsForm(data, content=content)
    if place.pane == "look":
        return LookForm(data, content=content)
    if place.pane == "after":
        return AfterForm(data, content=content)
    at = questions.place_of(content.fields, place.key)
    return QuestionForm(data, question=chosen, before=content.fields[:at])


# ---- changing ----


def save(request: HttpRequest, form: Form, place: Place) -> HttpResponse:
    """One pane. What cannot be saved is said beside its field; the rest of the draft stays."""
    content = draft_of(form)
    chosen = questions.find(content.fields, place.key)
    entry = entry_of(place, content, chosen, request.POST)
    if not entry.is_valid():
        return show(request, form, place, entry=entry, status=422)
    if place.pane == "words":
        save_words(form, content, entry.cleaned_data)
    elif place.pane == "look":
        drafts.change_settings(form.pk, {"theme": entry.cleaned_data})
    elif place.pane == "after":
        drafts.change_settings(form.pk, entry.changed)
    else:
        drafts.change_question(form.pk, place.key, entry.changed_question())
    return redirect(reverse("form-edit", args=[form.slug]) + place.query)


def save_words(form: Form, content: Content, values: dict[str, Any]) -> None:
    heading = values.pop("thank_you_title")
    drafts.change_words(form.pk, values)
    if heading != content.settings.get("thank_you_title", ""):
        drafts.change_settings(form.pk, {"thank_you_title": heading})


def rearrange(request: HttpRequest, form: Form, place: Place, do: str, which: str) -> Place:
    """`add` (with `type`), `remove:key`, `up:key`, `down:key`, `move:key:place`."""
    fields = draft_of(form).fields
    key, _, to = which.partition(":")
    at = questions.place_of(fields, key)
    if do == "add" and request.POST.get("type") in questions.KINDS:
        made = drafts.add_question(form.pk, request.POST["type"])
        return Place("field", made, "form")
    if at < 0:
        return place
    if do == "remove":
        return remove(request, form, fields, at)
    target = {"up": at - 1, "down": at + 1}.get(do, int(to) if to.isdecimal() else at)
    drafts.move_question(form.pk, key, target)
    return Place("field", key, place.show)


def remove(request: HttpRequest, form: Form, fields: list[dict[str, Any]], at: int) -> Place:
    drafts.remove_question(form.pk, questions.key_of(fields[at]))
    path = reverse("form-undo", args=[form.slug])
    messages.success(request, f"Removed “{fields[at].get('label')}”.", extra_tags=f"undo:{path}")
    rest = [*fields[:at], *fields[at + 1 :]]
    near = questions.key_of(rest[min(at, len(rest) - 1)]) if rest else ""
    return Place("field", near, "form")


def publish(request: HttpRequest, form: Form, place: Place) -> HttpResponse:
    try:
        version = drafts.publish_draft(form.pk, by=user_of(request))
    except DomainError as error:
        problems = list(error.errors) or [FieldError("", error.detail, error.code)]
        return show(request, form, place, problems=problems, status=error.status)
    messages.success(request, f"Published version {version.number}.")
    return redirect("form-page", slug=form.slug)


@role_required(*OFFICE)
@require_POST
def form_undo(request: HttpRequest, slug: str) -> HttpResponse:
    """The removed field comes back where it was."""
    form = find(slug)
    drafts.undo_removal(form.pk)
    return redirect("form-edit", slug=slug)


@role_required(*OFFICE)
@require_POST
def form_discard(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    drafts.discard_draft(form.pk)
    messages.success(request, "The draft is gone; the newest version is where you start from.")
    return redirect("form-page", slug=slug)


@role_required(*OFFICE)
@require_GET
def preview_sheet(request: HttpRequest, slug: str) -> HttpResponse:
    """The draft's colours, for the preview only."""
    theme = themes.theme_of(draft_of(find(slug)).settings.get("theme"))
    sheet = themes.style_sheet(theme, scope=".formpreview")
    response = HttpResponse(sheet, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response
