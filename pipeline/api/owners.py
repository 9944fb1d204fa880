"""Who has a lead, why, and how long it waits, for programs."""

from collections.abc import Iterable
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.pagination import Page, keyset_page
from leads.models import Lead
from pipeline import actions, queries
from pipeline.api.base import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    actor_of,
    colleague,
    lead_of,
    person_acting,
    read,
    team_of,
)
from pipeline.models import Assignment, RoutingDecision
from pipeline.serializers.owners import (
    AnswerInput,
    ClockShape,
    DecisionPageSerializer,
    DecisionShape,
    OwnerInput,
    OwnerShape,
    RejectInput,
    RouteInput,
    clock_shape,
    decision_shape,
    owner_shape,
)


class LeadOwnerView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_owner_retrieve",
        summary="Who is responsible, with the latest routing decision",
        responses={200: OwnerShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        return _owner_of(lead_of(request, lead_id))

    @extend_schema(
        operation_id="lead_owner_assign",
        summary="Give a lead to somebody, or put it into a queue",
        request=OwnerInput,
        responses={200: OwnerShape, 404: NOT_FOUND, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        sent = read(OwnerInput, request)
        actions.assign(
            lead.pk,
            owner=colleague(sent["owner"], field="owner") if sent["owner"] else None,
            team=None if sent["owner"] else team_of(sent.get("queue"), field="queue"),
            note=sent.get("note", ""),
            at=timezone.now(),
            actor=actor_of(request),
            cause=Assignment.Cause.API,
        )
        return _owner_of(lead)


class AcceptanceView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_acceptance",
        summary="Accept or decline a lead that was given to you",
        request=AnswerInput,
        responses={200: OwnerShape, 404: NOT_FOUND, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        sent, user, at = read(AnswerInput, request), person_acting(request), timezone.now()
        if sent["accepted"]:
            actions.accept(lead.pk, user=user, at=at)
        else:
            actions.decline(lead.pk, user=user, reason=sent.get("reason", ""), at=at)
        return _owner_of(lead)


class RejectionView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_rejection",
        summary="Say that a lead is not sales-qualified; it goes back to marketing",
        request=RejectInput,
        responses={204: None, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        reason = read(RejectInput, request)["reason"]
        actions.reject(lead.pk, user=person_acting(request), reason=reason, at=timezone.now())
        return Response(status=204)


class LeadRoutingView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_routing_list",
        summary="Every routing decision about a lead, newest first",
        parameters=api_pages.PARAMETERS,
        responses=DecisionPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        page: Page[RoutingDecision] = keyset_page(
            queries.decisions_of(lead.pk),
            ordering=["-decided_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return Response(api_pages.envelope(request, page, _shapes(page.rows)))

    @extend_schema(
        operation_id="lead_routing_run",
        summary="Route a lead now by the published rules",
        description="204 when it has an owner, who keeps it unless you send `again`.",
        request=RouteInput,
        responses={201: DecisionShape, 204: None, 404: NOT_FOUND},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        decision = actions.route(
            lead.pk,
            at=timezone.now(),
            cause="requested",
            actor=actor_of(request),
            again=read(RouteInput, request)["again"],
        )
        if decision is None:
            return Response(status=204)
        return Response(_shapes([decision])[0], status=201)


class LeadResponseView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_response_retrieve",
        summary="How long a lead waits, or waited, for a person",
        responses={200: ClockShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        return Response(clock_shape(queries.clock_of(lead_of(request, lead_id).pk)))


def _owner_of(lead: Lead) -> Response:
    decision = queries.latest_decision(lead.pk)
    shape = _shapes([decision])[0] if decision else None
    return Response(owner_shape(queries.current_assignment(lead.pk), shape))


def _shapes(decisions: Iterable[RoutingDecision]) -> list[dict[str, Any]]:
    rows = list(decisions)
    named = queries.public_ids_of({c["user"] for row in rows for c in row.candidates})
    return [decision_shape(row, named) for row in rows]


urlpatterns = [
    path("leads/<public_id:lead_id>/owner/", LeadOwnerView.as_view(), name="api-lead-owner"),
    path(
        "leads/<public_id:lead_id>/acceptance/",
        AcceptanceView.as_view(),
        name="api-lead-acceptance",
    ),
    path(
        "leads/<public_id:lead_id>/rejection/", RejectionView.as_view(), name="api-lead-rejection"
    ),
    path("leads/<public_id:lead_id>/routing/", LeadRoutingView.as_view(), name="api-lead-routing"),
    path(
        "leads/<public_id:lead_id>/response/", LeadResponseView.as_view(), name="api-lead-response"
    ),
]
