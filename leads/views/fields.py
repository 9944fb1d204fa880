"""Settings → Custom fields: what the company keeps about its leads besides the usual."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import admin_required
from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import DomainError, NotFound
from leads import fields
from leads.actions import fields as actions
from leads.fields.converting import Conversion
from leads.forms.fields import TYPE_ICONS, DefinitionForm, OptionRows, initial_of
from leads.models import FieldDefinition
from leads.queries import fields as queries

LIST = "custom-fields"


@admin_required
@require_GET
def field_list(request: HttpRequest) -> HttpResponse:
    counts = queries.filled()
    known = fields.all_definitions()
    context = {
        "groups": _grouped([row for row in known if row.is_active], counts),
        "archived": [_row(row, counts) for row in known if not row.is_active],
        "found": queries.found_keys(counts),
        "counts": counts,
    }
    return render(request, "leads/fields/list.html", context)


def _grouped(rows: list[FieldDefinition], counts: queries.Filled) -> dict[str, list[Any]]:
    """By group in the order of the first field of each; those without one come first."""
    groups: dict[str, list[Any]] = {"": []}
    for row in rows:
        groups.setdefault(row.group, []).append(_row(row, counts))
    return {name: members for name, members in groups.items() if members}


def _row(definition: FieldDefinition, counts: queries.Filled) -> dict[str, Any]:
    return {
        "field": definition,
        "icon": TYPE_ICONS[definition.type],
        "leads": counts.by_key.get(definition.key, 0),
    }


@admin_required
@require_http_methods(["GET", "POST"])
def field_new(request: HttpRequest) -> HttpResponse:
    proposal = _proposal(request)
    form, options = _forms(request, _start_of(proposal))
    if _asks_to_save(request) and form.is_valid():
        try:
            made = actions.create_field(
                form.values(options), found=proposal.key if proposal else ""
            )
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, f"Added the field “{made.label}”.")
            return redirect(LIST)
    return _page(request, form, options, proposal=proposal)


def _proposal(request: HttpRequest) -> queries.Proposal | None:
    key = (request.POST.get("found") or request.GET.get("found") or "").replace("\x00", "")
    return queries.proposal(key[:60]) if key else None


def _start_of(proposal: queries.Proposal | None) -> dict[str, Any]:
    start: dict[str, Any] = {"type": "text", "currency": Workspace.load().currency, "options": []}
    if proposal:
        options = [{"key": label, "label": label} for label in proposal.options]
        start |= {"label": proposal.label, "type": proposal.type, "options": options}
    return start


@admin_required
@require_http_methods(["GET", "POST"])
def field_edit(request: HttpRequest, key: str) -> HttpResponse:
    definition = _find(key)
    form, options = _forms(request, initial_of(definition) | {"options": definition.options})
    preview: Conversion | None = None
    if _asks_to_save(request) and form.is_valid():
        try:
            preview = _preview(request, definition, form, options)
            if preview is None:
                saved = actions.change_field(key, form.values(options))
                messages.success(request, f"Saved “{saved.label}”.")
                return redirect(LIST)
        except DomainError as error:
            form.take(error)
    return _page(request, form, options, definition=definition, preview=preview)


def _preview(
    request: HttpRequest, definition: FieldDefinition, form: DefinitionForm, options: OptionRows
) -> Conversion | None:
    """What another type would do to the values; None where nobody need look at it first."""
    if request.POST.get("do") == "convert" or form.cleaned_data["type"] == definition.type:
        return None
    found = actions.preview_type(definition, form.values(options))
    return found if found.leads else None


def _forms(request: HttpRequest, start: dict[str, Any]) -> tuple[DefinitionForm, OptionRows]:
    data = request.POST if request.method == "POST" else None
    options = OptionRows(data, [dict(option) for option in start["options"]])
    way, _, option = (request.POST.get("do") or "").partition(":")
    if way in {"up", "down"}:
        options.move(option, up=way == "up")
    return DefinitionForm(data, initial=start), options


def _asks_to_save(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("do") in {"save", "convert"}


def _page(
    request: HttpRequest, form: DefinitionForm, options: OptionRows, **context: Any
) -> HttpResponse:
    definition: FieldDefinition | None = context.get("definition")
    refused = form.is_bound and form.errors and _asks_to_save(request)
    context |= {
        "form": form,
        "options": options,
        "groups": sorted({row.group for row in fields.all_definitions() if row.group}),
        "uses": list(fields.uses_of(definition.name)) if definition else [],
    }
    return render(request, "leads/fields/edit.html", context, status=422 if refused else 200)


@admin_required
@require_POST
def field_move(request: HttpRequest, key: str) -> HttpResponse:
    actions.move_field(key, up=request.POST.get("way") == "up")
    return redirect(LIST)


@admin_required
@require_POST
def field_archive(request: HttpRequest, key: str) -> HttpResponse:
    if request.POST.get("archived") == "0":
        label = actions.restore_field(key).label
        messages.success(request, f"“{label}” is back in forms and lists.")
    else:
        label = actions.archive_field(key).label
        messages.success(request, f"Archived “{label}”. Leads keep their values.")
    return redirect(LIST)


@admin_required
@require_POST
def field_delete(request: HttpRequest, key: str) -> HttpResponse:
    definition = _find(key)
    try:
        actions.delete_field(key)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("custom-field", key=key)
    messages.success(request, f"Deleted “{definition.label}”.")
    return redirect(LIST)


def _find(key: str) -> FieldDefinition:
    definition = fields.definition_of(key)
    if definition is None:
        raise NotFound
    return definition
