"""What is done with one lead, from its page and from my day: calls, e-mails, tasks, owner."""

from typing import TypeVar

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import FieldError, Invalid
from leads.models import Lead
from pipeline import actions, queries
from pipeline.actions.day import come_back_later, finish_for_today
from pipeline.actions.letters import fill, send_letter
from pipeline.forms import CallForm, DealForm, EmailForm, OwnerForm, SnoozeForm, TaskForm
from pipeline.queries import talks
from pipeline.views.doors import done, find_lead, is_fragment, next_of, undo_path

Checked = TypeVar("Checked", bound=Form)


def page_of(lead: Lead) -> str:
    return f"/leads/{lead.public_id}/"


def check(form: Checked) -> Checked:
    """The form, if it can be used.

    :raises Invalid: naming each field.
    """
    if not form.is_valid():
        errors = [
            FieldError(name, str(message))
            for name, messages in form.errors.items()
            for message in messages
        ]
        first = errors[0]
        name = form[first.field].label if first.field in form.fields else "This form"
        raise Invalid(f"{name}: {first.message}", errors=errors)
    return form


@require_POST
def log_call(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(CallForm(request.POST))
    given = form.cleaned_data
    follow_up = form.follow_up(lead, given["outcome"])
    actions.log_call(
        lead.pk,
        user=user_of(request),
        outcome=given["outcome"],
        at=timezone.now(),
        note=given["note"],
        minutes=given["minutes"],
        follow_up=follow_up,
    )
    words = f"Call with {lead.name} logged.{next_words(follow_up)}"
    return done(request, words, to=next_of(request, page_of(lead)))


def next_words(follow_up: actions.FollowUp | None) -> str:
    """“ Next: Call Priya again, Friday 09:00.”"""
    if follow_up is None or follow_up.due_at is None:
        return ""
    return f" Next: {follow_up.title}, {timezone.localtime(follow_up.due_at):%A %H:%M}."


@require_http_methods(["GET", "POST"])
def send_email(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Write to a lead, from a template or as an answer; without scripts on a page of its own."""
    lead, user = find_lead(request, lead_id), user_of(request)
    if request.method == "GET":
        return writing(request, lead)
    form = check(EmailForm(request.POST))
    follow_up = form.follow_up(lead, "email")
    send_letter(lead, form.draft, user=user, at=timezone.now(), follow_up=follow_up)
    words = f"E-mail to {lead.name} sent.{next_words(follow_up)}"
    return done(request, words, to=next_of(request, page_of(lead)))


def writing(request: HttpRequest, lead: Lead) -> HttpResponse:
    start = talks.beginning(
        lead,
        user_of(request),
        template=request.GET.get("template", ""),
        reply=request.GET.get("reply", ""),
    )
    filled = {
        name: fill(value, lead, user_of(request)) if name in {"subject", "body"} else value
        for name, value in start.initial.items()
    }
    context = {
        "lead": lead,
        "email_form": EmailForm(initial=filled),
        "start": start,
        "templates": talks.templates_for(user_of(request)),
        "next": next_of(request, page_of(lead)) if "next" in request.GET else "",
    }
    part = "pipeline/compose_email.html" if is_fragment(request) else "pipeline/write.html"
    return render(request, part, context)


@require_POST
def add_task(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(TaskForm(request.POST))
    user = user_of(request)
    task = actions.create_task(
        lead.pk, at=timezone.now(), assignee=user, actor=user, **form.cleaned_data
    )
    return done(request, f"Planned “{task.title}”.", to=next_of(request, page_of(lead)))


@require_POST
def add_deal(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(DealForm(request.POST))
    actions.create_deal(lead.pk, at=timezone.now(), actor=user_of(request), **form.cleaned_data)
    return done(request, "Deal added.", to=next_of(request, page_of(lead)))


@require_POST
def change_owner(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(OwnerForm(request.POST))
    at, owner = timezone.now(), form.person
    made = actions.assign(
        lead.pk, owner=owner, at=at, actor=user_of(request), note=form.cleaned_data["note"]
    )
    path = undo_path(request, "assign", at) if made else ""
    words = f"{lead.name} goes to {owner.name if owner else 'the queue'}."
    return done(request, words, to=after_handing_over(request, lead), undo=path)


def after_handing_over(request: HttpRequest, lead: Lead) -> str:
    """Back to the lead, unless whoever gave it away may not see it any more."""
    if Lead.objects.visible_to(request.user).filter(pk=lead.pk).exists():
        return next_of(request, page_of(lead))
    return "/leads/"


@require_POST
def accept(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = find_lead(request, lead_id)
    actions.accept(lead.pk, user=user_of(request), at=timezone.now())
    return done(request, f"{lead.name} is yours.", to=next_of(request, page_of(lead)))


@require_POST
def decline(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, at = find_lead(request, lead_id), timezone.now()
    reason = request.POST.get("reason", "")
    actions.decline(lead.pk, user=user_of(request), reason=reason, at=at)
    return done(request, f"{lead.name} is back in the queue.", to=next_of(request, "/"))


@require_POST
def snooze(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead, form = find_lead(request, lead_id), check(SnoozeForm(request.POST))
    until = form.moment
    come_back_later(lead.pk, user=user_of(request), until=until, at=timezone.now())
    words = f"{lead.name} comes back {timezone.localtime(until):%A %H:%M}."
    return done(request, words, to=next_of(request, "/"))


@require_POST
def finish(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = find_lead(request, lead_id)
    finish_for_today(lead.pk, user=user_of(request), at=timezone.now())
    return done(request, f"Done with {lead.name} for today.", to=next_of(request, "/"))


@require_POST
def reopen(request: HttpRequest, lead_id: str) -> HttpResponse:
    lead = find_lead(request, lead_id)
    made = actions.reopen_cycle(lead.pk, at=timezone.now(), actor=user_of(request))
    return done(request, f"{lead.name} is open again, in {made.to_stage}.", to=page_of(lead))


@require_GET
def routing_history(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Every decision about a lead's owner, and every owner it had."""
    lead = find_lead(request, lead_id)
    context = {
        "lead": lead,
        "decisions": queries.decisions_of(lead.pk)[:50],
        "assignments": queries.assignments_of(lead.pk)[:100],
        "hops": queries.hops_of(lead.pk)[:50],
    }
    return render(request, "pipeline/routing_history.html", context)
