"""What the pipeline shows on a lead's page, and counts beside the navigation."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from leadcrm.accounts.models import User, Workspace
from leadcrm.accounts.navigation import badge
from leads.attribution import channels
from leads.attribution.credit import MODELS
from leads.clocks import reply_clock
from leads.models import Lead, Lifecycle, Stage, Touch
from leads.panels import Place, panel
from leads.queries.record import Path, path_of
from pipeline import queries
from pipeline.forms import LENGTHS, SNOOZES, CallForm, EmailForm, OwnerForm, TaskForm
from pipeline.models import Assignment, Deal, RoutingDecision
from pipeline.queries import my_day, selling, talks, watch
from pipeline.reports.attribution import touch_credit

badge("day", meaning="replies over target")(my_day.late_replies)
badge("routing", meaning="alarms of the watch")(watch.count_alarms)


@panel("stage", place=Place.SUMMARY, position=20, template="pipeline/panel_stage.html")
def stage(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    lost = lead.stage is not None and lead.stage.category == Stage.Category.LOST
    hidden = Stage.Category.WON if lost else Stage.Category.LOST
    position = lead.stage.position if lead.stage and not lost else -1
    steps = [
        {"stage": step, "done": step.position < position, "now": step.pk == lead.stage_id}
        for step in queries.stage_list(lead.stage.pipeline_id if lead.stage else None)
        if step.category != hidden
    ]
    days = (at - lead.stage_entered_at).days if lead.stage_entered_at else None
    return {"steps": steps, "days": days, "is_open": lead.stage is None or lead.stage.is_open}


@panel("reply", place=Place.SUMMARY, position=30, template="pipeline/panel_reply.html")
def reply(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    clock = reply_clock(lead, at=at)
    started, due = lead.response_started_at, lead.response_due_at
    data: dict[str, Any] = {"clock": clock, "started": started, "due": due, "percent": 0}
    if started and due and due > started:
        data["target"] = due - started
        late = clock.kind == "late"
        data["percent"] = 100 if late else round(100 * ((due - at) / (due - started)))
        data["tone"] = "bad" if late else "warm"
        data["is_today"] = timezone.localdate(started) == timezone.localdate(at)
    return data


@panel("owner", place=Place.SUMMARY, position=40, template="pipeline/panel_owner.html")
def owner(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    assignment = queries.current_assignment(lead.pk)
    form = OwnerForm(auto_id="owner-%s")
    here = lead.owner.public_id if lead.owner else ""
    return {
        "assignment": assignment,
        "why": _how_it_came(assignment),
        "people": form.fields["owner"].choices,  # type: ignore[attr-defined]
        "here": here,
        "to_accept": bool(assignment and assignment.owner == user and not assignment.accepted_at),
    }


def _how_it_came(assignment: Assignment | None) -> str:
    if assignment is None:
        return ""
    if assignment.decision is not None and assignment.decision.rule_name:
        return f"Routed: {assignment.decision.rule_name}"
    by = f" by {assignment.actor}" if assignment.actor else ""
    return f"{assignment.get_cause_display()}{by}"


@panel("next", place=Place.SIDE, position=10, template="pipeline/panel_next.html")
def next_steps(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"tasks": list(queries.open_tasks_of(lead.pk)[:20]), "at": at, "snoozes": SNOOZES}


@panel("deals", place=Place.SIDE, position=40, template="pipeline/panel_deals.html", later="Deals")
def deals(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    found = list(queries.deals_of(lead.pk)[:20])
    worth = selling.by_currency(deal for deal in found if deal.state == Deal.State.OPEN)
    return {"deals": found, "worth": worth, "currency": Workspace.load().currency}


@panel(
    "routing",
    place=Place.DETAILS,
    position=60,
    template="pipeline/panel_routing.html",
    later="Routing",
)
def routing(lead: Lead, user: User, at: datetime) -> dict[str, Any] | None:
    decision: RoutingDecision | None = queries.latest_decision(lead.pk)
    return {"decision": decision} if decision else None


@panel("email", place=Place.COMPOSER, position=10, template="pipeline/panel_email.html")
def email(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    form = EmailForm(initial=talks.beginning(lead, user).initial)
    return {"label": "E-mail", "icon": "mail", "key": "r", "form": form}


@panel("call", place=Place.COMPOSER, position=20, template="pipeline/panel_call.html")
def call(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"label": "Call", "icon": "phone", "key": "c", "form": CallForm()}


@panel("task", place=Place.COMPOSER, position=30, template="pipeline/panel_task.html")
def task(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"label": "Task", "icon": "list-todo", "key": "t", "form": TaskForm()}


@panel("meeting", place=Place.COMPOSER, position=25, template="pipeline/panel_meeting.html")
def meeting(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"label": "Meeting", "icon": "calendar-plus", "lengths": LENGTHS}


@panel("file", place=Place.COMPOSER, position=40, template="pipeline/panel_file.html")
def file(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"label": "File", "icon": "paperclip"}


@panel(
    "meetings",
    place=Place.SIDE,
    position=15,
    template="pipeline/panel_meetings.html",
    later="Meetings",
)
def meetings(lead: Lead, user: User, at: datetime) -> dict[str, Any] | None:
    found = talks.upcoming(lead, at=at)
    return {"meetings": found, "at": at} if found else None


@panel("files", place=Place.SIDE, position=60, template="pipeline/panel_files.html", later="Files")
def files(lead: Lead, user: User, at: datetime) -> dict[str, Any] | None:
    found = list(talks.attachments_visible_to(user).filter(lead=lead).order_by("-pk")[:50])
    return {"files": found} if found else None


@panel("verdict", place=Place.ACTIONS, position=5, template="pipeline/panel_verdict.html")
def verdict(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    return {"rest": lead.lifecycle == Lifecycle.DISQUALIFIED}


@panel("move", place=Place.ACTIONS, position=10, template="pipeline/panel_move.html")
def move(lead: Lead, user: User, at: datetime) -> dict[str, Any]:
    """The next stage; a closed lead can be opened again."""
    position = lead.stage.position if lead.stage else -1
    ahead = (
        step
        for step in queries.stage_list(lead.stage.pipeline_id if lead.stage else None)
        if step.position > position and step.category in {"open", "won"}
    )
    closed = lead.stage is not None and not lead.stage.is_open
    return {"to": None if closed else next(ahead, None), "closed": closed}


@panel(
    "came",
    place=Place.DETAILS,
    position=5,
    template="pipeline/panel_came.html",
    later="How they came",
)
def came(lead: Lead, user: User, at: datetime) -> dict[str, Any] | None:
    path = path_of(lead.pk)
    if path is None:
        return None
    kind, credit = touch_credit(lead.pk)
    touches = [_touch(touch, path, user) for touch in path.touches]
    return {
        "touches": touches,
        "left_out": path.left_out,
        "kind": KIND_WORDS[kind],
        "credit": _credit(touches, credit) if credit and len(touches) > 1 else [],
    }


KIND_WORDS = {
    "lead": "this inquiry",
    "mql": "the marketing qualification",
    "sql": "the sales qualification",
    "won": "the win",
}


def _credit(
    touches: list[dict[str, Any]], credit: dict[int, dict[str, float]]
) -> list[tuple[str, list[tuple[dict[str, Any], float]]]]:
    """By model, the touches that get some of it."""
    shares = [(each, credit.get(each["touch"].pk, {})) for each in touches]
    return [
        (label, [(each, found[model]) for each, found in shares if found.get(model)])
        for model, label in MODELS.items()
    ]


def _touch(touch: Touch, path: Path, user: User) -> dict[str, Any]:
    marks = [
        word
        for word, is_so in (
            ("first", touch == path.first and len(path.touches) > 1),
            ("made the lead", touch.pk == path.creating),
            ("last", touch == path.last and len(path.touches) > 1),
        )
        if is_so
    ]
    referrer = touch.referred_by
    seen = referrer and Lead.objects.visible_to(user).filter(pk=referrer.pk).exists()
    return {
        "touch": touch,
        "channel": channels.label_of(touch.channel),
        "icon": channels.icon_of(touch.channel),
        "marks": ", ".join(marks),
        "referrer": referrer if seen else None,
    }
