"""Scores, BANT answers and scoring models for programs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib.errors import Invalid, NotFound
from scoring import actions, bantapi, queries
from scoring.bantapi import body_of, person_of, visible_lead
from scoring.models import ModelVersion, Rule, ScoringModel
from scoring.serializers import (
    ModelDetailSerializer,
    ModelPageSerializer,
    ModelSerializer,
    RuleSerializer,
    ScoreSerializer,
    VersionSerializer,
    model_shape,
    score_shape,
    version_shape,
)

MISSING = OpenApiResponse(description="There is none, or this key may not see it.")
WRONG = OpenApiResponse(description="`errors` names each field and the cure.")
EDITORS = (Role.MARKETER, Role.ADMIN)


class LeadScoreView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_score",
        summary="Why a lead has its score",
        parameters=[
            OpenApiParameter(
                "as_of", datetime, description="The score at that moment; now when left out."
            )
        ],
        responses={200: ScoreSerializer, 404: MISSING, 422: WRONG},
    )
    def get(self, request: Request, public_id: str) -> Response:
        lead = visible_lead(request, public_id)
        at = _as_of(request.query_params.get("as_of"))
        version = queries.published_version()
        if version is None:
            raise NotFound("No scoring model is published yet. Publish one first.")
        explanation = queries.explanation_by(version, lead, at=at)
        return Response(score_shape(version, explanation))


def _as_of(raw: str | None) -> datetime:
    if not raw:
        return timezone.now()
    try:
        # A plus sign in a query string arrives as a space.
        at = parse_datetime(raw.strip().replace(" ", "+")) if len(raw) <= 40 else None
    except ValueError:
        at = None
    if at is None or not 2000 <= at.year <= 2200:
        raise Invalid.field("as_of", "Write a moment such as 2026-03-31T12:00:00Z.", "not_a_date")
    return at if at.tzinfo else timezone.make_aware(at, timezone.get_default_timezone())


# Models -------------------------------------------------------------------------------------------


def model_of(key: str) -> ScoringModel:
    model = ScoringModel.objects.filter(key=key).first()
    if model is None:
        raise NotFound
    return model


def draft_of(key: str) -> ModelVersion:
    draft = queries.draft_of(model_of(key))
    if draft is None:
        raise NotFound("This model has no draft. Create one with POST …/draft/ first.")
    return draft


def rule_of(key: str, uid: UUID) -> tuple[ModelVersion, Rule]:
    draft = draft_of(key)
    rule = draft.rules.filter(uid=uid).first()
    if rule is None:
        raise NotFound
    return draft, rule


class ScoringView(APIView):
    scope = "scoring"
    write_roles = EDITORS


class ScoringModelsView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_list",
        summary="List scoring models",
        responses=ModelPageSerializer,
    )
    def get(self, request: Request) -> Response:
        models = ScoringModel.objects.order_by("name", "pk")
        results = ModelSerializer(models, many=True).data
        return Response({"results": results, "next": None, "previous": None})


class ScoringModelView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_read",
        summary="A model with its published version, its draft and their rules",
        responses={200: ModelDetailSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(model_shape(model_of(key)))


class DraftView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_draft_create",
        summary="Start a draft from the published version, or get the one there is",
        request=None,
        responses={201: VersionSerializer, 404: MISSING},
    )
    def post(self, request: Request, key: str) -> Response:
        draft = actions.create_draft(model_of(key).pk, at=timezone.now(), user=person_of(request))
        return Response(version_shape(draft), status=201)

    @extend_schema(
        operation_id="scoring_models_draft_update",
        summary="Change caps, thresholds and qualification conditions of the draft",
        request=VersionSerializer,
        responses={200: VersionSerializer, 404: MISSING, 422: WRONG},
    )
    def patch(self, request: Request, key: str) -> Response:
        values: Any = body_of(request)
        return Response(version_shape(actions.set_thresholds(draft_of(key).pk, values)))

    @extend_schema(
        operation_id="scoring_models_draft_discard",
        summary="Throw the draft away",
        responses={204: None, 404: MISSING},
    )
    def delete(self, request: Request, key: str) -> Response:
        actions.discard_draft(draft_of(key).pk)
        return Response(status=204)


class RulesView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_rules_create",
        summary="Add a rule to the draft",
        request=RuleSerializer,
        responses={201: RuleSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, key: str) -> Response:
        values: Any = body_of(request)
        rule = actions.save_rule(draft_of(key).pk, values)
        return Response(RuleSerializer(rule).data, status=201)


class RuleView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_rules_update",
        summary="Change a rule of the draft",
        request=RuleSerializer,
        responses={200: RuleSerializer, 404: MISSING, 422: WRONG},
    )
    def patch(self, request: Request, key: str, uid: UUID) -> Response:
        draft, rule = rule_of(key, uid)
        values: Any = body_of(request)
        return Response(RuleSerializer(actions.save_rule(draft.pk, values, rule_id=rule.pk)).data)

    @extend_schema(
        operation_id="scoring_models_rules_delete",
        summary="Remove a rule from the draft",
        responses={204: None, 404: MISSING},
    )
    def delete(self, request: Request, key: str, uid: UUID) -> Response:
        draft, rule = rule_of(key, uid)
        actions.delete_rule(draft.pk, rule.pk)
        return Response(status=204)


class PublishView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_publish",
        summary="Publish the draft and score everybody by it in the background",
        request=None,
        responses={202: VersionSerializer, 404: MISSING},
    )
    def post(self, request: Request, key: str) -> Response:
        version = actions.publish_version(
            draft_of(key).pk, at=timezone.now(), user=person_of(request)
        )
        return Response(version_shape(version), status=202)


urlpatterns = [
    path("leads/<str:public_id>/score/", LeadScoreView.as_view(), name="api-lead-score"),
    path("leads/<str:public_id>/bant/", bantapi.LeadBantView.as_view(), name="api-lead-bant"),
    path(
        "leads/<str:public_id>/standing/",
        bantapi.LeadStandingView.as_view(),
        name="api-lead-standing",
    ),
    path("scoring-models/", ScoringModelsView.as_view(), name="api-scoring-models"),
    path("scoring-models/<slug:key>/", ScoringModelView.as_view(), name="api-scoring-model"),
    path("scoring-models/<slug:key>/draft/", DraftView.as_view(), name="api-scoring-draft"),
    path("scoring-models/<slug:key>/rules/", RulesView.as_view(), name="api-scoring-rules"),
    path(
        "scoring-models/<slug:key>/rules/<uuid:uid>/", RuleView.as_view(), name="api-scoring-rule"
    ),
    path("scoring-models/<slug:key>/publish/", PublishView.as_view(), name="api-scoring-publish"),
]
