"""Forms: the list, one form with its snippets, and a plain editor that needs no script."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError
from leads.actions import forms as actions
from leads.forms.editor import (
    ICONS,
    ROWS,
    ContentForm,
    NewFormForm,
    QuestionSet,
    content_of,
    posted_rows,
    rearranged,
    rows_of,
)
from leads.forms.public import PublicForm
from leads.models import Form, FormVersion
from leads.queries import forms as queries

OFFICE = (Role.MARKETER, Role.MANAGER)
DAYS = 30


@role_required(*OFFICE)
@require_GET
def form_list(request: HttpRequest) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    context = {"rows": queries.form_rows(since=since), "days": DAYS}
    return render(request, "leads/forms/list.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def form_new(request: HttpRequest) -> HttpResponse:
    entry = NewFormForm(request.POST or None)
    if entry.is_valid():
        try:
            form = actions.create_form(**entry.cleaned_data)
        except DomainError as error:
            entry.add_error("slug", error.detail)
        else:
            return redirect("form-edit", slug=form.slug)
    return render(request, "leads/forms/new.html", {"form": entry}, status=status_of(entry))


def status_of(form: Any) -> int:
    return 422 if form.errors else 200


@role_required(*OFFICE)
@require_GET
def form_page(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    version = form.published or newest(form)
    since = timezone.now() - timedelta(days=DAYS)
    context = {
        "form": form,
        "version": version,
        "preview": PublicForm(version),
        "fields": [(ICONS.get(f.get("type"), "type"), f) for f in version.fields],
        "row": queries.form_rows(since=since, only=form)[0],
        "days": DAYS,
        "address": f"{settings.SITE_URL}/f/{form.slug}/",
    }
    return render(request, "leads/forms/form.html", context)


def find(slug: str) -> Form:
    return get_object_or_404(queries.forms(), slug=slug)


def newest(form: Form) -> FormVersion:
    return form.versions.order_by("-number").first() or FormVersion(
        form=form, number=0, title=form.name, fields=actions.STARTER
    )


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def form_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Buttons that rearrange send everything back unsaved; only “Publish” writes."""
    form = find(slug)
    do = request.POST.get("do", "")
    if request.method == "POST" and do != "publish":
        rows = rearranged(posted_rows(request.POST), do)
        questions = QuestionSet(initial=rows, prefix=ROWS)
        return show_editor(request, form, ContentForm(initial=request.POST.dict()), questions)
    if request.method == "POST":
        return publish(request, form)
    version = newest(form)
    content = ContentForm(initial=initial_of(form, version))
    return show_editor(request, form, content, QuestionSet(initial=rows_of(version), prefix=ROWS))


def initial_of(form: Form, version: FormVersion) -> dict[str, Any]:
    texts = ("title", "intro", "consent_text", "submit_label", "thank_you", "redirect_url")
    return {
        "name": form.name,
        "kind": form.kind,
        "allowed_origins": "\n".join(form.allowed_origins),
        **{name: getattr(version, name) for name in texts},
    }


def show_editor(
    request: HttpRequest, form: Form, content: ContentForm, questions: Any, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "content": content, "questions": questions}
    return render(request, "leads/forms/edit.html", context, status=status)


def publish(request: HttpRequest, form: Form) -> HttpResponse:
    content = ContentForm(request.POST)
    questions = QuestionSet(request.POST, prefix=ROWS)
    if not (content.is_valid() and questions.is_valid()):
        return show_editor(request, form, content, questions, status=422)
    try:
        version = actions.publish_form(
            form.pk,
            content_of(content, [each.question for each in questions]),
            name=content.cleaned_data["name"],
            kind=content.cleaned_data["kind"],
            allowed_origins=content.cleaned_data["allowed_origins"],
        )
    except DomainError as error:
        content.add_error(None, error.detail)
        return show_editor(request, form, content, questions, status=error.status)
    messages.success(request, f"Published version {version.number}.")
    return redirect("form-page", slug=form.slug)


@role_required(*OFFICE)
@require_POST
def form_unpublish(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    actions.unpublish_form(form.pk)
    messages.success(request, f"“{form.name}” is closed. What still arrives waits in Captures.")
    return redirect("form-page", slug=slug)
