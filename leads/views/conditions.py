"""The builder of conditions, for every page that has one: its parts anew, and how many match."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import Invalid
from leads.conditions import editing
from leads.conditions.builder import Builder, ConditionField
from leads.filters.conditions import LONGEST, ConditionJSONField, as_text
from leads.queries.segments import preview
from leads.views.listing import link, query_of

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


class FilterForm(forms.Form):
    """Conditions for the list of leads; none take the filter out."""

    conditions = ConditionField(required=False)

    def clean_conditions(self) -> Any:
        tree = self.cleaned_data["conditions"]
        if tree is not None and len(as_text(tree)) > LONGEST:
            raise forms.ValidationError("These are too many for an address. Make a segment of it.")
        return tree


@require_http_methods(["GET", "POST"])
def filter_by(request: HttpRequest) -> HttpResponse:
    """The list of leads narrowed by conditions; saved as a view like any other filter."""
    query = query_of(request.GET)
    form = FilterForm(request.POST or None, initial={"conditions": _asked(query)})
    if form.is_valid():
        tree = form.cleaned_data["conditions"]
        return redirect(f"/leads/{link(query, conditions=as_text(tree) if tree else None)}")
    context = {"form": form, "back": f"/leads/?{query.urlencode(safe=',')}"}
    return render(request, "leads/filter_by.html", context, status=422 if form.is_bound else 200)


def _asked(query: QueryDict) -> Any:
    """What the list is narrowed by now; nothing where that is broken."""
    try:
        return ConditionJSONField(required=False).clean(query.get("conditions", ""))
    except forms.ValidationError:
        return None
