"""Surveys for programs: make, publish, send, and read what was answered."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.pagination import keyset_page
from leads.models import Lead
from scoring.actions import surveys as actions
from scoring.api.bant import body_of, person_of
from scoring.models import Survey, SurveyResponse
from scoring.surveys import content as contents
from scoring.surveys import intake, links, results

MISSING = OpenApiResponse(description="There is none, or this key may not see it.")
WRONG = OpenApiResponse(description="`errors` names each field and the cure.")
KINDS = "quiz, survey or nps"
EDITORS = (Role.MARKETER, Role.MANAGER, Role.ADMIN)
READERS = EDITORS


class ContentSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120)
    intro = serializers.CharField(required=False, allow_blank=True)
    layout = serializers.CharField(required=False, help_text="one question a page, or all")
    progress = serializers.BooleanField(required=False)
    button = serializers.CharField(required=False, allow_blank=True)
    questions = serializers.ListField(child=serializers.DictField(), help_text="See the docs.")
    endings = serializers.ListField(child=serializers.DictField())


class SurveySerializer(serializers.Serializer[Any]):
    id = serializers.SlugField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text=KINDS)
    is_open = serializers.BooleanField()
    version = serializers.IntegerField(allow_null=True, help_text="The published one.")
    url = serializers.URLField()
    link_days = serializers.IntegerField()


class SurveyPageSerializer(serializers.Serializer[Any]):
    results = SurveySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SurveyDetailSerializer(SurveySerializer):
    content = ContentSerializer(help_text="The draft, else the published version.")
    has_changes = serializers.BooleanField()
    started = serializers.IntegerField()
    completed = serializers.IntegerField()
    average_points = serializers.FloatField(allow_null=True)


class NewSurveySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.CharField(required=False, help_text=KINDS)
    slug = serializers.SlugField(max_length=60, required=False)
    content = ContentSerializer(required=False)


class DraftSerializer(serializers.Serializer[Any]):
    content = ContentSerializer()


class AnswerSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField(allow_blank=True)
    points = serializers.IntegerField()


class ResponseSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    lead = serializers.CharField(allow_null=True, help_text="The lead's id; null: nobody knows.")
    state = serializers.CharField(help_text="started, completed or left")
    channel = serializers.CharField(help_text="personal or public")
    version = serializers.IntegerField()
    points = serializers.IntegerField()
    of = serializers.IntegerField()
    result = serializers.CharField(allow_blank=True)
    values = serializers.DictField(help_text="By the keys of the questions.")
    answers = AnswerSerializer(many=True)
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class ResponsePageSerializer(serializers.Serializer[Any]):
    results = ResponseSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class LinkSerializer(serializers.Serializer[Any]):
    lead = serializers.CharField(max_length=12)


class LinkOutSerializer(serializers.Serializer[Any]):
    url = serializers.URLField()
    days = serializers.IntegerField()


def survey_of(slug: str) -> Survey:
    found = Survey.objects.select_related("published").filter(slug=slug).first()
    if found is None:
        raise NotFound
    return found


def shape(survey: Survey) -> dict[str, Any]:
    return {
        "id": survey.slug,
        "name": survey.name,
        "kind": survey.kind,
        "is_open": survey.is_open(timezone.now()),
        "version": survey.published.number if survey.published else None,
        "url": links.public_link(survey),
        "link_days": survey.link_days,
    }


def detail(survey: Survey) -> dict[str, Any]:
    totals = results.totals_of(survey)
    return {
        **shape(survey),
        "content": contents.written(actions.draft_of(survey)),
        "has_changes": actions.has_changes(survey),
        "started": totals.started,
        "completed": totals.completed,
        "average_points": totals.points,
    }


class SurveyView(APIView):
    scope = "scoring"
    roles = READERS
    write_roles = EDITORS


class SurveysView(SurveyView):
    @extend_schema(
        operation_id="surveys_list", summary="List surveys", responses=SurveyPageSerializer
    )
    def get(self, request: Request) -> Response:
        rows = Survey.objects.filter(archived_at=None).select_related("published")
        found = [shape(each) for each in rows.order_by("name", "pk")]
        return Response({"results": found, "next": None, "previous": None})

    @extend_schema(
        operation_id="surveys_create",
        summary="Make a survey; it is a draft until it is published",
        request=NewSurveySerializer,
        responses={201: SurveyDetailSerializer, 409: WRONG, 422: WRONG},
    )
    def post(self, request: Request) -> Response:
        given = body_of(request)
        name, slug = _text(given, "name", 80), _text(given, "slug", 60)
        kind = given.get("kind") or Survey.Kind.SURVEY.value
        if not name:
            raise Invalid.field("name", "Give the survey a name.", "required")
        if kind not in Survey.Kind.values:
            raise Invalid.field("kind", f"Choose one of: {', '.join(Survey.Kind.values)}.")
        if slug and not slug.replace("-", "").replace("_", "").isalnum():
            raise Invalid.field("slug", "Use letters, digits and hyphens.")
        content = intake.read_content(given["content"]) if given.get("content") else None
        survey = actions.create_survey(
            name=name, kind=str(kind), slug=slug, content=content, user=person_of(request)
        )
        return Response(detail(survey), status=201)


def _text(given: dict[str, Any], name: str, limit: int) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit or (not value.isascii() and name == "slug"):
        raise Invalid.field(name, f"Write text of at most {limit} characters.")
    return clean_text(value)


class OneSurveyView(SurveyView):
    @extend_schema(
        operation_id="surveys_read",
        summary="A survey with its questions and numbers",
        responses={200: SurveyDetailSerializer, 404: MISSING},
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(detail(survey_of(slug)))

    @extend_schema(
        operation_id="surveys_update",
        summary="Replace the draft; what is published stays until the next publish",
        request=DraftSerializer,
        responses={200: SurveyDetailSerializer, 404: MISSING, 422: WRONG},
    )
    def patch(self, request: Request, slug: str) -> Response:
        survey = survey_of(slug)
        content = intake.read_content(body_of(request).get("content"))
        return Response(detail(actions.save_draft(survey.pk, content)))


class PublishSurveyView(SurveyView):
    @extend_schema(
        operation_id="surveys_publish",
        summary="Publish the draft",
        request=None,
        responses={200: SurveyDetailSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, slug: str) -> Response:
        actions.publish_survey(survey_of(slug).pk, user=person_of(request))
        return Response(detail(survey_of(slug)))

    @extend_schema(
        operation_id="surveys_unpublish",
        summary="Close it; who has begun may finish",
        responses={204: None, 404: MISSING},
    )
    def delete(self, request: Request, slug: str) -> Response:
        actions.unpublish_survey(survey_of(slug).pk)
        return Response(status=204)


class SurveyLinksView(SurveyView):
    @extend_schema(
        operation_id="surveys_link",
        summary="A personal link for one lead",
        request=LinkSerializer,
        responses={200: LinkOutSerializer, 404: MISSING, 422: WRONG},
    )
    def post(self, request: Request, slug: str) -> Response:
        survey = survey_of(slug)
        public_id = _text(body_of(request), "lead", 12)
        lead = Lead.objects.visible_to(request.user).filter(public_id=public_id).first()
        if lead is None:
            raise Invalid.field("lead", "There is no such lead, or this key may not see it.")
        url = links.personal_link(survey, lead, at=timezone.now())
        return Response({"url": url, "days": survey.link_days})


class SurveyResponsesView(SurveyView):
    @extend_schema(
        operation_id="surveys_responses",
        summary="What people answered, newest first",
        parameters=api_pages.PARAMETERS,
        responses={200: ResponsePageSerializer, 404: MISSING},
    )
    def get(self, request: Request, slug: str) -> Response:
        page = keyset_page(
            results.responses_of(survey_of(slug), request.user).filter(is_test=False),
            ordering=["-started_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, _response)


def _response(response: SurveyResponse) -> dict[str, Any]:
    lines = results.lines_of(response)
    return {
        "id": response.public_id,
        "lead": response.lead.public_id if response.lead else None,
        "state": response.state,
        "channel": response.channel,
        "version": response.version.number,
        "points": response.points,
        "of": response.most_points,
        "result": response.result,
        "values": response.answers,
        "answers": [
            {"question": each.label, "answer": each.words, "points": each.points} for each in lines
        ],
        "started_at": response.started_at,
        "completed_at": response.completed_at,
    }


urlpatterns = [
    path("surveys/", SurveysView.as_view(), name="api-surveys"),
    path("surveys/<slug:slug>/", OneSurveyView.as_view(), name="api-survey"),
    path("surveys/<slug:slug>/publish/", PublishSurveyView.as_view(), name="api-survey-publish"),
    path("surveys/<slug:slug>/links/", SurveyLinksView.as_view(), name="api-survey-links"),
    path(
        "surveys/<slug:slug>/responses/",
        SurveyResponsesView.as_view(),
        name="api-survey-responses",
    ),
]
