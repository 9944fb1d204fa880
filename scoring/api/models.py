"""Scoring models, their versions, and points by hand, for programs."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import FieldError, Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from scoring import actions, queries
from scoring.api.bant import body_of, person_of, visible_lead
from scoring.comparing import compare
from scoring.models import ModelVersion, Rule, ScoringModel
from scoring.serializers.models import (
    AdjustmentListSerializer,
    AdjustmentSerializer,
    ModelDetailSerializer,
    ModelPageSerializer,
    ModelSerializer,
    NewModelSerializer,
    PublicationSerializer,
    PublishSerializer,
    QualificationListSerializer,
    QualificationSerializer,
    RuleSerializer,
    VersionDetailSerializer,
    VersionPageSerializer,
    VersionRowSerializer,
    VersionSerializer,
    change_shape,
    model_shape,
    publication_shape,
    version_shape,
)

MISSING = OpenApiResponse(description="There is none, or this key may not see it.")
WRONG = OpenApiResponse(description="`errors` names each field and the cure.")
OVER = OpenApiResponse(description="It is too late for that; `detail` says why.")
EDITORS = (Role.MARKETER, Role.ADMIN)


def model_of(key: str) -> ScoringModel:
    model = ScoringModel.objects.filter(key=key, archived_at=None).first()
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


def version_of(key: str, number: int) -> ModelVersion:
    found = model_of(key).versions.filter(number=number).first()
    if found is None:
        raise NotFound
    return found


def known_only(body: dict[str, Any], *names: str) -> None:
    """:raises Invalid: the body holds something that has no meaning."""
    unknown = [
        FieldError(str(name)[:60], "Remove it.", "unknown") for name in body if name not in names
    ]
    if unknown:
        raise Invalid("The body holds something that has no meaning here.", errors=unknown)


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
        results = ModelSerializer(queries.models(), many=True).data
        return Response({"results": results, "next": None, "previous": None})

    @extend_schema(
        operation_id="scoring_models_create",
        summary="Score a product category: makes a model with a draft",
        request=NewModelSerializer,
        responses={201: ModelDetailSerializer, 422: WRONG},
    )
    def post(self, request: Request) -> Response:
        body = body_of(request)
        known_only(body, "name", "category", "copy_rules")
        names = {name: body.get(name) for name in ("name", "category")}
        wrong = [
            FieldError(n, "Write some text.") for n, v in names.items() if not isinstance(v, str)
        ]
        if wrong:
            raise Invalid(wrong[0].message, errors=wrong)
        model = actions.create_model(
            name=str(names["name"]),
            category=str(names["category"]),
            copy_rules=body.get("copy_rules") is not False,
            at=timezone.now(),
            user=person_of(request),
        )
        return Response(model_shape(model), status=201)


class ScoringModelView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_read",
        summary="A model with its published version, its draft and their rules",
        responses={200: ModelDetailSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(model_shape(model_of(key)))

    @extend_schema(
        operation_id="scoring_models_archive",
        summary="Stop scoring by it",
        responses={204: None, 404: MISSING, 422: WRONG},
    )
    def delete(self, request: Request, key: str) -> Response:
        actions.archive_model(model_of(key).pk, at=timezone.now())
        return Response(status=204)


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
        operation_id="scoring_models_publication",
        summary="How far the latest publication is",
        responses={200: PublicationSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        rescore = queries.latest_rescore(model_of(key))
        if rescore is None:
            raise NotFound("Nothing has been published since the first version.")
        return Response(publication_shape(rescore))

    @extend_schema(
        operation_id="scoring_models_publish",
        summary="Publish the draft: everybody is scored by it in the background, then it counts",
        request=PublishSerializer,
        responses={202: VersionSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, key: str) -> Response:
        body = body_of(request) if request.data else {}
        known_only(body, "note", "hand_over")
        note, hand_over = body.get("note", ""), body.get("hand_over", True)
        if not isinstance(note, str):
            raise Invalid.field("note", "Write some text.")
        if not isinstance(hand_over, bool):
            raise Invalid.field("hand_over", "Write true or false.")
        version = actions.publish_version(
            draft_of(key).pk,
            at=timezone.now(),
            user=person_of(request),
            note=note,
            hand_over=hand_over,
        )
        return Response(version_shape(version), status=202)


class VersionsView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_versions",
        summary="All versions of a model, newest first",
        parameters=api_pages.PARAMETERS,
        responses={200: VersionPageSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str) -> Response:
        page = keyset_page(
            model_of(key).versions.select_related("restored_from"),
            ordering=["-number"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda row: VersionRowSerializer(row).data)


class VersionView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_version",
        summary="A version with its rules, and what is different from the one before",
        responses={200: VersionDetailSerializer, 404: MISSING},
    )
    def get(self, request: Request, key: str, number: int) -> Response:
        version = version_of(key, number)
        before = queries.version_before(version)
        old = queries.rules_of(before) if before else []
        changes = compare(before, old, version, queries.rules_of(version))
        shape = {**version_shape(version), "changes": [change_shape(c) for c in changes]}
        return Response(shape)


class RestoreView(ScoringView):
    @extend_schema(
        operation_id="scoring_models_restore",
        summary="Go back: publish the rules of an earlier version again, as a new version",
        request=None,
        responses={202: VersionSerializer, 404: MISSING, 409: OVER},
    )
    def post(self, request: Request, key: str, number: int) -> Response:
        version = version_of(key, number)
        made = actions.roll_back(
            version.model_id, number, at=timezone.now(), user=person_of(request)
        )
        return Response(version_shape(made), status=202)


# Leads --------------------------------------------------------------------------------------------


class AdjustmentsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_adjustments_list",
        summary="Points that colleagues and programs added or took, newest first",
        responses={200: AdjustmentListSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        found = queries.adjustments_of(visible_lead(request, public_id), at=timezone.now())
        return Response(
            {"results": AdjustmentSerializer([each.row for each in found], many=True).data}
        )

    @extend_schema(
        operation_id="leads_adjustments_create",
        summary="Add or take points by hand, with the reason and, if you like, an end",
        request=AdjustmentSerializer,
        responses={201: AdjustmentSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, public_id: str) -> Response:
        lead, body = visible_lead(request, public_id), body_of(request)
        known_only(body, "points", "reason", "expires_at")
        made = actions.adjust_score(
            lead.pk,
            points=body.get("points", 0),
            reason=body.get("reason", ""),
            expires_at=_moment(body.get("expires_at")),
            at=timezone.now(),
            user=person_of(request),
        )
        return Response(AdjustmentSerializer(made).data, status=201)


def _moment(raw: Any) -> Any:
    if raw is None:
        return None
    try:
        at = parse_datetime(raw) if isinstance(raw, str) and len(raw) <= 40 else None
    except ValueError:
        at = None
    if at is None or not 2000 <= at.year <= 2200:
        raise Invalid.field("expires_at", "Write a moment such as 2026-12-31T12:00:00Z.")
    return at if at.tzinfo else timezone.make_aware(at, timezone.get_default_timezone())


class AdjustmentView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_adjustments_revoke",
        summary="Take an adjustment back: it counts no more from now on",
        responses={204: None, 404: MISSING, 409: OVER},
    )
    def delete(self, request: Request, public_id: str, adjustment_id: int) -> Response:
        lead = visible_lead(request, public_id)
        if not lead.adjustments.filter(pk=adjustment_id).exists():
            raise NotFound
        actions.revoke_adjustment(adjustment_id, at=timezone.now(), user=person_of(request))
        return Response(status=204)


class QualificationsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="leads_qualifications",
        summary="When the lead was qualified, with the proof and what sales said, newest first",
        responses={200: QualificationListSerializer, 404: MISSING},
    )
    def get(self, request: Request, public_id: str) -> Response:
        rows = queries.qualifications_of(visible_lead(request, public_id))
        return Response({"results": QualificationSerializer(rows, many=True).data})


LEAD, MODEL = "leads/<str:public_id>/", "scoring-models/<slug:key>/"
urlpatterns = [
    path("scoring-models/", ScoringModelsView.as_view(), name="api-scoring-models"),
    path(MODEL, ScoringModelView.as_view(), name="api-scoring-model"),
    path(f"{MODEL}draft/", DraftView.as_view(), name="api-scoring-draft"),
    path(f"{MODEL}rules/", RulesView.as_view(), name="api-scoring-rules"),
    path(f"{MODEL}rules/<uuid:uid>/", RuleView.as_view(), name="api-scoring-rule"),
    path(f"{MODEL}publish/", PublishView.as_view(), name="api-scoring-publish"),
    path(f"{MODEL}versions/", VersionsView.as_view(), name="api-scoring-versions"),
    path(f"{MODEL}versions/<int:number>/", VersionView.as_view(), name="api-scoring-version"),
    path(
        f"{MODEL}versions/<int:number>/restore/",
        RestoreView.as_view(),
        name="api-scoring-restore",
    ),
    path(f"{LEAD}adjustments/", AdjustmentsView.as_view(), name="api-lead-adjustments"),
    path(
        f"{LEAD}adjustments/<int:adjustment_id>/",
        AdjustmentView.as_view(),
        name="api-lead-adjustment",
    ),
    path(f"{LEAD}qualifications/", QualificationsView.as_view(), name="api-lead-qualifications"),
]
