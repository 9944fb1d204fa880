"""From a draft to what counts: look at it, publish it, watch it, and go back."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.pagination import keyset_page
from scoring import actions, queries
from scoring.comparing import compare
from scoring.forms import PublishForm
from scoring.models import ModelVersion, ScoringModel
from scoring.views.model import for_editors, model_of
from scoring.views.page import home_of

BEGUN = "Publishing version {}. The present rules count until everybody is scored by the new ones."


@require_http_methods(["GET", "POST"])
@for_editors
def publish(request: HttpRequest) -> HttpResponse:
    model = model_of(request)
    draft = existing_draft(model)
    posted = request.POST if request.method == "POST" else None
    form = PublishForm(posted, initial={"hand_over": True})
    if form.is_valid():
        # A program that only posts gets what the page offers at first.
        hand_over = form.cleaned_data["hand_over"] or "asked" not in request.POST
        return _published(
            request,
            actions.publish_version(
                draft.pk,
                at=timezone.now(),
                user=cast(User, request.user),
                note=form.cleaned_data["note"],
                hand_over=hand_over,
            ),
        )
    context = _compared(model, _published_of(model), draft) | {"form": form, "draft": draft}
    status = 422 if form.is_bound else 200
    return render(request, "scoring/publish.html", context, status=status)


def _published(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    is_done = version.state == ModelVersion.State.PUBLISHED
    words = f"Published version {version.number}." if is_done else BEGUN.format(version.number)
    messages.success(request, words)
    return redirect(home_of(version.model))


def existing_draft(model: ScoringModel) -> ModelVersion:
    draft = queries.draft_of(model)
    if draft is None:
        raise NotFound("There is no draft any more: it was published or discarded meanwhile.")
    return draft


def _published_of(model: ScoringModel) -> ModelVersion | None:
    return model.versions.filter(state=ModelVersion.State.PUBLISHED).first()


def _compared(
    model: ScoringModel, before: ModelVersion | None, after: ModelVersion
) -> dict[str, Any]:
    old = queries.rules_of(before) if before else []
    return {
        "model": model,
        "home": home_of(model),
        "suffix": home_of(model).removeprefix("/scoring/"),
        "before": before,
        "changes": compare(before, old, after, queries.rules_of(after)),
        "section": "scoring",
        "tab": "versions",
    }


@require_POST
@for_editors
def discard(request: HttpRequest) -> HttpResponse:
    model = model_of(request)
    actions.discard_draft(existing_draft(model).pk)
    messages.success(request, "The draft is gone. The published rules stay as they are.")
    return redirect(home_of(model))


@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """How far publishing is: a part of the page that asks again until it is done."""
    model = model_of(request)
    context = {"model": model, "rescore": queries.running_rescore(model), "home": home_of(model)}
    context["suffix"] = home_of(model).removeprefix("/scoring/")
    if not request.headers.get("HX-Request"):
        return redirect(home_of(model))
    response = render(request, "scoring/progress.html", context)
    if context["rescore"] is None:
        response["HX-Refresh"] = "true"  # the rules, the numbers and the bar are others now
    return response


@require_GET
def versions(request: HttpRequest) -> HttpResponse:
    model = model_of(request)
    found = model.versions.select_related("published_by", "created_by", "restored_from")
    page = keyset_page(found, ordering=["-number"], size=50, cursor=request.GET.get("cursor"))
    context = {
        "model": model,
        "page": page,
        "rescore": queries.running_rescore(model),
        "suffix": home_of(model).removeprefix("/scoring/"),
        "can_edit": cast(User, request.user).has_role(Role.MARKETER),
        "section": "scoring",
        "tab": "versions",
    }
    return render(request, "scoring/versions.html", context)


@require_GET
def version(request: HttpRequest, number: int) -> HttpResponse:
    """What a version says that the one before it did not; or the published one, by `?with=`."""
    model = model_of(request)
    found = model.versions.filter(number=number).first()
    if found is None:
        raise NotFound
    earlier = model.versions.filter(number__lt=number, published_at__isnull=False)
    published = _published_of(model)
    with_published = request.GET.get("with") == "published" and published is not None
    before = published if with_published else earlier.order_by("-number").first()
    context = _compared(model, before, found) | {
        "version": found,
        "published": published,
        "can_restore": found.state == ModelVersion.State.RETIRED and found.published_at is not None,
        "can_edit": cast(User, request.user).has_role(Role.MARKETER),
    }
    return render(request, "scoring/version.html", context)


@require_POST
@for_editors
def roll_back(request: HttpRequest, number: int) -> HttpResponse:
    model = model_of(request)
    try:
        made = actions.roll_back(model.pk, number, at=timezone.now(), user=cast(User, request.user))
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect(home_of(model))
    return _published(request, made)
