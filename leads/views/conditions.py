"""The builder of conditions, for every page that has one: its parts anew, and how many match."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import Invalid
from leads.conditions import editing
from leads.conditions.builder import Builder
from leads.queries.segments import preview

NAME_LIMIT = 60


def _name(request: HttpRequest) -> str:
    name = request.GET.get("name", "")[:NAME_LIMIT]
    return name if name.replace("-", "").replace("_", "").isalnum() else editing.ROOT


def builder_in(request: HttpRequest) -> Builder:
    """What stands on the screen, with the button that was pressed carried out."""
    name = _name(request)
    deed, _, target = editing.do_of(request.POST, name).partition(":")
    return Builder(
        editing.read(request.POST, name),
        computed=request.GET.get("computed") != "0",
        without=request.GET.get("without", "")[:12],
        counts="counts" in request.GET,
        focus=target.rpartition(".")[0] if deed == "remove" else "",
    )


@require_POST
def builder(request: HttpRequest) -> HttpResponse:
    """The builder once more, after a choice or a button."""
    return render(request, "leads/conditions/builder.html", {"builder": builder_in(request)})


@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """How many leads, of those one may see, match what is on the screen; and some of them."""
    shown = builder_in(request)
    context: dict[str, Any] = {"is_empty": shown.draft.is_empty}
    if not shown.draft.is_empty:
        try:
            context["found"] = preview(shown.draft.tree, user_of(request))
        except Invalid as error:
            context["mistake"] = error.errors[0].message if error.errors else error.detail
    return render(request, "leads/conditions/count.html", context)
