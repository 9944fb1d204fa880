"""Models for categories of products."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import DomainError, NotFound
from scoring import actions, queries
from scoring.forms import ModelForm
from scoring.models import ScoringModel
from scoring.views.model import for_editors
from scoring.views.page import home_of


@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """The lead score and the scores by category."""
    context = {
        "rows": [(model, home_of(model)) for model in queries.models()],
        "can_edit": cast(User, request.user).has_role(Role.MARKETER),
        "section": "scoring",
        "tab": "models",
    }
    return render(request, "scoring/models.html", context)


@require_http_methods(["GET", "POST"])
@for_editors
def new_model(request: HttpRequest) -> HttpResponse:
    form = ModelForm(request.POST or None)
    if form.is_valid():
        try:
            made = actions.create_model(
                **form.cleaned_data, at=timezone.now(), user=cast(User, request.user)
            )
        except DomainError as error:
            for mistake in error.errors:
                place = mistake.field if mistake.field in form.fields else None
                form.add_error(place, mistake.message)
        else:
            messages.success(request, f"“{made}” has a draft. It counts once you publish it.")
            return redirect(home_of(made))
    context = {"form": form, "section": "scoring", "tab": "models"}
    status = 422 if form.is_bound else 200
    return render(request, "scoring/new_model.html", context, status=status)


@require_POST
@for_editors
def archive(request: HttpRequest, key: str) -> HttpResponse:
    model = ScoringModel.objects.filter(key=key, archived_at=None).first()
    if model is None:
        raise NotFound
    try:
        actions.archive_model(model.pk, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"“{model}” scores nobody any more.")
    return redirect("scoring-models")
