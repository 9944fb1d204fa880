"""Pipelines, stages, reasons and products for programs. Changing them is for managers."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import Page, keyset_page
from leads.models import Pipeline, Stage
from pipeline import queries
from pipeline.actions import funnels
from pipeline.actions import products as catalogue
from pipeline.api.base import CONFLICT, INVALID, NOT_FOUND, actor_of, read
from pipeline.models import CloseReason, Product, ProductCategory
from pipeline.queries import selling
from pipeline.serializers.funnel import (
    CloseReasonPageSerializer,
    PipelineInput,
    PipelinePageSerializer,
    PipelinePatch,
    PipelineShape,
    ProductInput,
    ProductPageSerializer,
    ProductPatch,
    ProductShape,
    StageInput,
    StagePageSerializer,
    StagePatch,
    StageSerializer,
    pipeline_shape,
)

MANAGERS = (Role.MANAGER,)


# Pipelines ----------------------------------------------------------------------------------------


def find_pipeline(key: str) -> Pipeline:
    found = next((each for each in queries.pipelines() if each.key == key), None)
    if found is None:
        raise NotFound
    return found


def _shape(pipeline: Pipeline) -> dict[str, Any]:
    return pipeline_shape(pipeline, [stage.key for stage in queries.stages(pipeline)])


class PipelinesView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="pipelines_list",
        summary="The pipelines, the default one first",
        responses=PipelinePageSerializer,
    )
    def get(self, request: Request) -> Response:
        found = [_shape(each) for each in queries.pipelines()]
        return Response({"results": found, "next": None, "previous": None})

    @extend_schema(
        operation_id="pipelines_create",
        summary="Add a pipeline with the usual stages",
        request=PipelineInput,
        responses={201: PipelineShape, 422: INVALID},
    )
    def post(self, request: Request) -> Response:
        made = funnels.create_pipeline(name=read(PipelineInput, request)["name"])
        return Response(_shape(made), status=201)


class PipelineView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="pipelines_retrieve",
        summary="Read a pipeline",
        responses={200: PipelineShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(_shape(find_pipeline(key)))

    @extend_schema(
        operation_id="pipelines_update",
        summary="Change a pipeline, or the order of its stages",
        request=PipelinePatch,
        responses={200: PipelineShape, 404: NOT_FOUND, 422: INVALID},
    )
    def patch(self, request: Request, key: str) -> Response:
        pipeline, sent = find_pipeline(key), read(PipelinePatch, request)
        order = sent.pop("stages", None)
        changed = funnels.update_pipeline(pipeline.pk, **sent)
        if order is not None:
            funnels.order_stages(pipeline.pk, order)
        changed.refresh_from_db()
        return Response(_shape(changed))

    @extend_schema(
        operation_id="pipelines_archive",
        summary="Archive a pipeline in which no cycle runs",
        responses={204: None, 404: NOT_FOUND, 409: CONFLICT},
    )
    def delete(self, request: Request, key: str) -> Response:
        funnels.archive_pipeline(find_pipeline(key).pk, at=timezone.now())
        return Response(status=204)


# Stages -------------------------------------------------------------------------------------------


class StagesView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="stages_list",
        summary="The stages of every pipeline, from left to right",
        responses=StagePageSerializer,
    )
    def get(self, request: Request) -> Response:
        stages = StageSerializer(queries.all_stages(), many=True).data
        return Response({"results": stages, "next": None, "previous": None})

    @extend_schema(
        operation_id="stages_create",
        summary="Add a stage behind the last open one",
        request=StageInput,
        responses={201: StageSerializer, 422: INVALID},
    )
    def post(self, request: Request) -> Response:
        sent = read(StageInput, request)
        key = sent.pop("pipeline", "")
        pipeline = next(
            (p for p in queries.pipelines() if (p.key == key if key else p.is_default)), None
        )
        if pipeline is None:
            raise Invalid.field("pipeline", f"There is no pipeline “{key}”.", "unknown")
        made = funnels.create_stage(pipeline.pk, funnels.StageRules(**sent))
        return Response(StageSerializer(made).data, status=201)


class StageView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="stages_retrieve",
        summary="Read a stage",
        responses={200: StageSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, stage_id: int) -> Response:
        return Response(StageSerializer(_stage(stage_id)).data)

    @extend_schema(
        operation_id="stages_update",
        summary="Change a stage and what it asks for",
        request=StagePatch,
        responses={200: StageSerializer, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def patch(self, request: Request, stage_id: int) -> Response:
        stage, sent = _stage(stage_id), read(StagePatch, request)
        names = funnels.StageRules.__dataclass_fields__
        rules = {name: getattr(stage, name) for name in names} | sent
        changed = funnels.update_stage(stage.pk, funnels.StageRules(**rules))
        return Response(StageSerializer(changed).data)

    @extend_schema(
        operation_id="stages_archive",
        summary="Take a stage out of its pipeline",
        parameters=[OpenApiParameter("move_to", str, description="Where its leads go: a key.")],
        responses={204: None, 404: NOT_FOUND, 409: CONFLICT},
    )
    def delete(self, request: Request, stage_id: int) -> Response:
        funnels.archive_stage(
            _stage(stage_id).pk,
            at=timezone.now(),
            actor=actor_of(request),
            move_to=request.query_params.get("move_to", ""),
        )
        return Response(status=204)


def _stage(stage_id: int) -> Stage:
    found = queries.all_stages().filter(pk=stage_id).first()
    if found is None:
        raise NotFound
    return found


class ReasonsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="close_reasons_list",
        summary="Why leads are lost or rejected",
        responses=CloseReasonPageSerializer,
    )
    def get(self, request: Request) -> Response:
        found = [
            {
                "kind": reason.kind,
                "key": reason.key,
                "label": reason.label,
                "needs_note": reason.needs_note,
                "asks_competitor": reason.asks_competitor,
            }
            for kind in CloseReason.Kind.values
            for reason in queries.reasons(kind)
        ]
        return Response({"results": found, "next": None, "previous": None})


# Products -----------------------------------------------------------------------------------------


class ProductsView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="products_list",
        summary="What is sold, by name",
        parameters=api_pages.PARAMETERS,
        responses=ProductPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page: Page[Product] = keyset_page(
            selling.products(),
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda each: ProductShape(each).data)

    @extend_schema(
        operation_id="products_create",
        summary="Add a product",
        request=ProductInput,
        responses={201: ProductShape, 422: INVALID},
    )
    def post(self, request: Request) -> Response:
        made = catalogue.save_product(**_named(read(ProductInput, request)))
        return Response(ProductShape(made).data, status=201)


class ProductView(APIView):
    scope = "pipeline"
    write_roles = MANAGERS

    @extend_schema(
        operation_id="products_retrieve",
        summary="Read a product",
        responses={200: ProductShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, product_id: str) -> Response:
        return Response(ProductShape(_product(product_id)).data)

    @extend_schema(
        operation_id="products_update",
        summary="Change a product for what is sold from now on",
        request=ProductPatch,
        responses={200: ProductShape, 404: NOT_FOUND, 422: INVALID},
    )
    def patch(self, request: Request, product_id: str) -> Response:
        product = _product(product_id)
        names = ("name", "code", "price", "currency", "billing", "category", "unit", "description")
        values = {name: getattr(product, name) for name in names}
        sent = _named(read(ProductPatch, request))
        changed = catalogue.save_product(product=product, **(values | sent))
        return Response(ProductShape(changed).data)

    @extend_schema(
        operation_id="products_archive",
        summary="Stop selling a product; deals keep it",
        responses={204: None, 404: NOT_FOUND},
    )
    def delete(self, request: Request, product_id: str) -> Response:
        catalogue.archive_product(_product(product_id), at=timezone.now())
        return Response(status=204)


def _product(public_id: str) -> Product:
    found = selling.products(archived=True).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def _named(sent: dict[str, Any]) -> dict[str, Any]:
    """With the category that its name names."""
    name = sent.get("category")
    if name:
        found = ProductCategory.objects.filter(name__iexact=name).first()
        if found is None:
            raise Invalid.field("category", f"There is no category “{name}”.", "unknown")
        sent["category"] = found
    return sent


urlpatterns = [
    path("pipelines/", PipelinesView.as_view(), name="api-pipelines"),
    path("pipelines/<slug:key>/", PipelineView.as_view(), name="api-pipeline"),
    path("stages/", StagesView.as_view(), name="api-stages"),
    path("stages/<int:stage_id>/", StageView.as_view(), name="api-stage"),
    path("close-reasons/", ReasonsView.as_view(), name="api-close-reasons"),
    path("products/", ProductsView.as_view(), name="api-products"),
    path("products/<public_id:product_id>/", ProductView.as_view(), name="api-product"),
]
