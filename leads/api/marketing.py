"""Marketing campaigns and spend, for programs that know what advertising costs."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leads.actions import marketing as actions
from leads.models import MarketingCampaign, SpendEntry
from leads.serializers.marketing import (
    CampaignInput,
    CampaignPatch,
    CampaignSerializer,
    SpendInput,
    SpendPatch,
    SpendSerializer,
    campaign_shape,
    spend_shape,
)

NOT_FOUND = OpenApiResponse(description="There is none with this id.")
IN_USE = OpenApiResponse(description="Visits or spend belong to it. Archive or merge it.")


class MarketingCampaignPageSerializer(serializers.Serializer[Any]):
    results = CampaignSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SpendPageSerializer(serializers.Serializer[Any]):
    results = SpendSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MarketingView(APIView):
    scope = "marketing"
    roles = (Role.MARKETER, Role.MANAGER)


def valid(serializer: type[serializers.Serializer[Any]], request: Request) -> Any:
    form = serializer(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class CampaignsView(MarketingView):
    @extend_schema(
        operation_id="marketing_campaigns_list",
        summary="List marketing campaigns",
        parameters=[
            OpenApiParameter("utm_campaign", str, description="The one of this tag or spelling."),
            *api_pages.PARAMETERS,
        ],
        responses=MarketingCampaignPageSerializer,
    )
    def get(self, request: Request) -> Response:
        found: QuerySet[MarketingCampaign] = MarketingCampaign.objects.prefetch_related("aliases")
        if tag := request.query_params.get("utm_campaign", "").replace("\x00", "")[:200]:
            known = found.filter(utm_campaign=tag)
            found = known if known.exists() else found.filter(aliases__spelling=tag.lower())
        page = keyset_page(
            found,
            ordering=["pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, campaign_shape)

    @extend_schema(
        operation_id="marketing_campaigns_create",
        summary="Add a marketing campaign",
        request=CampaignInput,
        responses={201: CampaignSerializer},
    )
    def post(self, request: Request) -> Response:
        made = actions.save_campaign(valid(CampaignInput, request))
        return Response(campaign_shape(made), status=201)


class CampaignView(MarketingView):
    @extend_schema(
        operation_id="marketing_campaigns_retrieve",
        summary="Read a marketing campaign",
        responses={200: CampaignSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, campaign_id: int) -> Response:
        return Response(campaign_shape(_campaign(campaign_id)))

    @extend_schema(
        operation_id="marketing_campaigns_update",
        summary="Change, archive or merge a marketing campaign",
        description="Answers the campaign that is left.",
        request=CampaignPatch,
        responses={200: CampaignSerializer, 404: NOT_FOUND},
    )
    def patch(self, request: Request, campaign_id: int) -> Response:
        _campaign(campaign_id)
        values = valid(CampaignPatch, request)
        into = values.pop("merge_into", None)
        if into is None:
            return Response(campaign_shape(actions.save_campaign(values, campaign_id)))
        if values:
            raise Invalid.field("merge_into", "Send `merge_into` alone.")
        if not MarketingCampaign.objects.filter(pk=into).exists():
            raise Invalid.field("merge_into", "There is no such campaign.")
        return Response(campaign_shape(actions.merge_campaigns(campaign_id, into=into)))

    @extend_schema(
        operation_id="marketing_campaigns_delete",
        summary="Delete a marketing campaign that nothing belongs to",
        responses={204: None, 404: NOT_FOUND, 409: IN_USE},
    )
    def delete(self, request: Request, campaign_id: int) -> Response:
        actions.delete_campaign(campaign_id)
        return Response(status=204)


def _campaign(campaign_id: int) -> MarketingCampaign:
    found = MarketingCampaign.objects.prefetch_related("aliases").filter(pk=campaign_id).first()
    if found is None:
        raise NotFound
    return found


class SpendListView(MarketingView):
    @extend_schema(
        operation_id="spend_list",
        summary="List spend, the newest first",
        parameters=[
            OpenApiParameter("channel", str),
            OpenApiParameter("campaign", str, description="Its id."),
            *api_pages.PARAMETERS,
        ],
        responses=SpendPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = keyset_page(
            _narrowed(request),
            ordering=["-first_day", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, spend_shape)

    @extend_schema(
        operation_id="spend_create",
        summary="Add spend, or replace what came with the same `external_id`",
        request=SpendInput,
        responses={201: SpendSerializer, 200: SpendSerializer},
    )
    def post(self, request: Request) -> Response:
        values = valid(SpendInput, request)
        values.setdefault("last_day", None)
        entry, is_new = actions.save_spend(values, origin=SpendEntry.Origin.API)
        return Response(spend_shape(entry), status=201 if is_new else 200)


def _narrowed(request: Request) -> QuerySet[SpendEntry]:
    found = SpendEntry.objects.all()
    if channel := request.query_params.get("channel", "").replace("\x00", "")[:20]:
        found = found.filter(channel=channel)
    if campaign := request.query_params.get("campaign", ""):
        if not campaign.isascii() or not campaign.isdigit() or len(campaign) > 9:
            raise Invalid.field("campaign", "Write the id of a campaign.")
        found = found.filter(campaign=int(campaign))
    return found


class SpendView(MarketingView):
    @extend_schema(
        operation_id="spend_retrieve",
        summary="Read an entry of spend",
        responses={200: SpendSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, entry_id: int) -> Response:
        entry = SpendEntry.objects.filter(pk=entry_id).first()
        if entry is None:
            raise NotFound
        return Response(spend_shape(entry))

    @extend_schema(
        operation_id="spend_update",
        summary="Change an entry of spend",
        request=SpendPatch,
        responses={200: SpendSerializer, 404: NOT_FOUND},
    )
    def patch(self, request: Request, entry_id: int) -> Response:
        values = valid(SpendPatch, request)
        entry, _ = actions.save_spend(values, entry_id=entry_id)
        return Response(spend_shape(entry))

    @extend_schema(
        operation_id="spend_delete",
        summary="Delete an entry of spend",
        responses={204: None, 404: NOT_FOUND},
    )
    def delete(self, request: Request, entry_id: int) -> Response:
        actions.delete_spend(entry_id)
        return Response(status=204)


urlpatterns = [
    path("marketing-campaigns/", CampaignsView.as_view(), name="api-marketing-campaigns"),
    path(
        "marketing-campaigns/<int:campaign_id>/",
        CampaignView.as_view(),
        name="api-marketing-campaign",
    ),
    path("spend/", SpendListView.as_view(), name="api-spend-list"),
    path("spend/<int:entry_id>/", SpendView.as_view(), name="api-spend"),
]
