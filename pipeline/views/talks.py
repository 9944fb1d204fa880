"""Meetings, files, templates of e-mails, and corrections of what was written down."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leads.actions.attachments import attach, remove_attachment
from leads.actions.corrections import correct
from leads.models import Activity, Attachment
from pipeline.actions import letters, meetings
from pipeline.forms import LetterTemplateForm, MeetingForm, MeetingOutcomeForm, show_refusal
from pipeline.models import LetterTemplate, Meeting
from pipeline.queries import talks
from pipeline.views.doors import done, find_lead, next_of
from pipeline.views.leads import check, next_words, page_of

TEMPLATES = "/settings/email-templates/"
get_or_post = require_http_methods(["GET", "POST"])


# Meetings -----------------------------------------------------------------------------------------


@require_POST
def book(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(MeetingForm(request.POST))
    made = meetings.book_meeting(lead.pk, form.plan, user=user_of(request), at=timezone.now())
    invited = " The invitation is on its way." if made.is_invited else ""
    words = f"Meeting booked: {meetings.when_of(made)}.{invited}"
    return done(request, words, to=next_of(request, page_of(lead)))


def find_meeting(request: HttpRequest, key: str) -> Meeting:
    found = talks.meetings_visible_to(request.user).filter(public_id=key).first()
    if found is None:
        raise NotFound
    return found


@get_or_post
def meeting(request: HttpRequest, meeting_id: str) -> HttpResponse:
    """Move it, call it off, or write down what came of it."""
    found = find_meeting(request, meeting_id)
    form = MeetingForm(request.POST or None, initial=initial_of(found))
    if form.is_valid():
        try:
            moved = meetings.move_meeting(
                found, form.plan, user=user_of(request), at=timezone.now()
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            words = f"Meeting moved: {meetings.when_of(moved)}."
            return done(request, words, to=page_of(found.lead))
    context = {
        "meeting": found,
        "lead": found.lead,
        "form": form,
        "when": meetings.when_of(found),
        "outcome_form": MeetingOutcomeForm(auto_id="outcome-%s"),
        "at": timezone.now(),
    }
    status = 422 if form.errors else 200
    return render(request, "pipeline/meeting.html", context, status=status)


def initial_of(found: Meeting) -> dict[str, Any]:
    return {
        "title": found.title,
        "starts_at": timezone.localtime(found.starts_at),
        "minutes": int((found.ends_at - found.starts_at).total_seconds() // 60),
        "place": found.place,
        "agenda": found.agenda,
        "invites": found.is_invited,
    }


@require_POST
def meeting_close(request: HttpRequest, meeting_id: str) -> HttpResponse:
    found, at, user = find_meeting(request, meeting_id), timezone.now(), user_of(request)
    to = next_of(request, page_of(found.lead))
    if request.POST.get("outcome") == "cancelled":
        reason = request.POST.get("note", "")
        meetings.cancel_meeting(found, user=user, at=at, reason=reason)
        return done(request, f"“{found.title}” is called off.", to=to)
    form = check(MeetingOutcomeForm(request.POST))
    outcome, follow_up = (
        form.cleaned_data["outcome"],
        form.follow_up(found.lead, form.cleaned_data["outcome"]),
    )
    meetings.close_meeting(
        found,
        user=user,
        at=at,
        outcome=outcome,
        note=form.cleaned_data["note"],
        follow_up=follow_up,
    )
    return done(request, f"“{found.title}” is written down.{next_words(follow_up)}", to=to)


@require_GET
def invitation(request: HttpRequest, meeting_id: str) -> HttpResponse:
    """For the calendar of whoever hosts it."""
    found = find_meeting(request, meeting_id)
    response = HttpResponse(meetings.calendar_of(found), content_type="text/calendar")
    response["Content-Disposition"] = 'attachment; filename="meeting.ics"'
    return response


# Files --------------------------------------------------------------------------------------------


@require_POST
def add_file(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = find_lead(request, lead_id)
    uploads = request.FILES.getlist("file")
    if not uploads:
        raise Invalid.field("file", "Choose a file first.", "required")
    for upload in uploads[:20]:
        attach(lead.pk, upload, user=user_of(request), at=timezone.now())
    words = "1 file kept." if len(uploads) == 1 else f"{len(uploads[:20])} files kept."
    return done(request, words, to=next_of(request, page_of(lead)))


def find_file(request: HttpRequest, key: str) -> Attachment:
    found = talks.attachments_visible_to(request.user).filter(public_id=key).first()
    if found is None:
        raise NotFound
    return found


@require_GET
def file(request: HttpRequest, file_id: str) -> StreamingHttpResponse:
    """Streamed as a download, whatever is in it: never shown as a page of ours."""
    found = find_file(request, file_id)
    if not found.file.name or not found.file.storage.exists(found.file.name):
        raise NotFound
    response = StreamingHttpResponse(chunks_of(found), content_type=found.content_type)
    response["Content-Length"] = str(found.size)
    header = content_disposition_header(as_attachment=True, filename=found.filename)
    response["Content-Disposition"] = header or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def chunks_of(attachment: Attachment) -> Iterator[bytes]:
    """Opened only when somebody reads, and closed when they stop."""
    with attachment.file.open("rb") as content:
        yield from content.chunks()


@require_POST
def file_remove(request: HttpRequest, file_id: str) -> HttpResponse:
    found = find_file(request, file_id)
    remove_attachment(found, user=user_of(request), at=timezone.now())
    words = f"“{found.filename}” is removed."
    return done(request, words, to=next_of(request, page_of(found.lead)))


# Corrections --------------------------------------------------------------------------------------


@get_or_post
def correction(request: HttpRequest, lead_id: str, activity_id: int) -> HttpResponse:
    """What stands on the timeline stays; what was wrong about it is said in a new entry."""
    lead = find_lead(request, lead_id)
    entry = Activity.objects.filter(pk=activity_id, lead=lead).select_related("user").first()
    if entry is None:
        raise NotFound
    if request.method == "GET":
        return render(request, "pipeline/correction.html", {"lead": lead, "entry": entry})
    text = request.POST.get("text", "")
    correct(entry, text, user=user_of(request), at=timezone.now())
    return done(request, "The correction stands on the timeline.", to=page_of(lead))


# Templates ----------------------------------------------------------------------------------------


@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    rows = [(each, letters.may_change(each, user)) for each in talks.templates_for(user)]
    return render(request, "pipeline/settings/templates.html", {"rows": rows})


@get_or_post
def template_new(request: HttpRequest) -> HttpResponse:
    form = LetterTemplateForm(request.POST or None)
    return template_form(request, form, None)


@get_or_post
def template_edit(request: HttpRequest, template_id: int) -> HttpResponse:
    user = user_of(request)
    found = LetterTemplate.objects.filter(pk=template_id, archived_at=None).first()
    if found is None or not letters.may_change(found, user):
        raise NotFound
    if request.POST.get("do") == "archive":
        letters.archive_template(found, user=user, at=timezone.now())
        return done(request, f"“{found}” is gone.", to=TEMPLATES)
    initial = {"name": found.name, "subject": found.subject, "body": found.body}
    form = LetterTemplateForm(
        request.POST or None, initial={**initial, "shared": found.owner_id is None}
    )
    return template_form(request, form, found)


def template_form(
    request: HttpRequest, form: LetterTemplateForm, template: LetterTemplate | None
) -> HttpResponse:
    user = user_of(request)
    if form.is_valid():
        try:
            saved = letters.save_template(
                **form.cleaned_data, user=user, at=timezone.now(), template=template
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, f"Saved “{saved}”.", to=TEMPLATES)
    context = {"form": form, "template": template, "places": letters.PLACES}
    status = 422 if form.errors else 200
    return render(request, "pipeline/settings/template.html", context, status=status)
