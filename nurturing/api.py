"""Nurturing's part of the REST API."""

from typing import Any

from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.access import person_behind
from leadcrm.accounts.models import Role
from leadcrm.lib import (
    api_pages,
    converters,  # noqa: F401  # registers <public_id:…>
)
from leadcrm.lib.errors import Invalid
from leadcrm.lib.pagination import Page, keyset_page
from leads.queries import record
from nurturing import actions, queries
from nurturing.models import DripCampaign, EmailTemplate, Enrollment, Send, Step, Topic
from nurturing.serializers import (
    CampaignCreate,
    CampaignDetailSerializer,
    CampaignPageSerializer,
    EnrollmentCreate,
    EnrollmentPageSerializer,
    EnrollmentSerializer,
    MailPageSerializer,
    TemplateContent,
    TemplateCreate,
    TemplatePageSerializer,
    TemplateSerializer,
    campaign_shape,
    enrollment_shape,
    mail_shape,
    step_shape,
    template_shape,
)

OFFICE = (Role.MARKETER, Role.MANAGER)
NOT_FOUND = OpenApiResponse(description="There is none, or this key may not see it.")
CONFLICT = OpenApiResponse(description="It is not in a state that allows this.")
INVALID = OpenApiResponse(description="`errors` names each field and the cure.")


class OfficeView(APIView):
    scope = "nurturing"
    roles = OFFICE
    write_roles = (Role.MARKETER,)


class CampaignsView(OfficeView):
    @extend_schema(
        operation_id="drip_campaigns_list",
        summary="List drip campaigns with their numbers",
        parameters=api_pages.PARAMETERS,
        responses=CampaignPageSerializer,
    )
    def get(self, request: Request) -> Response:
        campaigns = DripCampaign.objects.select_related("published", "topic")
        page: Page[DripCampaign] = _page(request, campaigns, ["name", "pk"])
        rows = [campaign_shape(row) for row in queries.campaign_rows(page.rows)]
        return Response(api_pages.envelope(request, page, rows))

    @extend_schema(
        operation_id="drip_campaigns_create",
        summary="Make a drip campaign",
        description="A draft, or with `publish` running at once.",
        request=CampaignCreate,
        responses={201: CampaignDetailSerializer, 422: INVALID},
    )
    def post(self, request: Request) -> Response:
        campaign = _create_campaign(read(CampaignCreate, request), request)
        return Response(campaign_detail(campaign), status=201)


