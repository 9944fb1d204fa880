"""Simulation, backtest and prediction: what is known of a model before and after it counts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, Forbidden, NotFound
from scoring import queries, studies
from scoring.actions.backtesting import start_backtest
from scoring.actions.predicting import start_training, stop_predicting
from scoring.actions.simulating import start_simulation
from scoring.backtest import showing as backtests
from scoring.forms.studies import PeriodForm
from scoring.models import ModelVersion, ScoringModel
from scoring.simulate import showing as simulations

Door = Callable[..., HttpResponse]


def only_editors(view: Door) -> Door:
    """Everybody may read; marketers and administrators ask for something to be worked out."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not _may_edit(request):
            raise Forbidden("Only marketers and administrators work out what rules would do.")
        return view(request, *args, **kwargs)

    return guarded


def _may_edit(request: HttpRequest) -> bool:
    return user_of(request).has_role(Role.MARKETER)


def _model(request: HttpRequest) -> ScoringModel:
    key = (request.POST.get("model") or request.GET.get("model") or "").replace("\0", "")
    model = ScoringModel.objects.filter(key=key).first() if key else queries.default_model()
    if model is None:
        raise NotFound("There is no such scoring model.")
    return model


def _subject(model: ScoringModel) -> ModelVersion:
    version = studies.subject_of(model)
    if version is None:
        raise NotFound("This model has no version yet.")
    return version


def _context(request: HttpRequest, model: ScoringModel, tab: str) -> dict[str, Any]:
    version = _subject(model)
    return {
        "model": model,
        "version": version,
        "is_draft": version.is_draft,
        "state": f"Draft {version.number}" if version.is_draft else f"Version {version.number}",
        "can_edit": _may_edit(request),
        "tab": tab,
        "suffix": "" if model.is_default else f"?model={model.key}",
        "section": "scoring",
    }


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The whole page, or only its body to htmx, which asks again while something runs."""
    part = "#body" if request.headers.get("HX-Request") else ""
    return render(request, f"{template}{part}", context)


# Simulation ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@only_editors
def simulation(request: HttpRequest) -> HttpResponse:
    model = _model(request)
    if request.method == "POST":
        sketch = studies.sketch_of(_subject(model))
        start_simulation(model, sketch, at=timezone.now(), user=user_of(request))
        return redirect(f"{request.path}?model={model.key}")
    row = studies.newest_simulation(model)
    context = _context(request, model, "simulation") | {"row": row}
    if row is not None and row.result:
        visible = studies.visible(user_of(request), simulations.ids_in(row))
        context |= {
            "shown": simulations.shown(row, visible),
            "examples": simulations.examples(row, visible, at=timezone.now()),
            "has_changed": studies.has_changed(row, context["version"]),
        }
    return _page(request, "scoring/simulation.html", context)


# Backtest -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@only_editors
def backtest(request: HttpRequest) -> HttpResponse:
    model, now = _model(request), timezone.now()
    row = studies.newest_backtest(model)
    posted = request.POST if request.method == "POST" else None
    form = PeriodForm(posted, initial=_period(now, row))
    if form.is_valid():
        try:
            _start_backtest(request, model, form, now)
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect(f"{request.path}?model={model.key}")
    context = _context(request, model, "backtest") | {"row": row, "form": form}
    verdict = studies.newest_verdict(model)
    if verdict is not None:
        context |= {
            "shown": backtests.shown(verdict),
            "has_changed": studies.has_changed(verdict, context["version"]),
        }
    response = _page(request, "scoring/backtest.html", context)
    response.status_code = 422 if form.is_bound else 200
    return response


def _period(now: datetime, row: Any) -> dict[str, Any]:
    if row is not None:
        return {"since": row.since.date(), "until": row.until.date(), "moment": row.moment}
    return {"since": (now - timedelta(days=730)).date(), "until": now.date(), "moment": "mql"}


def _start_backtest(
    request: HttpRequest, model: ScoringModel, form: PeriodForm, now: datetime
) -> None:
    since, until = form.moments(user_of(request).zone, now)
    sketch = studies.sketch_of(_subject(model))
    start_backtest(
        model,
        sketch,
        since=since,
        until=until,
        moment=form.cleaned_data["moment"],
        at=now,
        user=user_of(request),
    )


# Prediction ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@only_editors
def prediction(request: HttpRequest) -> HttpResponse:
    model = _model(request)
    if request.method == "POST":
        start_training(model, at=timezone.now(), user=user_of(request))
        return redirect(request.path)
    in_use = studies.training_in_use()
    context = _context(request, model, "prediction") | {
        "row": studies.newest_training(),
        "in_use": in_use,
        "figures": backtests.prediction_figures(in_use) if in_use else None,
        "surprises": studies.surprises(user_of(request)) if in_use else [],
    }
    return _page(request, "scoring/prediction.html", context)


@require_POST
@only_editors
def stop_prediction(request: HttpRequest) -> HttpResponse:
    stop_predicting(at=timezone.now())
    messages.success(request, "Nothing is foretold any more. The rules were never touched by it.")
    return redirect("/scoring/prediction/")
