"""The board: lanes of cards, moving one, and taking a move back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.toasts import toast
from leads import filters, undo
from leads.actions.saved_views import delete_view
from leads.actions.saved_views import save_view as save_saved_view
from leads.models import Lead, Pipeline, Stage
from leads.queries import saved_views
from pipeline import actions, queries
from pipeline.actions.undoing import undo_assignments, undo_moves
from pipeline.forms import BoardFilterForm, MoveForm, show_refusal
from pipeline.models import Deal, Transition
from pipeline.queries import board as boards
from pipeline.views.doors import done, find_lead, is_fragment, next_of, undo_path

PAGE = "/pipeline/"
NO_FILTER = {"mark", "seen", "after", "cursor", "sort", "view", "pipeline"}
VIEWS = "pipeline"  # the page whose saved views these are


def query_of(request: HttpRequest) -> QueryDict:
    """The filters of the address that say something."""
    kept = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        given = [value for value in values if value and "\x00" not in value]
        if given and name not in NO_FILTER:
            kept.setlist(name, given)
    return kept


@require_GET
@vary_on_headers("HX-Request")
def board(request: HttpRequest) -> HttpResponse:
    pulse = boards.pulse(timezone.now())
    if is_fragment(request) and request.GET.get("seen") == pulse:
        return HttpResponse(status=204)
    context = board_context(request) | {"pulse": pulse}
    if not is_fragment(request):
        return render(request, "pipeline/board.html", context)
    if request.GET.get("mark") == context["board"].mark:
        return HttpResponse(status=204, headers={"X-Seen": pulse})
    return render(request, "pipeline/board.html#board", context)


def board_context(request: HttpRequest) -> dict[str, Any]:
    at, query = timezone.now(), query_of(request)
    visible = Lead.objects.visible_to(request.user)
    leads, found = filters.narrowed(visible, query, request)
    pipeline = pipeline_of(request)
    here = address(query, pipeline)
    return {
        "board": boards.board(leads, at=at, visible=visible, pipeline=pipeline),
        "here": here,
        "path": f"{PAGE}?{here}" if here else PAGE,
        "pipeline": pipeline,
        "pipelines": queries.pipelines(),
        "chips": [(chip, without(query, chip.name, pipeline)) for chip in filters.chips(found)],
        "currency": Workspace.load().currency,
        "owner": query.get("owner", ""),
        "everybody": without(query, "owner", pipeline),
        "mine": f"{without(query, 'owner', pipeline)}&owner=me",
        "nobodys": f"{without(query, 'owner', pipeline)}&owner=none",
        "views": saved_views.saved_views_of(user_of(request), page=VIEWS),
        "filtered": bool(query),
    }


def pipeline_of(request: HttpRequest) -> Pipeline | None:
    """The one asked for; None for the default one.

    :raises NotFound: there is none of that name.
    """
    key = request.GET.get("pipeline", "")
    if not key:
        return None
    found = next((each for each in queries.pipelines() if each.key == key), None)
    if found is None:
        raise NotFound
    return None if found.is_default else found


def address(query: QueryDict, pipeline: Pipeline | None) -> str:
    kept = query.copy()
    if pipeline is not None:
        kept["pipeline"] = pipeline.key
    return kept.urlencode(safe=",")


def without(query: QueryDict, name: str, pipeline: Pipeline | None) -> str:
    left = query.copy()
    left.pop(name, None)
    return f"?{address(left, pipeline)}"


@require_GET
def lane(request: HttpRequest, stage: str) -> HttpResponse:
    """More cards of one lane."""
    at, query = timezone.now(), query_of(request)
    leads, _ = filters.narrowed(Lead.objects.visible_to(request.user), query, request)
    pipeline = pipeline_of(request)
    found = queries.stages(pipeline).filter(key=stage).first()
    if found is None:
        raise NotFound
    page = boards.lane_page(leads, found, after=request.GET.get("after", ""), at=at)
    context = {
        "lane": page,
        "here": address(query, pipeline),
        "currency": Workspace.load().currency,
    }
    return render(request, "pipeline/lane.html#cards", context)


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the board under a name."""
    query = QueryDict(request.POST.get("query", ""), mutable=True)
    view = save_saved_view(
        user_of(request),
        name=request.POST.get("name", ""),
        query=query.urlencode(safe=","),
        page=VIEWS,
        shared=request.POST.get("shared") == "1",
    )
    return done(request, f"Saved the view “{view.name}”.", to=f"{PAGE}?{view.query}")


@require_POST
def drop_view(request: HttpRequest, view_id: int) -> HttpResponse:
    view = delete_view(user_of(request), view_id)
    return done(request, f"Deleted the view “{view.name}”.", to=PAGE)


@require_GET
def filter_form(request: HttpRequest) -> HttpResponse:
    form = BoardFilterForm(initial=query_of(request).dict())
    template = "pipeline/filter.html#dialog" if is_fragment(request) else "pipeline/filter.html"
    pipeline = pipeline_of(request)
    return render(request, template, {"form": form, "pipeline": pipeline})


# ---- moving ----


