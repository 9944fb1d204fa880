"""Lists of leads as files, made by a worker."""

from typing import Any

from django.http import StreamingHttpResponse
from django.urls import path
from django.utils.http import urlencode
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import FieldError, NotFound
from leadcrm.lib.pagination import keyset_page
from leads import exporting
from leads.filters import BadFilter, filter_names
from leads.models import ExportJob
from leads.serializers.imports import ExportInput, ExportSerializer


class ExportPageSerializer(serializers.Serializer[Any]):
    results = ExportSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ExportsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="exports_list",
        summary="List exports",
        parameters=api_pages.PARAMETERS,
        responses=ExportPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = keyset_page(
            ExportJob.objects.visible_to(request.user),
            ordering=["-created_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda job: ExportSerializer(job).data)

    @extend_schema(
        operation_id="exports_create",
        summary="Have a list of leads made into a file",
        request=ExportInput,
        responses={202: ExportSerializer},
    )
    def post(self, request: Request) -> Response:
        form = ExportInput(data=request.data)
        form.is_valid(raise_exception=True)
        filters = form.validated_data.get("filters", {})
        unknown = sorted(set(filters) - filter_names())
        if unknown:
            message = f"There is no filter “{unknown[0][:60]}”. See the API's documentation."
            raise BadFilter(message, errors=[FieldError("filters", message, "unknown")])
        job = exporting.order(
            request.user,
            format_=form.validated_data["format"],
            query=urlencode(filters),
            columns=exporting.check(form.validated_data.get("columns", ())),
        )
        return Response(ExportSerializer(job).data, status=202)


class ExportView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="exports_retrieve", summary="Watch an export", responses=ExportSerializer
    )
    def get(self, request: Request, job_id: str) -> Response:
        return Response(ExportSerializer(find(request, job_id)).data)


class ExportFileView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="exports_file",
        summary="Download an export",
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            409: OpenApiResponse(description="It is still being made, or expired."),
        },
    )
    def get(self, request: Request, job_id: str) -> StreamingHttpResponse:
        job = find(request, job_id)
        blocks = exporting.blocks_of(job)
        content_type = exporting.content_type(job.format)
        response = StreamingHttpResponse(blocks, content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="leads.{job.format}"'
        return response


def find(request: Request, public_id: str) -> ExportJob:
    jobs = ExportJob.objects.visible_to(request.user)
    job: ExportJob | None = jobs.filter(public_id=public_id).first()
    if job is None:
        raise NotFound
    return job


urlpatterns = [
    path("exports/", ExportsView.as_view(), name="api-exports"),
    path("exports/<public_id:job_id>/", ExportView.as_view(), name="api-export"),
    path("exports/<public_id:job_id>/file/", ExportFileView.as_view(), name="api-export-file"),
]