class CampaignView(OfficeView):
    @extend_schema(
        operation_id="drip_campaigns_get",
        summary="A drip campaign with its steps",
        responses={200: CampaignDetailSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(campaign_detail(queries.find_campaign(key)))


class CampaignPauseView(OfficeView):
    @extend_schema(
        operation_id="drip_campaigns_pause",
        summary="Pause: everybody stays in place, nothing is sent",
        request=None,
        responses={200: CampaignDetailSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, key: str) -> Response:
        actions.pause(queries.find_campaign(key).pk, at=timezone.now())
        return Response(campaign_detail(queries.find_campaign(key)))


class CampaignResumeView(OfficeView):
    @extend_schema(
        operation_id="drip_campaigns_resume",
        summary="Resume: waits that ended during the pause end now",
        request=None,
        responses={200: CampaignDetailSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, key: str) -> Response:
        actions.resume(queries.find_campaign(key).pk, at=timezone.now())
        return Response(campaign_detail(queries.find_campaign(key)))


class CampaignMailsView(OfficeView):
    @extend_schema(
        operation_id="drip_campaigns_sends",
        summary="The mails of a drip campaign, each with its fate and reason",
        parameters=[
            *api_pages.PARAMETERS,
            OpenApiParameter("show", str, enum=[key for key in queries.LOG_FILTERS if key]),
        ],
        responses={200: MailPageSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, key: str) -> Response:
        show = request.query_params.get("show", "")
        mails = queries.mails_of(request.user, campaign=queries.find_campaign(key), show=show)
        page: Page[Send] = _page(request, mails.select_related("lead", "campaign"), ["-pk"])
        return api_pages.answer(request, page, mail_shape)


class TemplatesView(OfficeView):
    @extend_schema(
        operation_id="templates_list",
        summary="List e-mail templates",
        parameters=api_pages.PARAMETERS,
        responses=TemplatePageSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = EmailTemplate.objects.filter(archived_at=None).select_related("current", "topic")
        page: Page[EmailTemplate] = _page(request, rows, ["name", "pk"])
        return api_pages.answer(request, page, template_shape)

    @extend_schema(
        operation_id="templates_create",
        summary="Write an e-mail template",
        request=TemplateCreate,
        responses={201: TemplateSerializer, 422: INVALID},
    )
    def post(self, request: Request) -> Response:
        template = _create_template(read(TemplateCreate, request), request)
        return Response(template_shape(template), status=201)


class TemplateView(OfficeView):
    @extend_schema(
        operation_id="templates_get",
        summary="A template as it says now",
        responses={200: TemplateSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(template_shape(queries.find_template(key)))

    @extend_schema(
        operation_id="templates_save",
        summary="Save a new version",
        description="Mails that are planned already keep what they said.",
        request=TemplateContent,
        responses={200: TemplateSerializer, 404: NOT_FOUND, 422: INVALID},
    )
    def put(self, request: Request, key: str) -> Response:
        template, said = queries.find_template(key), read(TemplateContent, request)
        user = person_behind(request.user)
        actions.save_version(template.pk, **said, at=timezone.now(), user=user)
        return Response(template_shape(queries.find_template(key)))


class LeadEnrollmentsView(APIView):
    scope = "nurturing"

    @extend_schema(
        operation_id="leads_enrollments_list",
        summary="The drip campaigns a lead is or was in",
        parameters=api_pages.PARAMETERS,
        responses={200: EnrollmentPageSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        rows = queries.enrollments_of(record.find(request.user, lead_id))
        page: Page[Enrollment] = _page(request, rows, ["-entered_at", "-pk"])
        return api_pages.answer(request, page, enrollment_shape)

    @extend_schema(
        operation_id="leads_enrollments_create",
        summary="Put a lead into a running drip campaign",
        request=EnrollmentCreate,
        responses={201: EnrollmentSerializer, 404: NOT_FOUND, 409: CONFLICT},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        key = read(EnrollmentCreate, request)["campaign"]
        enrollment = actions.enrol_by_hand(lead, queries.find_campaign(key), at=timezone.now())
        return Response(enrollment_shape(enrollment), status=201)


class LeadEnrollmentView(APIView):
    scope = "nurturing"

    @extend_schema(
        operation_id="leads_enrollments_stop",
        summary="Take a lead out of a drip campaign",
        responses={204: None, 404: NOT_FOUND},
    )
    def delete(self, request: Request, lead_id: str, key: str) -> Response:
        lead = record.find(request.user, lead_id)
        actions.stop(lead.pk, queries.find_campaign(key), at=timezone.now())
        return Response(status=204)


class LeadMailsView(APIView):
    scope = "nurturing"

    @extend_schema(
        operation_id="leads_sends_list",
        summary="All mails planned for a lead, each with its fate and reason",
        parameters=api_pages.PARAMETERS,
        responses={200: MailPageSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        mails = queries.mails_to(record.find(request.user, lead_id)).select_related("lead")
        page: Page[Send] = _page(request, mails.select_related("lead", "campaign"), ["-pk"])
        return api_pages.answer(request, page, mail_shape)


# Helpers --------------------------------------------------------------------------------------


def read(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    bound = form(data=request.data)
    bound.is_valid(raise_exception=True)
    values: dict[str, Any] = bound.validated_data
    return values


def _page(request: Request, rows: Any, ordering: list[str]) -> Page[Any]:
    return keyset_page(
        rows,
        ordering=ordering,
        size=api_pages.size_of(request),
        cursor=request.query_params.get("cursor"),
    )


def campaign_detail(campaign: DripCampaign) -> dict[str, Any]:
    """With the steps that run, or those of the draft when nothing does."""
    [row] = queries.campaign_rows([campaign])
    shown = queries.steps_of(campaign, draft=campaign.published is None)
    return {**campaign_shape(row), "steps": [step_shape(item.step) for item in shown.rows]}


@transaction.atomic
def _create_campaign(sent: dict[str, Any], request: Request) -> DripCampaign:
    user, now = person_behind(request.user), timezone.now()
    campaign = actions.create_campaign(
        sent["name"], key=sent.get("key", ""), trigger=sent.get("trigger"), at=now, user=user
    )
    for step in sent.get("steps", []):
        _add_step(campaign, step)
    if sent["publish"]:
        actions.publish(campaign.pk, at=now, user=user)
    return queries.find_campaign(campaign.key)


def _add_step(campaign: DripCampaign, step: dict[str, Any]) -> None:
    now = timezone.now()
    if step["kind"] == Step.Kind.EMAIL:
        template = EmailTemplate.objects.filter(key=step["template"]).first()
        if template is None:
            raise Invalid.field("steps", f"There is no template called “{step['template']}”.")
        actions.add_email(campaign.pk, template, at=now)
    elif step["kind"] == Step.Kind.WAIT:
        actions.add_wait(campaign.pk, step["wait_minutes"], at=now)
    else:
        actions.add_exit(campaign.pk, at=now)


@transaction.atomic
def _create_template(sent: dict[str, Any], request: Request) -> EmailTemplate:
    now, key = timezone.now(), sent.pop("topic", None)
    topic = Topic.objects.filter(key=key).first() if key else None
    if key and topic is None:
        raise Invalid.field("topic", f"There is no topic called “{key}”.")
    template = actions.create_template(
        sent.pop("name"), key=sent.pop("key", ""), topic=topic, at=now
    )
    actions.save_version(template.pk, **sent, at=now, user=person_behind(request.user))
    return queries.find_template(template.key)


urlpatterns = [
    path("drip-campaigns/", CampaignsView.as_view(), name="api-drip-campaigns"),
    path("drip-campaigns/<slug:key>/", CampaignView.as_view(), name="api-drip-campaign"),
    path("drip-campaigns/<slug:key>/pause/", CampaignPauseView.as_view(), name="api-drip-pause"),
    path("drip-campaigns/<slug:key>/resume/", CampaignResumeView.as_view(), name="api-drip-resume"),
    path("drip-campaigns/<slug:key>/sends/", CampaignMailsView.as_view(), name="api-drip-sends"),
    path("templates/", TemplatesView.as_view(), name="api-templates"),
    path("templates/<slug:key>/", TemplateView.as_view(), name="api-template"),
    path(
        "leads/<public_id:lead_id>/enrollments/",
        LeadEnrollmentsView.as_view(),
        name="api-lead-enrollments",
    ),
    path(
        "leads/<public_id:lead_id>/enrollments/<slug:key>/",
        LeadEnrollmentView.as_view(),
        name="api-lead-enrollment",
    ),
    path("leads/<public_id:lead_id>/sends/", LeadMailsView.as_view(), name="api-lead-sends"),
]
