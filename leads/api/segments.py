"""Segments and lists for programs: conditions checked, counted, explained; members read and set."""

from typing import Any

from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role, User
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leads.actions import segments as actions
from leads.activity_types import ACTIVITY_TYPES
from leads.conditions import OPERATORS, describe, explain, fields_for, memberships_for, validate
from leads.conditions.happenings import TOUCH_COLUMNS
from leads.conditions.types import Choices
from leads.models import Lead, Segment
from leads.queries import segments as queries
from leads.serializers.segments import (
    CatalogueSerializer,
    ExplainInput,
    ExplainSerializer,
    LeadsInput,
    ListChangeSerializer,
    MemberSerializer,
    PreviewInput,
    PreviewSerializer,
    SegmentInput,
    SegmentPatch,
    SegmentSerializer,
    leaves_of,
    segment_shape,
)

NOT_FOUND = OpenApiResponse(description="There is none with this id.")
IN_USE = OpenApiResponse(description="A rule, campaign or segment names it.")
STALE = OpenApiResponse(description="Somebody saved it since the version you read.")
EVERYBODY: dict[str, Any] = {"all": []}


class SegmentPageSerializer(serializers.Serializer[Any]):
    results = SegmentSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MemberPageSerializer(serializers.Serializer[Any]):
    results = MemberSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SegmentScope(APIView):
    scope = "leads"
    roles = (Role.MARKETER, Role.MANAGER)


def valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    form = serializer(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def find(public_id: str) -> Segment:
    segment = Segment.objects.filter(public_id=public_id).first()
    if segment is None:
        raise NotFound
    return segment


def person(request: Request) -> User | None:
    return request.user if isinstance(request.user, User) else None


class SegmentsView(SegmentScope):
    @extend_schema(
        operation_id="segments_list",
        summary="List segments and lists",
        parameters=[
            OpenApiParameter("archived", bool, description="Those out of use instead."),
            *api_pages.PARAMETERS,
        ],
        responses=SegmentPageSerializer,
    )
    def get(self, request: Request) -> Response:
        archived = request.query_params.get("archived", "") in ("true", "1")
        page = keyset_page(
            queries.segments(archived=archived),
            ordering=["pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, segment_shape)

    @extend_schema(
        operation_id="segments_create",
        summary="Make a segment or a list",
        description="A live segment without conditions takes everybody.",
        request=SegmentInput,
        responses={201: SegmentSerializer},
    )
    def post(self, request: Request) -> Response:
        sent = valid(SegmentInput, request)
        tree = sent.pop("conditions", None)
        made = actions.create_segment(**sent, tree=tree, user=person(request))
        made.refresh_from_db()
        return Response(segment_shape(made), status=201)


class SegmentView(SegmentScope):
    @extend_schema(
        operation_id="segments_retrieve",
        summary="Read a segment",
        responses={200: SegmentSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, segment_id: str) -> Response:
        return Response(segment_shape(find(segment_id)))

    @extend_schema(
        operation_id="segments_update",
        summary="Change, archive or restore a segment",
        request=SegmentPatch,
        responses={200: SegmentSerializer, 404: NOT_FOUND, 409: IN_USE, 412: STALE},
    )
    def patch(self, request: Request, segment_id: str) -> Response:
        segment, sent, now = find(segment_id), valid(SegmentPatch, request), timezone.now()
        archived = sent.pop("archived", None)
        with transaction.atomic():
            if sent:
                tree = sent.pop("conditions", None)
                actions.update_segment(segment.pk, **sent, tree=tree, at=now)
            if archived is not None and archived != (segment.archived_at is not None):
                act = actions.archive_segment if archived else actions.restore_segment
                act(segment.pk, at=now)
        return Response(segment_shape(find(segment_id)))

    @extend_schema(
        operation_id="segments_delete",
        summary="Archive a segment that nothing uses",
        description="Its history is kept; a patch with `archived: false` brings it back.",
        responses={204: None, 404: NOT_FOUND, 409: IN_USE},
    )
    def delete(self, request: Request, segment_id: str) -> Response:
        actions.archive_segment(find(segment_id).pk, at=timezone.now())
        return Response(status=204)


class PreviewView(SegmentScope):
    @extend_schema(
        operation_id="segments_preview",
        summary="Count whom conditions would take",
        description="Nothing is written.",
        request=PreviewInput,
        responses=PreviewSerializer,
    )
    def post(self, request: Request) -> Response:
        tree = valid(PreviewInput, request)["conditions"]
        validate(tree, path="conditions")
        found = queries.preview(tree, request.user)
        shown: dict[str, Any] = {"words": describe(tree), "steps": [], "sample": []}
        names = ("count", "of", "hot", "warm", "cold")
        shown |= {name: getattr(found, name) if found else None for name in names}
        if found:
            shown |= {"steps": found.cuts, "sample": found.sample}
        return Response(PreviewSerializer(shown).data)


class ExplainView(SegmentScope):
    @extend_schema(
        operation_id="segments_explain",
        summary="Say why a lead meets conditions or not",
        request=ExplainInput,
        responses={200: ExplainSerializer, 404: NOT_FOUND},
    )
    def post(self, request: Request) -> Response:
        sent = valid(ExplainInput, request)
        if ("segment" in sent) == ("conditions" in sent):
            raise Invalid.field("segment", "Name a segment or write conditions, one of the two.")
        visible = Lead.objects.visible_to(request.user)
        lead = visible.filter(public_id=sent["lead"]).first()
        if lead is None:
            raise NotFound
        segment = find(sent["segment"]) if "segment" in sent else None
        tree = segment.conditions if segment else sent["conditions"]
        if segment is None:
            validate(tree, path="conditions")
        return Response(ExplainSerializer(_explained(segment, tree, lead)).data)


def _explained(segment: Segment | None, tree: Any, lead: Lead) -> dict[str, Any]:
    is_list = segment is not None and segment.kind == Segment.Kind.FROZEN
    stays = segment.memberships.filter(lead=lead).order_by("-entered_at")[:20] if segment else []
    if is_list:
        inside = any(stay.left_at is None for stay in stays)
        return {"holds": inside, "words": "A list filled by hand", "leaves": [], "stays": stays}
    found = explain(tree, lead.pk)
    return {"holds": found.holds, "words": found.text, "leaves": leaves_of(found), "stays": stays}


class MembersView(SegmentScope):
    @extend_schema(
        operation_id="segments_members",
        summary="List who is in a segment",
        parameters=[
            OpenApiParameter("show", str, enum=["now", "left", "all"], description="`now`."),
            *api_pages.PARAMETERS,
        ],
        responses={200: MemberPageSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, segment_id: str) -> Response:
        show = request.query_params.get("show") or "now"
        if show not in ("now", "left", "all"):
            raise Invalid.field("show", "Write one of: now, left, all.", "unknown_choice")
        page = keyset_page(
            queries.stays(find(segment_id), request.user, show=show),
            ordering=["-entered_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda stay: MemberSerializer(stay).data)

    @extend_schema(
        operation_id="segments_members_add",
        summary="Put leads on a list",
        description="Leads you may not see, and unknown ones, are left out.",
        request=LeadsInput,
        responses={200: ListChangeSerializer, 404: NOT_FOUND},
    )
    def post(self, request: Request, segment_id: str) -> Response:
        return _move(request, find(segment_id), add=True)


class MembersRemoveView(SegmentScope):
    @extend_schema(
        operation_id="segments_members_remove",
        summary="Take leads off a list",
        request=LeadsInput,
        responses={200: ListChangeSerializer, 404: NOT_FOUND},
    )
    def post(self, request: Request, segment_id: str) -> Response:
        return _move(request, find(segment_id), add=False)


def _move(request: Request, segment: Segment, *, add: bool) -> Response:
    wanted = valid(LeadsInput, request)["leads"]
    visible = Lead.objects.visible_to(request.user).filter(public_id__in=wanted)
    act = actions.add_to_list if add else actions.remove_from_list
    ids = list(visible.values_list("pk", flat=True))
    count = act(segment.pk, ids, at=timezone.now(), user=person(request))
    return Response({"changed": count, "size": find(segment.public_id).size})


class CatalogueView(SegmentScope):
    @extend_schema(
        operation_id="segments_catalogue",
        summary="What conditions can be about",
        description="Fields with their operators and options, activities, and memberships.",
        responses=CatalogueSerializer,
    )
    def get(self, request: Request) -> Response:
        offered = {
            "fields": [
                {
                    "key": field.key,
                    "label": field.label,
                    "group": field.group,
                    "type": field.type.value,
                    "operators": OPERATORS[field.type],
                    "options": _options(field.options),
                }
                for field in fields_for()
            ],
            "memberships": [
                {"key": each.key, "label": each.label, "options": _options(each.options())}
                for each in memberships_for()
            ],
            "activities": _options([(key, kind.label) for key, kind in ACTIVITY_TYPES.items()]),
            "touch_properties": list(TOUCH_COLUMNS),
        }
        return Response(offered)


def _options(choices: Choices) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in choices]


urlpatterns = [
    path("segments/", SegmentsView.as_view(), name="api-segments"),
    path("segments/catalogue/", CatalogueView.as_view(), name="api-segment-catalogue"),
    path("segments/preview/", PreviewView.as_view(), name="api-segment-preview"),
    path("segments/explain/", ExplainView.as_view(), name="api-segment-explain"),
    path("segments/<public_id:segment_id>/", SegmentView.as_view(), name="api-segment"),
    path(
        "segments/<public_id:segment_id>/members/",
        MembersView.as_view(),
        name="api-segment-members",
    ),
    path(
        "segments/<public_id:segment_id>/members/remove/",
        MembersRemoveView.as_view(),
        name="api-segment-members-remove",
    ),
]
