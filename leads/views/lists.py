"""The list of leads, its saved views, its export, and what is done with many at once."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import DomainError, NotFound
from leads import actions, undo
from leads.actions import segments as segment_actions
from leads.filters import LeadFilter
from leads.forms.leads import SaveViewForm
from leads.models import Lead, Stage
from leads.models.lead import LeadQuerySet
from leads.queries import columns
from leads.queries.segments import frozen_lists
from leads.views.listing import Listing, link, query_of

MOST_CHOSEN = 1000
RARE = ("stage__not", "status", "lifecycle", "source_kind", "created_after", "created_before",
        "score_max", "open")  # fmt: skip


@require_GET
@vary_on_headers("HX-Request")
def lead_list(request: HttpRequest) -> HttpResponse:
    if any(name != "cursor" and "" in values for name, values in request.GET.lists()):
        # Browsers send the empty fields of the filter form too: nobody wants them in a link.
        return redirect(f"/leads/?{query_of(request.GET).urlencode(safe=',')}")
    return render(request, "leads/lead_list.html", Listing(request).context())


@require_GET
def view_counts(request: HttpRequest) -> HttpResponse:
    """The tabs once more, with numbers: asked for after the page, so that it need not wait."""
    listing = Listing(request)
    context = {"list": listing, "view_tabs": listing.counted_tabs(request), "counts": True}
    return render(request, "leads/lead_list.html#tabs", context)


@require_GET
def filter_form(request: HttpRequest) -> HttpResponse:
    """The filters as a form: in a dialog, or as a page of its own without scripts."""
    query = query_of(request.GET)
    found = LeadFilter(query or None, queryset=Lead.objects.none(), request=request)
    template = (
        "leads/filter.html#dialog" if request.headers.get("HX-Request") else "leads/filter.html"
    )
    hidden = [(name, query[name]) for name in ("view", "sort", "columns") if name in query]
    context = {
        "form": found.form,
        "hidden": hidden,
        "more": any(name in query for name in RARE),
        "own": found.own,
        "here": query.urlencode(safe=","),
        "own_used": any(name.startswith("custom.") for name in query),
    }
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Which columns lists show, in which order: a dialog, or a page without scripts."""
    user, next_ = _user(request), next_of(request)
    order = request.POST.getlist("order") or [each.key for each in columns.columns_of(user)]
    chosen = request.POST.getlist("columns") if request.method == "POST" else order
    way, _, key = request.POST.get("do", "").partition(":")
    error = ""
    if way == "save":
        try:
            actions.choose_columns(user, [each for each in order if each in chosen])
            return redirect(next_)
        except DomainError as refused:
            error = refused.detail
    elif way == "here":
        path, _, query = next_.partition("?")
        asked = ",".join(each for each in order if each in chosen)
        return redirect(path + link(query_of(QueryDict(query)), columns=asked or None))
    elif way == "usual":
        actions.choose_columns(user, columns.DEFAULT)
        return redirect(next_)
    context = {"rows": _column_rows(moved(order, key, way), chosen), "next": next_, "error": error}
    part = "#dialog" if request.headers.get("HX-Request") else ""
    return render(request, f"leads/columns.html{part}", context, status=422 if error else 200)


def moved(keys: list[str], key: str, way: str) -> list[str]:
    """The keys with one a place up or down, then every other column there is."""
    known = columns.available()
    found = [each for each in dict.fromkeys([*keys, *known]) if each in known]
    if key in found and way in {"up", "down"}:
        place = found.index(key)
        other = min(max(place + (-1 if way == "up" else 1), 0), len(found) - 1)
        found[place], found[other] = found[other], found[place]
    return found


def _column_rows(keys: list[str], chosen: list[str]) -> list[dict[str, Any]]:
    known = columns.available()
    return [{"column": known[key], "chosen": key in chosen} for key in keys]


@require_http_methods(["GET", "POST"])
def save_view(request: HttpRequest) -> HttpResponse:
    form = SaveViewForm(
        request.POST if request.method == "POST" else None,
        initial={"query": request.GET.urlencode(safe=",")},
    )
    if form.is_valid():
        query = query_of(QueryDict(form.cleaned_data["query"]), "view").urlencode(safe=",")
        view = actions.save_view(
            _user(request),
            name=form.cleaned_data["name"],
            query=query,
            shared=form.cleaned_data["shared"],
        )
        messages.success(request, f"Saved the view “{view.name}”.")
        return redirect(f"/leads/?view=v{view.pk}&{query}")
    template = "leads/save_view.html"
    if request.headers.get("HX-Request"):
        template += "#dialog"
    return render(request, template, {"form": form}, status=422 if form.is_bound else 200)