@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Ask where to and, for lost and won, what must be known; then move."""
    lead = find_lead(request, lead_id)
    stages = stages_for(request, lead)
    form = MoveForm(request.POST or None, stages=stages, initial=offered(request, lead, stages))
    if form.is_valid():
        try:
            return moved(request, lead, form)
        except DomainError as error:
            if is_fragment(request):
                raise
            show_refusal(form, error)
            return move_page(request, lead, form, status=error.status)
    return move_page(request, lead, form, status=422 if form.errors else 200)


def stages_for(request: HttpRequest, lead: Lead) -> list[Stage]:
    """Those of the pipeline asked for, else of the one the lead is in."""
    key = request.POST.get("pipeline") or request.GET.get("pipeline") or ""
    chosen = next((each for each in queries.pipelines() if each.key == key), None)
    here = lead.stage.pipeline_id if lead.stage else None
    return queries.stage_list(chosen.pk if chosen else here)


def offered(request: HttpRequest, lead: Lead, stages: list[Stage]) -> dict[str, Any]:
    """The stage asked for, else the one after the present; what the open deal is worth."""
    here = lead.stage.key if lead.stage else ""
    wanted = request.GET.get("stage") or following(lead, stages)
    start: dict[str, Any] = {
        "stage": wanted,
        "expected": request.GET.get("expected", here),
        "pipeline": request.GET.get("pipeline", ""),
    }
    deals = open_deals(lead)
    return start | {"amount": deals[0].amount} if len(deals) == 1 else start


def open_deals(lead: Lead) -> list[Deal]:
    return list(Deal.objects.filter(lead=lead, state=Deal.State.OPEN).order_by("pk")[:20])


def following(lead: Lead, stages: list[Stage]) -> str:
    position = lead.stage.position if lead.stage else -1
    if lead.stage and stages and stages[0].pipeline_id != lead.stage.pipeline_id:
        position = -1
    return next((stage.key for stage in stages if stage.position > position), "")


def move_page(
    request: HttpRequest, lead: Lead, form: MoveForm, *, status: int = 200
) -> HttpResponse:
    stages = stages_for(request, lead)
    chosen = next((each for each in stages if each.key == form["stage"].value()), None)
    asked_for = chosen if "stage" in request.GET else None
    if asked_for is not None:
        form.fields["reason"].required = asked_for.category == Stage.Category.LOST
        form.fields["amount"].required = needs_amount(lead, asked_for)
    deals = open_deals(lead)
    if len(deals) == 1:
        form.fields["amount"].help_text = f"The open deal “{deals[0].name}” becomes won with this."
    elif deals:
        form.fields["amount"].help_text = f"All {len(deals)} open deals are won as they stand."
        form.fields["amount"].disabled = True
    context = {
        "lead": lead,
        "form": form,
        "chosen": asked_for,
        "next": next_of(request, PAGE),
        "currency": Workspace.load().currency,
        "pipelines": queries.pipelines(),
        "here": stages[0].pipeline_id if stages else None,
    }
    template = "pipeline/move.html#dialog" if is_fragment(request) else "pipeline/move.html"
    return render(request, template, context, status=status)


def moved(request: HttpRequest, lead: Lead, form: MoveForm) -> HttpResponse:
    at, given = timezone.now(), form.cleaned_data
    transition = actions.move_to_stage(
        lead.pk,
        to=given["stage"],
        at=at,
        actor=user_of(request),
        expected_stage=given["expected"] or None,
        reason=given["reason"],
        note=given["note"],
        competitor=given["competitor"],
        amount=given["amount"],
        pipeline=given["pipeline"],
    )
    undo = undo_path(request, "move", at) if transition and transition.from_stage_id else ""
    words = f"{lead.name} moved to {name_of(given['stage'], form)}"
    if is_fragment(request):
        return toast(changed_lanes(request, lead, transition), words, undo=undo)
    return done(request, words, to=next_of(request, PAGE), undo=undo)


def name_of(key: str, form: MoveForm) -> str:
    return str(dict(form.fields["stage"].choices).get(key, key))  # type: ignore[attr-defined]


def needs_amount(lead: Lead, stage: Stage) -> bool:
    """A won lead has a deal: one that is there, or the amount that is given now."""
    return stage.category == Stage.Category.WON and not open_deals(lead)


def changed_lanes(request: HttpRequest, lead: Lead, transition: Transition | None) -> HttpResponse:
    """The card and the heads of the lanes it left and entered, for the script to put in place."""
    at = timezone.now()
    leads, _ = filters.narrowed(Lead.objects.visible_to(request.user), query_of(request), request)
    touched = [transition.from_stage, transition.to_stage] if transition else [lead.stage]
    ids = [stage.pk for stage in touched if stage is not None]
    found = Stage.objects.filter(pk__in=ids, category=Stage.Category.OPEN, archived_at=None)
    stages = list(found.order_by("position"))
    lanes = boards.lanes_of(leads, stages, at=at)
    card = boards.card_of(lead.pk, at=at)
    context = {"lanes": lanes, "card": card, "currency": Workspace.load().currency}
    return render(request, "pipeline/moved.html", context)


@require_POST
def undo_deed(request: HttpRequest, deed: str, token: str) -> HttpResponse:
    """Take back a move or an assignment of the last ten minutes."""
    at, user = timezone.now(), user_of(request)
    moment = undo.moment_of(token, deed, user, now=at)
    if deed == "move":
        count = undo_moves(moved_at=moment, actor=user, at=at)
    else:
        count = undo_assignments(assigned_at=moment, actor=user, at=at)
    if count:
        messages.success(request, "Taken back." if count == 1 else f"Taken back for {count} leads.")
    else:
        messages.error(request, "Somebody changed this in the meantime, so it stays as it is.")
    return redirect(next_of(request, PAGE))
