"""Segments: the list, the editor with whom it takes, and why somebody is in or out."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.charts import Series
from leadcrm.lib.errors import DomainError, Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leads.actions import segments as actions
from leads.conditions import describe, editing
from leads.conditions.builder import Builder, builder_of
from leads.forms.segments import NewSegmentForm, SegmentForm
from leads.models import Lead, Segment
from leads.queries import segments as queries
from leads.segments import users_of

office = role_required(Role.MARKETER, Role.MANAGER)
get_or_post = require_http_methods(["GET", "POST"])
WEEK = timedelta(days=7)


@office
@require_GET
def segment_list(request: HttpRequest) -> HttpResponse:
    archived = "archived" in request.GET
    found = queries.segments(archived=archived, since=timezone.now() - WEEK)
    page = keyset_page(found, ordering=["name", "pk"], size=50, cursor=request.GET.get("cursor"))
    rows = [(segment, describe(segment.conditions)) for segment in page]
    return render(
        request, "leads/segments/list.html", {"page": page, "rows": rows, "archived": archived}
    )


@office
@get_or_post
def segment_new(request: HttpRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = NewSegmentForm(posted, initial={"kind": Segment.Kind.LIVE})
    builder = builder_of(posted, actions.EVERYBODY)
    if posted is not None and not posted.get("do") and form.is_valid() and not builder.errors:
        try:
            made = actions.create_segment(
                name=form.cleaned_data["name"],
                kind=form.cleaned_data["kind"],
                description=form.cleaned_data["description"],
                tree=builder.draft.tree,
                user=user_of(request),
            )
        except DomainError as error:
            builder = _refused(form, builder, error)
        else:
            messages.success(request, f"Made the segment “{made}”.")
            return redirect("segment-page", segment_id=made.public_id)
    return _editor(request, form, builder)


@office
@get_or_post
def segment_page(request: HttpRequest, segment_id: str) -> HttpResponse:
    segment = _segment(segment_id)
    posted = request.POST if request.method == "POST" else None
    form = SegmentForm(posted, initial=initial_of(segment))
    builder = builder_of(posted, segment.conditions or actions.EVERYBODY, without=segment.public_id)
    if posted is not None and not posted.get("do") and form.is_valid() and not builder.errors:
        try:
            actions.update_segment(
                segment.pk,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                tree=builder.draft.tree if editing.is_posted(posted) else None,
                version=form.cleaned_data["version"],
                at=timezone.now(),
            )
        except DomainError as error:
            builder = _refused(form, builder, error)
        else:
            messages.success(request, "Saved. Who is in it now is being found.")
            return redirect("segment-page", segment_id=segment.public_id)
    return _editor(request, form, builder, segment)


def initial_of(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "description": segment.description,
        "version": segment.version,
    }


def _refused(form: SegmentForm, builder: Builder, error: DomainError) -> Builder:
    """What the action found beyond the form: beside its field, or its part of the condition."""
    named = [e for e in error.errors if e.field == "name"]
    form.add_error("name" if named else None, error.detail)
    rest = [e for e in error.errors if e.field.startswith("conditions")]
    errors = builder.draft.errors_at(rest, "conditions")
    return Builder(builder.draft, builder.computed, errors, builder.without)


def _editor(
    request: HttpRequest, form: SegmentForm, builder: Builder, segment: Segment | None = None
) -> HttpResponse:
    refused = form.is_bound and not request.POST.get("do") and (form.errors or builder.errors)
    context: dict[str, Any] = {
        "form": form,
        "builder": builder,
        "segment": segment,
        "uses": users_of(segment.public_id) if segment else [],
        "is_list": segment is not None and segment.kind == Segment.Kind.FROZEN,
    }
    if segment is not None and context["is_list"]:
        found = queries.members(segment, user_of(request)).select_related("score_row")
        context["sample"] = list(found.hottest_first()[: queries.SAMPLE])
    status = 422 if refused else 200
    return render(request, "leads/segments/edit.html", context, status=status)


@office
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Whom the conditions on the screen would take at this moment; nothing is written."""
    draft = editing.read(request.POST)
    segment = Segment.objects.filter(public_id=request.POST.get("segment", "")).first()
    context: dict[str, Any] = {"segment": segment}
    try:
        context["found"] = queries.preview(draft.tree, user_of(request))
    except Invalid as error:
        context["mistake"] = error.errors[0].message if error.errors else error.detail
    found = context.get("found")
    if found and segment and segment.is_live and not segment.is_counting:
        context["moved"] = queries.movement(segment, draft.tree)
        context["uses"] = users_of(segment.public_id)
    return render(request, "leads/segments/preview.html", context)


