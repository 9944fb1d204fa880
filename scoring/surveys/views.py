"""Surveys in the office: the list, what came of one, its responses, versions and settings."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import keyset_page
from leads.models import Lead
from leads.queries import record
from scoring.actions import surveys as actions
from scoring.models import Survey
from scoring.surveys import links, results
from scoring.surveys.forms import NewSurveyForm, SettingsForm

OFFICE = (Role.MARKETER, Role.MANAGER)


def find(slug: str) -> Survey:
    return get_object_or_404(Survey.objects.select_related("published"), slug=slug)


def frame_of(survey: Survey, tab: str) -> dict[str, Any]:
    """What stands above each page of a survey."""
    return {
        "survey": survey,
        "tab": tab,
        "is_open": survey.is_open(timezone.now()),
        "has_changes": actions.has_changes(survey),
        "address": links.public_link(survey),
    }


@role_required(*OFFICE)
@require_GET
def survey_list(request: HttpRequest) -> HttpResponse:
    archived, now = "archived" in request.GET, timezone.now()
    rows = [(row, row.is_open(now)) for row in results.survey_rows(archived=archived)]
    return render(request, "scoring/surveys/list.html", {"rows": rows, "archived": archived})


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def survey_new(request: HttpRequest) -> HttpResponse:
    entry = NewSurveyForm(request.POST or None)
    if entry.is_valid():
        try:
            survey = actions.create_survey(**entry.cleaned_data, user=user_of(request))
        except DomainError as error:
            entry.add_error("slug", error.detail)
        else:
            return redirect("survey-edit", slug=survey.slug)
    status = 422 if entry.errors else 200
    return render(request, "scoring/surveys/new.html", {"form": entry}, status=status)


@role_required(*OFFICE)
@require_GET
def survey_results(request: HttpRequest, slug: str) -> HttpResponse:
    survey = find(slug)
    found = results.results_of(survey)
    if found is None:
        return redirect("survey-edit", slug=slug)
    context = {**frame_of(survey, "results"), "results": found}
    return render(request, "scoring/surveys/results.html", context)


@role_required(*OFFICE)
@require_GET
def survey_responses(request: HttpRequest, slug: str) -> HttpResponse:
    survey = find(slug)
    page = keyset_page(
        results.responses_of(survey, user_of(request)),
        ordering=["-started_at", "-pk"],
        size=50,
        cursor=request.GET.get("cursor"),
    )
    context = {**frame_of(survey, "responses"), "page": page}
    return render(request, "scoring/surveys/responses.html", context)


@role_required(Role.REP, *OFFICE)
@require_GET
def survey_response(request: HttpRequest, slug: str, response_id: str) -> HttpResponse:
    """What one person said. A rep sees those of the leads they may see."""
    survey, user = find(slug), user_of(request)
    rows = results.responses_of(survey, user)
    if not user.has_role(*OFFICE):
        rows = rows.filter(lead__isnull=False)
    response = get_object_or_404(rows, public_id=response_id[:12])
    context = {
        **frame_of(survey, "responses"),
        "response": response,
        "lines": results.lines_of(response),
        "is_office": user.has_role(*OFFICE),
    }
    return render(request, "scoring/surveys/response.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def survey_versions(request: HttpRequest, slug: str) -> HttpResponse:
    survey = find(slug)
    number = request.POST.get("restore", "")
    if request.method == "POST" and number.isdecimal() and len(number) < 9:
        actions.restore_survey_version(survey.pk, int(number))
        messages.success(request, f"Version {number} is the draft now. Publish it to make it live.")
        return redirect("survey-edit", slug=slug)
    versions = survey.versions.select_related("published_by").order_by("-number")
    context = {**frame_of(survey, "versions"), "versions": versions}
    return render(request, "scoring/surveys/versions.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def survey_settings(request: HttpRequest, slug: str) -> HttpResponse:
    survey = find(slug)
    entry = SettingsForm(request.POST or None, instance=find(slug))
    if entry.is_valid():
        actions.change_survey(survey.pk, entry.cleaned_data)
        messages.success(request, "Saved. It holds from now on.")
        return redirect("survey-settings", slug=slug)
    context = {**frame_of(survey, "settings"), "entry": entry}
    status = 422 if entry.errors else 200
    return render(request, "scoring/surveys/settings.html", context, status=status)


@role_required(*OFFICE)
@require_POST
def survey_deed(request: HttpRequest, slug: str, deed: str) -> HttpResponse:
    """publish, unpublish, duplicate, archive, discard, delete."""
    survey = find(slug)
    try:
        return DEEDS.get(deed, _nothing)(request, survey)
    except actions.NotReady as error:
        messages.error(request, error.detail)
        return redirect("survey-edit", slug=slug)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("survey-settings", slug=slug)


def _publish(request: HttpRequest, survey: Survey) -> HttpResponse:
    version = actions.publish_survey(survey.pk, user=user_of(request))
    messages.success(request, f"Version {version.number} is live.")
    return redirect("survey-results", slug=survey.slug)


def _unpublish(request: HttpRequest, survey: Survey) -> HttpResponse:
    actions.unpublish_survey(survey.pk)
    messages.success(request, f"“{survey.name}” is closed. Who has begun may finish.")
    return redirect("survey-results", slug=survey.slug)


def _duplicate(request: HttpRequest, survey: Survey) -> HttpResponse:
    copy = actions.duplicate_survey(survey.pk, user=user_of(request))
    messages.success(request, "This is the copy. It is not published yet.")
    return redirect("survey-edit", slug=copy.slug)


def _archive(request: HttpRequest, survey: Survey) -> HttpResponse:
    if survey.archived_at is not None:
        actions.unarchive_survey(survey.pk)
        return redirect("survey-results", slug=survey.slug)
    actions.archive_survey(survey.pk, at=timezone.now())
    undo = f"undo:/surveys/{survey.slug}/archive/"
    messages.success(request, f"“{survey.name}” is archived.", extra_tags=undo)
    return redirect("survey-list")


def _discard(request: HttpRequest, survey: Survey) -> HttpResponse:
    actions.discard_survey_draft(survey.pk)
    messages.success(request, "The draft is gone; the published version is where you start from.")
    return redirect("survey-results", slug=survey.slug)


def _delete(request: HttpRequest, survey: Survey) -> HttpResponse:
    actions.delete_survey(survey.pk)
    messages.success(request, f"“{survey.name}” is deleted.")
    return redirect("survey-list")


def _nothing(request: HttpRequest, survey: Survey) -> HttpResponse:
    return redirect("survey-results", slug=survey.slug)


DEEDS = {
    "publish": _publish,
    "unpublish": _unpublish,
    "duplicate": _duplicate,
    "archive": _archive,
    "discard": _discard,
    "delete": _delete,
}


# ---- from the lead's page ----


@require_GET
def lead_surveys(request: HttpRequest, lead_id: str) -> HttpResponse:
    """A personal link of each open survey to copy, and what the lead has answered."""
    lead: Lead = record.find(request.user, lead_id)
    now = timezone.now()
    live = Survey.objects.filter(published__isnull=False, archived_at=None)
    offered = [
        (survey, links.personal_link(survey, lead, at=now))
        for survey in live.order_by("name", "pk")
        if survey.is_open(now)
    ]
    answered = lead.survey_responses.select_related("survey").order_by("-started_at", "-pk")[:100]
    context = {"lead": lead, "offered": offered, "answered": answered, "section": "leads"}
    return render(request, "scoring/surveys/lead.html", context)
