"""Files of leads from programs: sent, watched, undone."""

import io
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leadcrm.lib.parsers import StrictJSONParser
from leads.importing import options, steering
from leads.models import ImportJob, ImportRow, Lead, Source
from leads.serializers.imports import ImportInput, ImportRowSerializer, ImportSerializer

DEEDS: dict[str, Callable[[int], None]] = {
    "start": lambda pk: steering.start(pk, at=timezone.now()),
    "pause": steering.pause,
    "resume": steering.resume,
    "cancel": lambda pk: steering.cancel(pk, at=timezone.now()),
    "undo": lambda pk: steering.start_undo(pk, at=timezone.now()),
}


class ImportPageSerializer(serializers.Serializer[Any]):
    results = ImportSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ImportRowPageSerializer(serializers.Serializer[Any]):
    results = ImportRowSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ImportsView(APIView):
    scope = "leads"
    roles = (Role.MARKETER, Role.MANAGER)
    parser_classes = (MultiPartParser, StrictJSONParser)

    @extend_schema(
        operation_id="imports_list",
        summary="List imports",
        parameters=api_pages.PARAMETERS,
        responses=ImportPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = keyset_page(
            ImportJob.objects.visible_to(request.user).select_related("source"),
            ordering=["-created_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda job: ImportSerializer(job).data)

    @extend_schema(
        operation_id="imports_create",
        summary="Import a file of leads",
        description="Answers at once; the rows are checked and imported in the background.",
        request={"multipart/form-data": ImportInput, "application/json": ImportInput},
        responses={202: ImportSerializer},
    )
    def post(self, request: Request) -> Response:
        form = ImportInput(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        file = _file_of(data)
        job = steering.accept(
            file,
            name=data.get("name") or getattr(file, "name", "") or "leads.csv",
            principal=request.user,
            source=_source_of(data),
            mapping=data.get("mapping"),
            options=options.checked(data.get("options", {})),
            goes_on="check" if data["dry_run"] else "import",
        )
        return Response(ImportSerializer(job).data, status=202)


def _file_of(data: dict[str, Any]) -> Any:
    if "file" in data:
        file, size = data["file"], data["file"].size
    else:
        file = io.BytesIO(data["content"].encode("utf-8"))
        size = file.getbuffer().nbytes
    if size > settings.MAX_IMPORT_BYTES:
        most = settings.MAX_IMPORT_BYTES // 1_000_000
        raise Invalid.field("file", f"A file may have {most:,} MB. Split it.", "too_large")
    return file


def _source_of(data: dict[str, Any]) -> Source | None:
    if not data.get("source"):
        return None
    found = Source.objects.filter(key=data["source"]).first()
    if found is None:
        raise Invalid.field("source", f"There is no source “{data['source']}”.", "unknown")
    return found


class ImportView(APIView):
    scope = "leads"
    roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="imports_retrieve", summary="Watch an import", responses=ImportSerializer
    )
    def get(self, request: Request, job_id: str) -> Response:
        return Response(ImportSerializer(find(request, job_id)).data)


class ImportDeedView(APIView):
    scope = "leads"
    roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="imports_do",
        summary="Start, pause, resume, cancel or undo an import",
        parameters=[OpenApiParameter("deed", str, OpenApiParameter.PATH, enum=list(DEEDS))],
        request=None,
        responses={202: ImportSerializer},
    )
    def post(self, request: Request, job_id: str, deed: str) -> Response:
        job = find(request, job_id)
        if deed not in DEEDS:
            raise NotFound
        DEEDS[deed](job.pk)
        return Response(ImportSerializer(find(request, job_id)).data, status=202)


class ImportRowsView(APIView):
    scope = "leads"
    roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="imports_rows",
        summary="What became of each row",
        parameters=[
            OpenApiParameter("outcome", str, enum=ImportRow.Outcome.values),
            *api_pages.PARAMETERS,
        ],
        responses=ImportRowPageSerializer,
    )
    def get(self, request: Request, job_id: str) -> Response:
        rows = ImportRow.objects.filter(job=find(request, job_id))
        outcome = request.query_params.get("outcome")
        if outcome is not None:
            if outcome not in ImportRow.Outcome.values:
                names = ", ".join(ImportRow.Outcome.values)
                raise Invalid.field("outcome", f"Choose one of {names}.", "unknown")
            rows = rows.filter(outcome=outcome)
        page = keyset_page(
            rows,
            ordering=["line", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        ids = [row.lead_id for row in page if row.lead_id]
        seen = Lead.objects.visible_to(request.user).filter(pk__in=ids)
        context = {"leads": dict(seen.values_list("pk", "public_id"))}
        return api_pages.answer(
            request, page, lambda row: ImportRowSerializer(row, context=context).data
        )


def find(request: Request, public_id: str) -> ImportJob:
    jobs = ImportJob.objects.visible_to(request.user).select_related("source")
    job: ImportJob | None = jobs.filter(public_id=public_id).first()
    if job is None:
        raise NotFound
    return job


urlpatterns = [
    path("imports/", ImportsView.as_view(), name="api-imports"),
    path("imports/<public_id:job_id>/", ImportView.as_view(), name="api-import"),
    path("imports/<public_id:job_id>/rows/", ImportRowsView.as_view(), name="api-import-rows"),
    path("imports/<public_id:job_id>/<slug:deed>/", ImportDeedView.as_view(), name="api-import-do"),
]