@office
@require_GET
def why(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Why one lead is in the segment or not, condition by condition."""
    segment = _segment(segment_id)
    wanted = request.GET.get("lead", "")
    visible = Lead.objects.visible_to(user_of(request))
    lead = visible.filter(public_id=wanted).first() if wanted else None
    found = visible.search(wanted)[:10] if wanted and lead is None else []
    context: dict[str, Any] = {"segment": segment, "lead": lead, "found": found, "query": wanted}
    if lead is not None:
        context["explained"] = queries.why(segment, lead)
        context["memberships"] = segment.memberships.filter(lead=lead).order_by("-entered_at")[:20]
        context["inside"] = any(m.left_at is None for m in context["memberships"])
    return render(request, "leads/segments/why.html", context)


@office
@require_GET
def members(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Who came and left, when and why, and how the segment grew."""
    segment, show = _segment(segment_id), request.GET.get("show", "")
    found = queries.stays(segment, user_of(request), show=show)
    page = keyset_page(
        found, ordering=["-entered_at", "-pk"], size=50, cursor=request.GET.get("cursor")
    )
    growth = queries.growth(segment, at=timezone.now())
    context = {
        "segment": segment,
        "page": page,
        "show": show,
        "shows": (("", "All"), ("now", "In it now"), ("left", "Left")),
        "growth": growth,
        "sizes": [Series("s1", [day.size for day in growth], str(growth[-1].size))],
        "days": [f"{day.day:%-d %b}" if n % 7 == 1 else "" for n, day in enumerate(growth)],
        "is_list": segment.kind == Segment.Kind.FROZEN,
    }
    return render(request, "leads/segments/members.html", context)


@office
@require_POST
def remove(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Take somebody off a list."""
    segment, user = _segment(segment_id), user_of(request)
    ids = queries.members(segment, user).filter(public_id__in=request.POST.getlist("lead")[:1000])
    count = actions.remove_from_list(
        segment.pk, list(ids.values_list("pk", flat=True)), at=timezone.now(), user=user
    )
    messages.success(request, f"Took {count} off “{segment}”.")
    return redirect("segment-members", segment_id=segment.public_id)


@office
@require_POST
def archive(request: HttpRequest, segment_id: str) -> HttpResponse:
    segment = _segment(segment_id)
    restoring = segment.archived_at is not None
    act = actions.restore_segment if restoring else actions.archive_segment
    act(segment.pk, at=timezone.now())
    words = "is in use again" if restoring else "is archived"
    messages.success(request, f"“{segment}” {words}.")
    return redirect("segment-list")


@office
@require_POST
def duplicate(request: HttpRequest, segment_id: str) -> HttpResponse:
    segment = _segment(segment_id)
    taken = set(Segment.objects.filter(archived_at=None).values_list("name", flat=True))
    names = (f"{segment.name[:70]} ({n})" for n in range(2, len(taken) + 3))
    copy = actions.create_segment(
        name=next(name for name in names if name not in taken),
        kind=segment.kind,
        tree=segment.conditions or None,
        description=segment.description,
        user=user_of(request),
    )
    messages.success(request, f"Made “{copy}”, a copy of “{segment}”.")
    return redirect("segment-page", segment_id=copy.public_id)


def _segment(public_id: str) -> Segment:
    found = Segment.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found
