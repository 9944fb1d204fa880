"""E-mails and meetings of a lead, for programs."""

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.pagination import Page, keyset_page
from pipeline.actions.letters import Draft, send_letter
from pipeline.actions.meetings import Plan, book_meeting
from pipeline.api.base import CONFLICT, INVALID, NOT_FOUND, lead_of, person_acting, read
from pipeline.api.work import next_step
from pipeline.models import Letter, Meeting
from pipeline.queries import talks
from pipeline.serializers.work import (
    EmailInput,
    EmailPageSerializer,
    EmailShape,
    MeetingInput,
    MeetingPageSerializer,
    MeetingShape,
    email_shape,
    meeting_shape,
)


class LeadEmailsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_emails_list",
        summary="E-mails that colleagues wrote to a lead, newest first",
        parameters=api_pages.PARAMETERS,
        responses=EmailPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        page: Page[Letter] = keyset_page(
            talks.letters_visible_to(request.user).filter(lead=lead),
            ordering=["-written_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, email_shape)

    @extend_schema(
        operation_id="lead_emails_create",
        summary="Write to a lead; it stops the response clock",
        request=EmailInput,
        responses={201: EmailShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead, user = lead_of(request, lead_id), person_acting(request)
        sent = read(EmailInput, request)
        draft = Draft(
            sent["subject"],
            sent["body"],
            is_tracked=sent["tracked"],
            answers=sent.get("answers", ""),
        )
        letter = send_letter(lead, draft, user=user, at=timezone.now(), follow_up=next_step(sent))
        return Response(email_shape(letter), status=201)


class LeadMeetingsView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_meetings_list",
        summary="Meetings with a lead, the latest first",
        parameters=api_pages.PARAMETERS,
        responses=MeetingPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        page: Page[Meeting] = keyset_page(
            talks.meetings_visible_to(request.user).filter(lead=lead),
            ordering=["-starts_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, meeting_shape)

    @extend_schema(
        operation_id="lead_meetings_create",
        summary="Book a meeting",
        request=MeetingInput,
        responses={201: MeetingShape, 404: NOT_FOUND, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead, user = lead_of(request, lead_id), person_acting(request)
        plan = Plan(**read(MeetingInput, request))
        made = book_meeting(lead.pk, plan, user=user, at=timezone.now())
        return Response(meeting_shape(made), status=201)


urlpatterns = [
    path("leads/<public_id:lead_id>/emails/", LeadEmailsView.as_view(), name="api-lead-emails"),
    path(
        "leads/<public_id:lead_id>/meetings/", LeadMeetingsView.as_view(), name="api-lead-meetings"
    ),
]
