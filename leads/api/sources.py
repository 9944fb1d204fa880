"""Where leads come in, for programs."""

from datetime import timedelta

from django.conf import settings
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from leads.actions.sources import NewSource, create_source
from leads.models import Connection, ConnectionSecret
from leads.providers import PROVIDERS
from leads.queries.sources import source_rows, sources
from leads.serializers.sources import (
    CreatedSourceSerializer,
    NewSourceSerializer,
    SourceDetailSerializer,
    SourcePageSerializer,
    SourceSerializer,
)

DAYS = 30


class SourcesView(APIView):
    scope = "leads"
    write_roles = (Role.MARKETER, Role.MANAGER)

    @extend_schema(
        operation_id="sources_list",
        summary="List sources",
        parameters=api_pages.PARAMETERS,
        responses=SourcePageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = keyset_page(
            sources(),
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda row: SourceSerializer(row).data)

    @extend_schema(
        operation_id="sources_create",
        summary="Connect a source",
        description="Answers with the address that leads are sent to. Secrets that a provider "
        "asks for are pasted on the source's page.",
        request=NewSourceSerializer,
        responses={201: CreatedSourceSerializer},
    )
    def post(self, request: Request) -> Response:
        entry = NewSourceSerializer(data=request.data)
        entry.is_valid(raise_exception=True)
        provider = PROVIDERS[entry.validated_data["provider"]]
        connection = create_source(
            NewSource(
                name=entry.validated_data["name"],
                provider=provider.key,
                kind=provider.kind,
                channel=entry.validated_data.get("channel", provider.channel),
                makes_secret=provider.proof_is_ours and provider.makes_proof,
            )
        )
        told = {**SourceSerializer(connection.source).data, "address": address_of(connection)}
        return Response(told, status=201)


def address_of(connection: Connection) -> str:
    secret = connection.plain_secrets(ConnectionSecret.Use.ADDRESS)[0]
    return f"{settings.SITE_URL}/in/{connection.provider}/{secret}/"


class SourceView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="sources_retrieve",
        summary="Get a source",
        description="With what its captures of the last 30 days, as far as you may see them, "
        "have become.",
        responses=SourceDetailSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        since = timezone.now() - timedelta(days=DAYS)
        rows = source_rows(request.user, since=since, key=key)
        if not rows:
            raise NotFound
        return Response(SourceDetailSerializer.of(rows[0]))


urlpatterns = [
    path("sources/", SourcesView.as_view(), name="api-sources"),
    path("sources/<slug:key>/", SourceView.as_view(), name="api-source"),
]
