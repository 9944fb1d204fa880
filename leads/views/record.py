"""The page of one lead: reading it, changing it, and writing on its timeline."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError, Invalid, StaleVersion
from leadcrm.lib.toasts import toast
from leads import actions, panels, undo
from leads.actions.leads import EmailTaken
from leads.forms.leads import EditForm, FieldForm, LeadForm, NoteForm, differs, seen_in, values_of
from leads.forms.origin import OriginForm
from leads.forms.values import PREFIX
from leads.models import Lead
from leads.queries import duplicates, record
from leads.views.pages import LeadPage, Timeline, field_of


@require_GET
@vary_on_headers("HX-Request")
def lead_page(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = record.find(request.user, lead_id, **record.page_extras(), **duplicates.signs())
    if lead.public_id != lead_id:  # it was merged; not to be kept, for that can be undone
        moved = redirect(f"/leads/{lead.public_id}/", permanent=True)
        add_never_cache_headers(moved)
        return moved
    return render(request, "leads/lead.html", LeadPage(request, lead).context())


@require_GET
def later_panels(request: HttpRequest, lead_id: str) -> HttpResponse:
    """The panels that the page did not wait for, each to take its place: a part of the page."""
    lead = record.find(request.user, lead_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"/leads/{lead.public_id}/?open=all")
    shown = panels.later_panels(lead, request.user, at=timezone.now())
    return render(request, "leads/later.html#coming", {"lead": lead, "coming": shown})


@require_GET
def timeline(request: HttpRequest, lead_id: str) -> HttpResponse:
    """The timeline of one group, or its next entries: a part of the page."""
    lead = record.find(request.user, lead_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"/leads/{lead.public_id}/?{request.GET.urlencode()}")
    part = "more" if "cursor" in request.GET else "timeline"
    context = {"lead": lead, "timeline": Timeline(request, lead)}
    return render(request, f"leads/timeline.html#{part}", context)


@require_http_methods(["GET", "POST"])
def lead_new(request: HttpRequest) -> HttpResponse:
    form, user = LeadForm(_posted(request)), _user(request)
    origin = OriginForm(_posted(request), user=user)
    if form.is_valid() & (not origin.is_bound or origin.is_valid()):
        at = timezone.now()
        try:
            lead = actions.create_lead(form.contact, at=at, actor=user, user=user)
        except DomainError as error:
            return _refused(request, "leads/lead_new.html", form, error, origin=origin)
        origin.keep(lead, at=at)
        messages.success(request, f"Added {lead.name}.")
        return redirect(f"/leads/{lead.public_id}/")
    return _form_page(request, "leads/lead_new.html", form, origin=origin)


@require_http_methods(["GET", "POST"])
def lead_edit(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    form = EditForm(_posted(request), initial=values_of(lead), lead=lead)
    if form.is_valid():
        try:
            _save(request, lead, form)
        except DomainError as error:
            return _refused(request, "leads/lead_edit.html", form, error, lead=lead)
        messages.success(request, "Saved.")
        return redirect(f"/leads/{lead.public_id}/")
    return _form_page(request, "leads/lead_edit.html", form, lead=lead)


@require_http_methods(["GET", "POST"])
def lead_field(request: HttpRequest, lead_id: str, name: str) -> HttpResponse:
    """One field in its place: read, being edited, or refused."""
    lead = record.find(request.user, lead_id)
    if request.method == "GET":
        if not request.headers.get("HX-Request"):
            return redirect(f"/leads/{lead.public_id}/edit/")
        part = "read" if "read" in request.GET else "edit"
        start = values_of(lead) | {"was": seen_in(lead, name)}
        return _field(request, lead, FieldForm(name, initial=start, lead=lead), part)
    return _save_field(request, lead, FieldForm(name, request.POST, lead=lead))


def _save_field(request: HttpRequest, lead: Lead, form: FieldForm) -> HttpResponse:
    if not form.is_valid():
        return _field(request, lead, form, "edit", status=422)
    try:
        lead = _save(request, lead, form)
    except StaleVersion:
        if not _is_untouched(lead, form):
            return _field(request, lead, form, "conflict", status=412)
        lead = actions.update_lead(
            lead.pk, form.contact, at=timezone.now(), actor=_user(request), user=_user(request)
        )
    except DomainError as error:
        _add_error(request, form, error)
        return _field(request, lead, form, "edit", status=422)
    return _field(request, lead, form, "read")


def _is_untouched(lead: Lead, form: FieldForm) -> bool:
    """Whether the others' change was to another field, so that this one is still as it was seen."""
    was: str = form.cleaned_data["was"]
    return seen_in(lead, form.name) == was


