"""Reports for programs: the same parameters, the same definitions and numbers as the pages."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.dashboard import pages, periods, source_page
from leadcrm.dashboard.forms import Asked, ReportForm
from leadcrm.dashboard.rows import definition_of
from leadcrm.dashboard.serializers import (
    FunnelShape,
    OverviewShape,
    RepsShape,
    ResponseTimeShape,
    SourcesShape,
)
from leadcrm.lib.errors import FieldError, Invalid
from pipeline.reports import funnel, reps, response, sources

PARAMETERS = [
    OpenApiParameter("period", str, enum=list(periods.PRESETS), default=periods.DEFAULT),
    OpenApiParameter("from", str, description="First day, as 2026-11-30, with `period=custom`."),
    OpenApiParameter("to", str, description="Last day, included."),
    OpenApiParameter("compare", str, enum=["previous", "none"]),
    *(
        OpenApiParameter(name, str, description="Only these; `none` for those without one.")
        for name in ("source", "owner", "team", "country")
    ),
    OpenApiParameter("channel", str, description="Only leads of this channel's sources."),
]
INVALID = OpenApiResponse(description="`errors` names each parameter and the cure.")


def asked_of(request: Request) -> Asked:
    """:raises Invalid: the period or a filter says nothing that can be meant."""
    form = ReportForm(request.query_params, principal=request.user, now=timezone.now())
    if form.is_valid():
        return form.asked
    problems = [
        FieldError(name.rstrip("_"), str(message))
        for name, messages in form.errors.items()
        for message in messages
    ]
    raise Invalid(problems[0].message, errors=problems)


def choice(request: Request, name: str, choices: Any, default: str) -> str:
    """:raises Invalid: it is none of the choices."""
    value: str = request.query_params.get(name) or default
    if value not in choices:
        raise Invalid.field(name, f"Choose one of {', '.join(choices)}.")
    return value


def answer(shape: type[BaseSerializer[Any]], asked: Asked, **values: Any) -> Response:
    period = {
        "first": asked.period.first,
        "last": asked.period.last,
        "time_zone": str(asked.scope.zone),
        "currency": asked.scope.currency,
    }
    return Response(shape({"period": period, **values}).data)


class OverviewReport(APIView):
    scope = "reports"

    @extend_schema(
        operation_id="reports_overview",
        summary="The numbers of the overview, now and in the period before",
        parameters=PARAMETERS,
        responses={200: OverviewShape, 422: INVALID},
    )
    def get(self, request: Request) -> Response:
        asked = asked_of(request)
        return answer(OverviewShape, asked, **pages.numbers(asked))


class FunnelReport(APIView):
    scope = "reports"

    @extend_schema(
        operation_id="reports_funnel",
        summary="How many leads come how far, and how long it takes them",
        parameters=[
            *PARAMETERS,
            OpenApiParameter("view", str, enum=list(funnel.VIEWS), default=funnel.COHORT),
            OpenApiParameter("by", str, enum=list(funnel.DIMENSIONS), default="source"),
        ],
        responses={200: FunnelShape, 422: INVALID},
    )
    def get(self, request: Request) -> Response:
        asked = asked_of(request)
        view = choice(request, "view", funnel.VIEWS, funnel.COHORT)
        by = choice(request, "by", funnel.DIMENSIONS, "source")
        found = funnel.funnel(asked.scope, asked.before, view)
        return answer(
            FunnelShape,
            asked,
            definition=definition_of(funnel.reached),
            view=view,
            entered=found.entered,
            overall=found.overall,
            overall_before=found.overall_before,
            still_open=found.still_open,
            median_days_to_win=found.median_days_to_win,
            steps=found.steps,
            time_in_stage=found.stays,
            lost_reasons=found.reasons,
            split_by=by,
            splits=funnel.splits(asked.scope, by, view),
        )


class ResponseTimeReport(APIView):
    scope = "reports"

    @extend_schema(
        operation_id="reports_response_time",
        summary="How soon leads hear from a person",
        parameters=PARAMETERS,
        responses={200: ResponseTimeShape, 422: INVALID},
    )
    def get(self, request: Request) -> Response:
        asked = asked_of(request)
        found = response.response(asked.scope, asked.before)
        names = ("times", "before", "bars", "conversions", "cells", "reps", "sources")
        return answer(
            ResponseTimeShape,
            asked,
            definition=definition_of(response.times),
            waiting=found.waiting,
            overdue=found.overdue,
            **{name: getattr(found, name) for name in names},
        )


class SourcesReport(APIView):
    scope = "reports"
    roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="reports_sources",
        summary="What each channel cost and brought",
        parameters=[
            *PARAMETERS,
            OpenApiParameter("model", str, enum=list(sources.MODELS), default=sources.FIRST),
            OpenApiParameter(
                "measure",
                str,
                enum=list(sources.MEASURES),
                default="leads",
                description="What `models` compares.",
            ),
        ],
        responses={200: SourcesShape, 422: INVALID},
    )
    def get(self, request: Request) -> Response:
        asked = asked_of(request)
        model = choice(request, "model", sources.MODELS, sources.FIRST)
        measure = choice(request, "measure", sources.MEASURES, "leads")
        found = sources.sources(asked.scope, model)
        before = asked.before and sources.sources(asked.before, model, briefly=True)
        return answer(
            SourcesShape,
            asked,
            definition=definition_of(sources.sources),
            model=model,
            rows=found.rows,
            total=found.total,
            before=before and before.total,
            models=source_page.model_table(found, measure),
            other_currencies=found.other_currencies,
        )


class RepsReport(APIView):
    scope = "reports"

    @extend_schema(
        operation_id="reports_reps",
        summary="What each rep got, did and won; the average of the team for reps",
        parameters=PARAMETERS,
        responses={200: RepsShape, 422: INVALID},
    )
    def get(self, request: Request) -> Response:
        asked = asked_of(request)
        found = reps.reps(asked.scope)
        return answer(
            RepsShape,
            asked,
            definition=definition_of(reps.reps),
            reps=found.rows,
            average=found.average,
        )


urlpatterns = [
    path("reports/overview/", OverviewReport.as_view(), name="api-report-overview"),
    path("reports/funnel/", FunnelReport.as_view(), name="api-report-funnel"),
    path("reports/response-time/", ResponseTimeReport.as_view(), name="api-report-response"),
    path("reports/sources/", SourcesReport.as_view(), name="api-report-sources"),
    path("reports/reps/", RepsReport.as_view(), name="api-report-reps"),
]