@require_POST
def share_view(request: HttpRequest, view_id: int) -> HttpResponse:
    shared = request.POST.get("shared") == "1"
    view = actions.share_view(_user(request), view_id, shared=shared)
    words = "Everybody sees" if shared else "Only you see"
    messages.success(request, f"{words} the view “{view.name}” now.")
    return redirect(f"/leads/?view=v{view.pk}&{view.query}")


@require_POST
def delete_view(request: HttpRequest, view_id: int) -> HttpResponse:
    view = actions.delete_view(_user(request), view_id)
    messages.success(request, f"Deleted the view “{view.name}”.")
    return redirect(f"/leads/?{view.query}")


# ---- many at once ----


@require_http_methods(["GET", "POST"])
def bulk_choice(request: HttpRequest, what: str) -> HttpResponse:
    """Ask for the owner, stage or tag to give: in a dialog, or as a page without scripts."""
    context: dict[str, Any] = {"what": what, "next": next_of(request), "ids": _ids(request)}
    if what == "assign":
        context["people"] = User.objects.filter(is_active=True).order_by("name")
    elif what == "list":
        context["lists"] = frozen_lists()
    elif what == "stage":
        # Lost needs a reason and won what it is worth: those are closed one by one.
        context["stages"] = Stage.objects.filter(
            category=Stage.Category.OPEN, archived_at=None, pipeline__archived_at=None
        ).order_by("pipeline", "position")
    template = "leads/bulk.html#choice" if request.headers.get("HX-Request") else "leads/bulk.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def bulk_tag(request: HttpRequest) -> HttpResponse:
    if "tags" not in request.POST:
        return bulk_choice(request, "tag")
    chosen = chosen_in(request)
    names = actions.add_tags([lead.pk for lead in chosen], request.POST.get("tags", "").split(","))
    messages.success(request, f"Tagged {_leads(len(chosen))} with {', '.join(names)}.")
    return redirect(next_of(request))


@require_http_methods(["GET", "POST"])
def bulk_list(request: HttpRequest) -> HttpResponse:
    """Put the chosen leads on a frozen list; for those who may make segments."""
    if not _user(request).has_role(Role.MARKETER, Role.MANAGER):
        raise NotFound
    if "segment" not in request.POST:
        return bulk_choice(request, "list")
    segment = frozen_lists().filter(public_id=request.POST["segment"]).first()
    if segment is None:
        raise NotFound("This list is no longer there. Choose another one.")
    chosen = [lead.pk for lead in chosen_in(request)]
    count = segment_actions.add_to_list(segment.pk, chosen, at=timezone.now(), user=_user(request))
    messages.success(request, f"Put {_leads(count)} on “{segment}”.")
    return redirect(next_of(request))


@require_POST
def bulk_delete(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    count = actions.delete_leads(
        [lead.pk for lead in chosen_in(request)], at=at, actor=_user(request)
    )
    path = undo.path_for("delete", _user(request), at)
    messages.success(request, f"Deleted {_leads(count)}.", extra_tags=f"undo:{path}")
    return redirect(next_of(request))


@require_POST
def undo_delete(request: HttpRequest, token: str) -> HttpResponse:
    deleted_at = undo.moment_of(token, "delete", _user(request), now=timezone.now())
    count = actions.restore_leads(deleted_at, at=timezone.now(), actor=_user(request))
    messages.success(request, f"Brought back {_leads(count)}.")
    return redirect(next_of(request))


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _ids(request: HttpRequest) -> list[str]:
    return [text for text in request.POST.getlist("ids")[:MOST_CHOSEN] if text.isalnum()]


def chosen_in(request: HttpRequest) -> LeadQuerySet:
    ids = _ids(request)
    if not ids:
        raise NotFound("Nothing is selected. Tick some leads first.")
    chosen: LeadQuerySet = Lead.objects.visible_to(request.user).filter(public_id__in=ids)
    if not chosen.exists():
        raise NotFound("None of these leads is there any more, or you may not see them.")
    return chosen


def _leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count} leads"


def next_of(request: HttpRequest) -> str:
    """Where to go afterwards: a path of ours, never another site."""
    path = request.POST.get("next") or request.GET.get("next") or ""
    safe = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if safe and "\x00" not in path else "/leads/"
