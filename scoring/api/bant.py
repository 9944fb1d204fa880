"""What is known of a lead, by BANT or the framework in its place, for programs."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import ApiKey, User
from leadcrm.lib.errors import Invalid, NotFound
from leads.models import Lead
from scoring import actions, frameworks, standing
from scoring.models import BantAnswer
from scoring.serializers import BantSerializer, StandingSerializer, bant_shape, standing_shape

MISSING = OpenApiResponse(description="There is none, or this key may not see it.")
WRONG = OpenApiResponse(description="`errors` names each field and the cure.")
UNKNOWN = {"level": "unknown", "value": "", "evidence": ""}


def visible_lead(request: Request, public_id: str) -> Lead:
    lead: Lead | None = Lead.objects.visible_to(request.user).filter(public_id=public_id).first()
    if lead is None:
        raise NotFound
    return lead


def person_of(request: Request) -> User | None:
    if isinstance(request.auth, ApiKey):
        return request.auth.user
    return request.user if isinstance(request.user, User) else None


def body_of(request: Request) -> dict[str, Any]:
    """:raises Invalid: the body is not a JSON object."""
    if not isinstance(request.data, dict):
        raise Invalid.field("body", 'Send a JSON object such as {"budget": {"level": "yes"}}.')
    return dict(request.data)


class LeadBantView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_bant_read",
        summary="What is known of budget, authority, need and timeline",
        responses={200: BantSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        return Response(bant_shape(standing.contract_of(visible_lead(request, public_id))))

    @extend_schema(
        operation_id="leads_bant_replace",
        summary="Answer BANT; what is left out becomes unknown",
        request=BantSerializer,
        responses={200: BantSerializer, 404: MISSING, 422: WRONG},
    )
    def put(self, request: Request, public_id: str) -> Response:
        given = body_of(request)
        whole = {
            key: {**UNKNOWN, **given[key]} if isinstance(given.get(key), dict) else given[key]
            for key in given
        }
        keys = dict.fromkeys([*frameworks.BANT.keys, *frameworks.active().keys])
        missing = {key: UNKNOWN for key in keys if key not in given}
        return self.answer(request, public_id, {**whole, **missing})

    @extend_schema(
        operation_id="leads_bant_update",
        summary="Answer some of BANT; what is left out stays",
        request=BantSerializer,
        responses={200: BantSerializer, 404: MISSING, 422: WRONG},
    )
    def patch(self, request: Request, public_id: str) -> Response:
        return self.answer(request, public_id, body_of(request))

    def answer(self, request: Request, public_id: str, answers: dict[str, Any]) -> Response:
        lead = visible_lead(request, public_id)
        answers.pop("completeness", None)
        actions.answer_bant(
            lead.pk,
            answers,
            source=BantAnswer.Source.API,
            at=timezone.now(),
            user=person_of(request),
            channel="api",
        )
        return Response(bant_shape(standing.contract_of(lead)))


class LeadStandingView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_standing",
        summary="By the framework in use: what is known, from where, what to ask next, and history",
        responses={200: StandingSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        state = standing.bant_of(lead)
        question = standing.next_question(state, lead.score_row)
        return Response(standing_shape(state, question, standing.history_of(lead)))
