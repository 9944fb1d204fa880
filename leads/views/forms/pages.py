"""The list of forms, and the pages of one: numbers, ways out, versions, answers, settings."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import keyset_page
from leads import drafting, questions
from leads.actions import drafts
from leads.actions import forms as actions
from leads.capture import unfinished
from leads.forms.builder import NewFormForm
from leads.forms.form_settings import SettingsForm
from leads.forms.wishing import WishForm
from leads.models import Form
from leads.queries import forms as queries
from leads.queries import mails
from leads.queries.unfinished import waiting
from leads.views.forms.shared import OFFICE, find, status_of

DAYS = 30


@role_required(*OFFICE)
@require_GET
def form_list(request: HttpRequest) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    archived, user = "archived" in request.GET, user_of(request)
    rows = queries.form_rows(since=since, archived=archived)
    now = timezone.now()
    context = {
        "rows": [(row, row.form.is_open(now)) for row in rows],
        "days": DAYS,
        "archived": archived,
        "trouble": mails.trouble(user) if user.has_role(Role.MARKETER) else None,
    }
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


def frame_of(form: Form, tab: str) -> dict[str, Any]:
    """What stands above each page of a form."""
    now = timezone.now()
    return {
        "form": form,
        "tab": tab,
        "is_open": form.is_open(now),
        "opens_later": bool(form.is_published and form.opens_at and now < form.opens_at),
        "has_changes": drafting.has_changes(form),
        "keeps": unfinished.mode_of(form.published) if form.published else "",
        "address": f"{settings.SITE_URL}/f/{form.slug}/",
    }


@role_required(*OFFICE)
@require_GET
def form_page(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    until = timezone.now()
    since = until - timedelta(days=DAYS - 1)
    stats = queries.stats_of(form, since=since.date(), until=until.date())
    context = {
        **frame_of(form, "numbers"),
        "stats": stats,
        "chart": [
            (f"{day:%-d %b}" if n % 5 == 0 else "", sent)
            for n, (day, _, sent) in enumerate(stats.days)
        ],
        "row": queries.form_rows(since=since, only=form)[0],
        "waiting": queries.waiting_items(form),
        "confirmations": queries.confirmations_of(form, since=since),
        "unfinished": waiting(form),
        "days": DAYS,
    }
    return render(request, "leads/forms/form.html", context)


@role_required(*OFFICE)
@require_GET
def form_embed(request: HttpRequest, slug: str) -> HttpResponse:
    """Four ways out, each to copy."""
    form = find(slug)
    version = form.published or drafting.draft_of(form).as_version(form)
    shown = [(questions.kind_of(each), each, questions.choices_of(each)) for each in version.fields]
    context = {**frame_of(form, "embed"), "version": version, "questions": shown}
    return render(request, "leads/forms/embed.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def form_versions(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    number = request.POST.get("restore", "")
    if request.method == "POST" and number.isdecimal():
        if not form.versions.filter(number=number).exists():
            return redirect("form-versions", slug=slug)
        drafts.restore_version(form.pk, int(number))
        messages.success(request, f"Version {number} is the draft now. Publish it to make it live.")
        return redirect("form-edit", slug=slug)
    context = {**frame_of(form, "versions"), "rows": queries.version_rows(form)}
    return render(request, "leads/forms/versions.html", context)


@role_required(*OFFICE)
@require_GET
def form_answers(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    page = keyset_page(
        queries.submissions_of(form, user_of(request)),
        ordering=["-received_at", "-pk"],
        size=50,
        cursor=request.GET.get("cursor"),
    )
    context = {**frame_of(form, "answers"), "page": page}
    return render(request, "leads/forms/answers.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def form_settings(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    entry = SettingsForm(request.POST or None, instance=find(slug))
    wishes = WishForm(request.POST or None, wishes=form.wishes)
    if entry.is_valid() & wishes.is_valid():
        actions.change_form(form.pk, {**entry.values, "wishes": wishes.wishes})
        messages.success(request, "Saved. It holds from now on.")
        return redirect("form-settings", slug=slug)
    context = {**frame_of(form, "settings"), "entry": entry, "wishes": wishes}
    failed = max(status_of(entry), status_of(wishes))
    return render(request, "leads/forms/settings.html", context, status=failed)


@role_required(*OFFICE)
@require_POST
def form_unpublish(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    actions.unpublish_form(form.pk)
    messages.success(request, f"“{form.name}” is closed. What still arrives waits in Captures.")
    return redirect("form-page", slug=slug)


@role_required(*OFFICE)
@require_POST
def form_publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Open a closed form again with its newest version."""
    form = find(slug)
    version = actions.republish_form(form.pk)
    if version is None:
        return redirect("form-edit", slug=slug)
    messages.success(request, f"“{form.name}” is open again, with version {version.number}.")
    return redirect("form-page", slug=slug)


@role_required(*OFFICE)
@require_POST
def form_copy(request: HttpRequest, slug: str) -> HttpResponse:
    copy = actions.duplicate_form(find(slug).pk)
    messages.success(request, "This is the copy. It is not published yet.")
    return redirect("form-edit", slug=copy.slug)


@role_required(*OFFICE)
@require_POST
def form_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Off the list and closed; posted again it comes back as it was."""
    form = find(slug)
    if form.archived_at is not None:
        actions.unarchive_form(form.pk)
        return redirect("form-page", slug=slug)
    actions.archive_form(form.pk, at=timezone.now())
    messages.success(
        request, f"“{form.name}” is archived.", extra_tags=f"undo:/forms/{slug}/archive/"
    )
    return redirect("form-list")


@role_required(*OFFICE)
@require_POST
def form_delete(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    try:
        actions.delete_form(form.pk)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("form-settings", slug=slug)
    messages.success(request, f"“{form.name}” is deleted.")
    return redirect("form-list")


@role_required(*OFFICE)
@require_GET
def consent_list(request: HttpRequest) -> HttpResponse:
    context = {"texts": queries.consent_texts()[:500]}
    return render(request, "leads/forms/consents.html", context)
