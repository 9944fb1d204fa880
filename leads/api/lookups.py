"""Companies for programs, to read."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.access import reach_of
from leadcrm.lib import api_pages
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from leads.models import Company, Lead
from leads.serializers.leads import CompanySerializer


class CompanyPageSerializer(serializers.Serializer[Any]):
    results = CompanySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class CompaniesView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="companies_list",
        summary="List companies whose leads you may see",
        parameters=[
            OpenApiParameter("search", str, description="A part of the name."),
            *api_pages.PARAMETERS,
        ],
        responses=CompanyPageSerializer,
    )
    def get(self, request: Request) -> Response:
        companies = companies_of(request.user)
        if words := request.query_params.get("search", "").replace("\x00", "")[:200]:
            companies = companies.filter(name__icontains=words)
        page = keyset_page(
            companies,
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda row: CompanySerializer(row).data)


class CompanyView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="companies_retrieve", summary="Read a company", responses=CompanySerializer
    )
    def get(self, request: Request, company_id: str) -> Response:
        company = companies_of(request.user).filter(public_id=company_id).first()
        if company is None:
            raise NotFound
        return Response(CompanySerializer(company).data)


def companies_of(principal: Any) -> Any:
    """Companies are as visible as the leads who work there."""
    if reach_of(principal).everything:
        return Company.objects.all()
    leads = Lead.objects.visible_to(principal).filter(company=OuterRef("pk"))
    return Company.objects.filter(Exists(leads))


urlpatterns = [
    path("companies/", CompaniesView.as_view(), name="api-companies"),
    path("companies/<public_id:company_id>/", CompanyView.as_view(), name="api-company"),
]
