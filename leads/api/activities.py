"""What happened to leads, for programs: timelines, notes, and activities in batches."""

import uuid
from datetime import datetime
from typing import Any, cast

from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import FieldError
from leadcrm.lib.pagination import keyset_page
from leads import actions
from leads.actions import NewActivity
from leads.activity_types import NAMED, Group
from leads.api.leads import person_of, rows_of
from leads.models import Activity, Lead
from leads.queries import record
from leads.serializers.activities import Sent, activity_shape, read_activity
from leads.serializers.leads import (
    ActivityAnswerSerializer,
    ActivityInput,
    ActivitySerializer,
    LeadActivityInput,
    NoteInput,
    NoteSerializer,
    note_shape,
)
from leads.tracking import telling

MOST_ROWS = 1000


class ActivityPageSerializer(serializers.Serializer[Any]):
    results = ActivitySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class NotePageSerializer(serializers.Serializer[Any]):
    results = NoteSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


GROUP = OpenApiParameter(
    "group", str, enum=[group.value for group in Group], description="Only this kind."
)


class TimelineView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="lead_timeline",
        summary="Everything that happened, newest first",
        parameters=[GROUP, *api_pages.PARAMETERS],
        responses=ActivityPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        page = record.timeline(
            lead.pk,
            group=_group(request),
            cursor=request.query_params.get("cursor"),
            size=api_pages.size_of(request),
        )
        return api_pages.answer(request, page, activity_shape)


