"""Stages, moves and deals for programs."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import Page, keyset_page
from leads.models import Lead
from pipeline import actions, queries
from pipeline.api.base import CONFLICT, INVALID, NOT_FOUND, actor_of, lead_of, read
from pipeline.models import Deal, Product, Transition
from pipeline.serializers.funnel import (
    DealInput,
    DealPageSerializer,
    DealPatch,
    DealSerializer,
    LeadStageShape,
    MoveInput,
    ReopenInput,
    lead_stage_shape,
)

MOST_TRANSITIONS = 100


class LeadStageView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_stage_retrieve",
        summary="Where a lead stands and how it came there",
        responses={200: LeadStageShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        return _stage_of(lead_of(request, lead_id))

    @extend_schema(
        operation_id="lead_stage_move",
        summary="Move a lead to a stage",
        description="A won or lost stage closes the sales cycle.",
        request=MoveInput,
        responses={200: LeadStageShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        sent = read(MoveInput, request)
        actions.move_to_stage(
            lead.pk,
            to=sent.pop("stage"),
            at=timezone.now(),
            actor=actor_of(request),
            cause=Transition.Cause.API,
            **sent,
        )
        return _stage_of(lead)


class ReopenView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_reopen",
        summary="Reopen a won or lost lead",
        request=ReopenInput,
        responses={200: LeadStageShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        key = read(ReopenInput, request).get("stage")
        cycle = queries.current_cycle_of(lead.pk)
        stage = queries.stages(cycle.pipeline if cycle else None).filter(key=key).first()
        if key and stage is None:
            raise Invalid.field("stage", f"There is no stage “{key}”.", "unknown_stage")
        actions.reopen_cycle(lead.pk, at=timezone.now(), actor=actor_of(request), to=stage)
        return _stage_of(lead)


def _stage_of(lead: Lead) -> Response:
    lead.refresh_from_db(fields=["stage", "stage_entered_at", "status", "lifecycle", "version"])
    transitions = list(queries.transitions_of(lead.pk)[:MOST_TRANSITIONS])
    return Response(lead_stage_shape(lead, queries.current_cycle_of(lead.pk), transitions))


# Deals --------------------------------------------------------------------------------------------


class LeadDealsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_deals_list",
        summary="Deals of a lead, newest first",
        parameters=api_pages.PARAMETERS,
        responses=DealPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        return _page(request, queries.deals_visible_to(request.user).filter(lead=lead))

    @extend_schema(
        operation_id="lead_deals_create",
        summary="Add a deal to the open cycle",
        request=DealInput,
        responses={201: DealSerializer, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        sent = read(DealInput, request)
        with_lines(sent)
        deal = actions.create_deal(lead.pk, at=timezone.now(), actor=actor_of(request), **sent)
        return Response(DealSerializer(deal).data, status=201)


class DealsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="deals_list",
        summary="List deals, newest first",
        parameters=[
            OpenApiParameter("state", str, enum=Deal.State.values),
            OpenApiParameter("forecast", str, enum=Deal.Forecast.values),
            *api_pages.PARAMETERS,
        ],
        responses=DealPageSerializer,
    )
    def get(self, request: Request) -> Response:
        deals = queries.deals_visible_to(request.user)
        if state := request.query_params.get("state"):
            deals = deals.filter(state=state[:10])
        if forecast := request.query_params.get("forecast"):
            deals = deals.filter(forecast=forecast[:10])
        return _page(request, deals)


class DealView(APIView):
    scope = "pipeline"

    @extend_schema(operation_id="deals_retrieve", summary="Read a deal", responses=DealSerializer)
    def get(self, request: Request, deal_id: int) -> Response:
        return Response(DealSerializer(_deal(request, deal_id)).data)

    @extend_schema(
        operation_id="deals_update",
        summary="Change an open deal",
        request=DealPatch,
        responses={200: DealSerializer, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def patch(self, request: Request, deal_id: int) -> Response:
        deal = _deal(request, deal_id)
        sent = with_lines(read(DealPatch, request))
        changed = actions.update_deal(deal.pk, at=timezone.now(), actor=actor_of(request), **sent)
        return Response(DealSerializer(changed).data)

    @extend_schema(operation_id="deals_delete", summary="Delete a deal", responses={204: None})
    def delete(self, request: Request, deal_id: int) -> Response:
        actions.delete_deal(_deal(request, deal_id).pk)
        return Response(status=204)


def with_lines(sent: dict[str, Any]) -> dict[str, Any]:
    """What was sent, its lines with the products that they name."""
    if "lines" not in sent:
        return sent
    keys = {line.get("product") for line in sent["lines"]} - {None}
    known = {each.public_id: each for each in Product.objects.filter(public_id__in=keys)}
    for place, line in enumerate(sent["lines"]):
        key = line.get("product")
        if key and key not in known:
            raise Invalid.field(f"lines.{place}.product", f"There is no product “{key}”.")
        line["product"] = known.get(key)
    sent["lines"] = [actions.NewLine(**line) for line in sent["lines"]]
    return sent


def _deal(request: Request, deal_id: int) -> Deal:
    deal = queries.deals_visible_to(request.user).filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    return deal


def _page(request: Request, deals: Any) -> Response:
    page: Page[Deal] = keyset_page(
        deals.prefetch_related("lines__product"),
        ordering=["-pk"],
        size=api_pages.size_of(request),
        cursor=request.query_params.get("cursor"),
    )
    return api_pages.answer(request, page, lambda deal: DealSerializer(deal).data)


urlpatterns = [
    path("deals/", DealsView.as_view(), name="api-deals"),
    path("deals/<int:deal_id>/", DealView.as_view(), name="api-deal"),
    path("leads/<public_id:lead_id>/stage/", LeadStageView.as_view(), name="api-lead-stage"),
    path("leads/<public_id:lead_id>/reopen/", ReopenView.as_view(), name="api-lead-reopen"),
    path("leads/<public_id:lead_id>/deals/", LeadDealsView.as_view(), name="api-lead-deals"),
]
