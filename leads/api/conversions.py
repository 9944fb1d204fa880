"""Conversions for Google Ads, for programs that upload them."""

from datetime import timedelta

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leads.queries.offline import csv_lines, offline
from leads.serializers.conversions import ConversionPeriod, OfflineSerializer, offline_shape

DAYS = 30


class ConversionsView(APIView):
    scope = "marketing"
    roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="marketing_conversions_list",
        summary="Conversions of clicks on Google's ads in a period",
        description="Each with the newest click before it whose id is still kept, and how many "
        "were left out for which reason.",
        parameters=[ConversionPeriod],
        responses={
            (200, "application/json"): OfflineSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ConversionPeriod(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        last = given.get("last_day") or timezone.localdate()
        first = given.get("first_day") or last - timedelta(days=min(DAYS, last.toordinal()) - 1)
        found = offline(request.user, first=first, last=last)
        if given["output"] == "csv":
            lines = "".join(csv_lines(found.rows))
            return HttpResponse(lines, content_type="text/csv; charset=utf-8")
        return Response(offline_shape(found))


urlpatterns = [
    path("marketing-conversions/", ConversionsView.as_view(), name="api-marketing-conversions"),
]