class LeadActivitiesView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="lead_activities_list",
        summary="What the lead did, newest first",
        description="The timeline without what the system writes by itself.",
        parameters=[
            OpenApiParameter("type", str, description="Only this type."),
            *api_pages.PARAMETERS,
        ],
        responses=ActivityPageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        rows = Activity.objects.filter(lead=lead.pk).select_related("user")
        rows = rows.exclude(record.in_group(Group.SYSTEM))
        if type_ := request.query_params.get("type", "").replace("\x00", ""):
            rows = rows.filter(type=type_)
        page = keyset_page(
            rows,
            ordering=["-occurred_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, activity_shape)

    @extend_schema(
        operation_id="lead_activities_create",
        summary="Record one activity",
        request=LeadActivityInput,
        responses={201: ActivitySerializer, 200: ActivitySerializer},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        sent = read_activity(request.data, at=timezone.now(), needs_lead=False)
        if sent.errors:
            raise ValidationError(
                {e.field: [serializers.ErrorDetail(e.message, e.code)] for e in sent.errors}
            )
        sent.lead = lead_id
        keep_names([sent], [lead.pk])
        [id_] = actions.record_activities([_new(sent, lead.pk, request)])
        where = {"pk": id_} if id_ else {"dedupe_key": _dedupe_key(sent), "lead": lead.pk}
        row = Activity.objects.select_related("user").filter(**where).first()
        if row is None:
            raise ValidationError({"id": ["Another lead has an activity with this id."]}, "unique")
        return Response(activity_shape(row), status=201 if id_ else 200)


class ActivityBatchView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="activities_batch",
        summary="Record up to 1,000 activities",
        description="Each row stands for itself. `id` makes a repeat harmless. What a visitor did "
        "whom nobody knows yet is recorded without an activity, and becomes one with its person.",
        request=ActivityInput(many=True),
        responses={202: ActivityAnswerSerializer},
    )
    def post(self, request: Request) -> Response:
        at = timezone.now()
        rows = rows_of(request.data, "activities", MOST_ROWS)
        sent = [read_activity(row, at=at) for row in rows]
        ids = record.ids_by_name(
            request.user,
            public_ids=[row.lead for row in sent if row.lead],
            emails=[row.email for row in sent if row.email],
        )
        visitors = _visible_visitors(sent, request)
        leads = [_lead_of(row, ids, visitors) for row in sent]
        keep_names(sent, leads)
        with transaction.atomic():
            results = _record(sent, leads, visitors, request, at)
        return Response({"results": results}, status=202)


class NotesView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="lead_notes_list",
        summary="Notes about a lead, newest first",
        parameters=api_pages.PARAMETERS,
        responses=NotePageSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        page = keyset_page(
            record.notes_of(lead.pk),
            ordering=["-created_at", "-pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, note_shape)

    @extend_schema(
        operation_id="lead_notes_create",
        summary="Write a note",
        request=NoteInput,
        responses={201: NoteSerializer},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = record.find(request.user, lead_id)
        form = NoteInput(data=request.data)
        form.is_valid(raise_exception=True)
        note = actions.add_note(
            lead.pk, form.validated_data["body"], author=person_of(request), at=timezone.now()
        )
        return Response(note_shape(note), status=201)


def _group(request: Request) -> str:
    group = request.query_params.get("group", "")
    if group and group not in {item.value for item in Group}:
        known = ", ".join(item.value for item in Group)
        raise ValidationError({"group": [f"There is no such group. Choose from {known}."]})
    return group


def _visible_visitors(sent: list[Sent], request: Request) -> dict[uuid.UUID, telling.Known]:
    """Those named; of people this one may not see nothing is told but that they are not there."""
    found = telling.known_visitors(row.visitor for row in sent if row.visitor)
    leads = {known.lead_id for known in found.values() if known.lead_id}
    visible = set(
        Lead.objects.visible_to(request.user).filter(pk__in=leads).values_list("pk", flat=True)
    )
    for row in sent:
        known = found.get(row.visitor) if row.visitor else None
        if known and known.lead_id and known.lead_id not in visible:
            row.refuse("visitor", "There is no such visitor, or you may not see it.", "not_found")
        elif known and known.has_refused and not (row.lead or row.email):
            row.refuse("visitor", "This visitor does not want to be tracked.", "refused")
    return found


def _lead_of(
    sent: Sent, ids: dict[str, int], visitors: dict[uuid.UUID, telling.Known]
) -> int | None:
    if sent.errors:
        return None
    if sent.visitor and not (sent.lead or sent.email):
        known = visitors.get(sent.visitor)
        return known.lead_id if known else None
    found = ids.get(sent.lead or sent.email)
    if found is None:
        name = "lead" if sent.lead else "email"
        sent.refuse(name, "There is no such lead, or you may not see it.", "not_found")
    return found


def keep_names(sent: list[Sent], leads: list[int | None]) -> None:
    """Whom of a merged lead each row means, so that it finds its person when they are parted."""
    known = {lead for lead in leads if lead is not None}
    several = set(record.merged_among(known))
    for row, lead in zip(sent, leads, strict=True):
        if lead in several and (row.lead or row.email):
            row.properties = {**row.properties, NAMED: row.lead or row.email}


def _record(
    sent: list[Sent],
    leads: list[int | None],
    visitors: dict[uuid.UUID, telling.Known],
    request: Request,
    at: datetime,
) -> list[dict[str, Any]]:
    rows = list(zip(sent, leads, strict=True))
    good = [(row, lead) for row, lead in rows if lead is not None]
    new = [_new(row, lead, request, _link_of(row, visitors)) for row, lead in good]
    written = iter(actions.record_activities(new))
    nameless = [_told(row, at) for row, lead in rows if lead is None and not row.errors]
    kept = iter(telling.keep(nameless, at=at) if nameless else [])
    telling.name_visitors(
        ((row.visitor, lead) for row, lead in good if row.visitor and (row.lead or row.email)),
        at=at,
    )
    results = []
    for index, (row, lead) in enumerate(rows):
        id_ = next(written) if lead is not None else None
        news = bool(id_) if lead is not None else not row.errors and next(kept)
        results.append(_result(index, row, id_, is_news=news))
    return results


def _link_of(sent: Sent, visitors: dict[uuid.UUID, telling.Known]) -> int | None:
    """What came through a browser alone goes when the browser is cut off."""
    if not sent.visitor or sent.lead or sent.email:
        return None
    return visitors[sent.visitor].link_id


def _told(sent: Sent, at: datetime) -> telling.Told:
    return telling.Told(
        token=cast(uuid.UUID, sent.visitor),  # without a lead there is one, or an error
        type=sent.type,
        occurred_at=sent.occurred_at or at,
        key=sent.key,
        properties=sent.properties,
        category=sent.category,
    )


def _new(sent: Sent, lead_id: int, request: Request, link_id: int | None = None) -> NewActivity:
    person = person_of(request)
    occurred_at: datetime = sent.occurred_at or timezone.now()
    return NewActivity(
        lead_id=lead_id,
        type=sent.type,
        occurred_at=occurred_at,
        properties=sent.properties,
        category=sent.category,
        user_id=person.pk if person else None,
        dedupe_key=_dedupe_key(sent),
        link_id=link_id,
    )


def _dedupe_key(sent: Sent) -> str | None:
    return f"api:{sent.key}" if sent.key else None


def _result(index: int, sent: Sent, id_: int | None, *, is_news: bool) -> dict[str, Any]:
    status = "error" if sent.errors else "recorded" if is_news else "duplicate"
    return {
        "index": index,
        "status": status,
        "activity": id_,
        "errors": [_plain(error) for error in sent.errors],
    }


def _plain(error: FieldError) -> dict[str, str]:
    return {"field": error.field, "code": error.code, "message": error.message}


urlpatterns = [
    path("activities/", ActivityBatchView.as_view(), name="api-activities"),
    path("leads/<public_id:lead_id>/timeline/", TimelineView.as_view(), name="api-lead-timeline"),
    path(
        "leads/<public_id:lead_id>/activities/",
        LeadActivitiesView.as_view(),
        name="api-lead-activities",
    ),
    path("leads/<public_id:lead_id>/notes/", NotesView.as_view(), name="api-lead-notes"),
]