def _field(
    request: HttpRequest, lead: Lead, form: FieldForm, part: str, *, status: int = 200
) -> HttpResponse:
    context = {"lead": lead, "form": form, "field": field_of(lead, form.name)}
    return render(request, f"leads/field.html#{part}", context, status=status)


@require_POST
def add_note(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("body", "Write something before saving the note.", "required")
    body = form.cleaned_data["body"]
    actions.add_note(lead.pk, body, author=_user(request), at=timezone.now())
    if not request.headers.get("HX-Request"):
        messages.success(request, "Note saved.")
        return redirect(f"/leads/{lead.public_id}/")
    context = {"lead": lead, "timeline": Timeline(request, lead)}
    return toast(render(request, "leads/timeline.html#noted", context), "Note saved.")


@require_http_methods(["GET", "POST"])
def tags(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Add or remove tags; the field to type them in."""
    lead = record.find(request.user, lead_id)
    if remove := request.POST.get("remove"):
        actions.remove_tag(lead.pk, remove.replace("\x00", ""))
    elif request.method == "POST":
        actions.add_tags([lead.pk], [request.POST.get("tags", "")])
    if not request.headers.get("HX-Request"):
        return redirect(f"/leads/{lead.public_id}/")
    part = "adding" if request.method == "GET" and "read" not in request.GET else "tags"
    context = {"lead": lead, "tags": record.tags_of(lead.pk)}
    return render(request, f"leads/tags.html#{part}", context)


@require_POST
def lead_delete(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = record.find(request.user, lead_id)
    at, user = timezone.now(), _user(request)
    actions.delete_leads([lead.pk], at=at, actor=user)
    path = undo.path_for("delete", user, at)
    messages.success(request, f"Deleted {lead.name}.", extra_tags=f"undo:{path}")
    return redirect("/leads/")


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _save(request: HttpRequest, lead: Lead, form: EditForm | FieldForm) -> Lead:
    user = _user(request)
    version = None if "keep" in request.POST else form.cleaned_data["version"]
    return actions.update_lead(
        lead.pk, form.contact, at=timezone.now(), version=version, actor=user, user=user
    )


def _form_page(request: HttpRequest, template: str, form: LeadForm, **context: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, template, {"form": form, **context}, status=status)


def _refused(
    request: HttpRequest, template: str, form: LeadForm, error: DomainError, **context: Any
) -> HttpResponse:
    _add_error(request, form, error)
    if isinstance(error, EmailTaken):
        context["twin"] = Lead.objects.visible_to(request.user).filter(pk=error.lead.pk).first()
    if isinstance(error, StaleVersion):
        lead = record.find(request.user, context["lead"].public_id)
        context["lead"], context["stale"] = lead, True
        context["differing"] = [
            (form[name].label, field_of(lead, name).value)
            for name, mine in form.cleaned_data.items()
            if name in form.named and differs(lead, name, mine)
        ]
    return render(request, template, {"form": form, **context}, status=error.status)


def _add_error(request: HttpRequest, form: LeadForm, error: DomainError) -> None:
    for item in error.errors:
        name = item.field.replace("custom.", PREFIX, 1)
        form.add_error(name if name in form.fields else None, item.message)
    if not error.errors and not isinstance(error, StaleVersion):
        form.add_error(None, error.detail)
