"""My day: whom to turn to next, why, and everything to do it with."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import NotFound
from leads import timeline
from leads.clocks import local_time
from leads.models import Lead
from pipeline.forms import LENGTHS, SNOOZES, CallForm, EmailForm, TaskForm
from pipeline.queries import my_day, talks
from pipeline.queries.board import card_of
from pipeline.queries.my_day import Day, Item
from pipeline.views.doors import find_lead, is_fragment


@require_GET
@vary_on_headers("HX-Request", "HX-Target")
def day(request: HttpRequest) -> HttpResponse:
    at, user = timezone.now(), user_of(request)
    today = my_day.day_of(user, at=at)
    if is_fragment(request) and request.GET.get("mark") == today.mark:
        return HttpResponse(status=204)
    chosen = chosen_lead(request, today)
    context: dict[str, Any] = {"day": today, "chosen": chosen, "explicit": "lead" in request.GET}
    if chosen is not None:
        context |= reader(request, today, chosen)
    part = "#list" if request.headers.get("HX-Target") == "day-list" else "#reader"
    return render(request, f"pipeline/my_day.html{part if is_fragment(request) else ''}", context)


def chosen_lead(request: HttpRequest, today: Day) -> Lead | None:
    """The lead asked for, else the first of the list; one gone since falls back to the first."""
    ids = [request.GET.get("lead", ""), *today.lead_ids[:1]]
    for public_id in filter(None, ids):
        try:
            return find_lead(request, public_id)
        except NotFound:
            continue
    return None


def reader(request: HttpRequest, today: Day, lead: Lead) -> dict[str, Any]:
    """The right side: why now, what was said, and the ways to act."""
    before, after = today.neighbours(lead.public_id)
    item = item_of(today, lead)
    reply = str(item.facts.reply.pk) if item.facts.reply else ""
    start = talks.beginning(lead, user_of(request), reply=reply)
    return {
        "item": item,
        "lead": lead,
        "is_new": any(new.lead.pk == lead.pk for new in today.new),
        "card": card_of(lead.pk, at=today.at),
        "before": before,
        "after": after,
        "next": f"/?lead={after}" if after else "/",
        "local_time": local_time(lead, today.at),
        "entries": [timeline.entry(activity) for activity in my_day.earlier(lead)],
        "currency": Workspace.load().currency,
        "call_form": CallForm(auto_id="call-%s"),
        "email_form": EmailForm(auto_id="email-%s", initial=start.initial),
        "templates": talks.templates_for(user_of(request)),
        "meeting_data": {"lengths": LENGTHS},
        "task_form": TaskForm(auto_id="task-%s"),
        "snoozes": SNOOZES,
    }


def item_of(today: Day, lead: Lead) -> Item:
    """The lead with the facts that the list has read already, else with its own."""
    listed = (item for item in today.items if item.lead.pk == lead.pk)
    found = next(listed, None)
    if found is not None:
        return found
    facts = my_day.facts_of([lead.pk], at=today.at)
    return Item(lead, facts.get(lead.pk, my_day.Facts()), today.at)
