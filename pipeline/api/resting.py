"""Laying leads aside and bringing them back, for programs."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pipeline.actions import resting
from pipeline.api.base import CONFLICT, INVALID, NOT_FOUND, actor_of, lead_of, read
from pipeline.models.resting import Rest


class RestInput(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=Rest.Reason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500)
    wake_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Needed for not_now: when to ask again."
    )


class RestShape(serializers.Serializer[Any]):
    """All but `disqualified` is null where the lead is not laid aside."""

    disqualified = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=Rest.Reason.choices, allow_null=True)
    note = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    wake_at = serializers.DateTimeField(allow_null=True)


def shape(rest: Rest | None) -> dict[str, Any]:
    told = {name: getattr(rest, name, None) for name in ("reason", "note", "at", "wake_at")}
    return RestShape({"disqualified": rest is not None, **told}).data


class DisqualificationView(APIView):
    scope = "pipeline"

    @extend_schema(
        operation_id="lead_disqualification_read",
        summary="Why a lead is laid aside, and until when",
        responses={200: RestShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, lead_id: str) -> Response:
        return Response(shape(resting.resting(lead_of(request, lead_id).pk)))

    @extend_schema(
        operation_id="lead_disqualification",
        summary="Disqualify a lead with a reason; not_now with the day to ask again",
        request=RestInput,
        responses={201: RestShape, 404: NOT_FOUND, 409: CONFLICT, 422: INVALID},
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead, sent = lead_of(request, lead_id), read(RestInput, request)
        rest = resting.lay_aside(
            lead.pk,
            reason=sent["reason"],
            note=sent.get("note", ""),
            wake_at=sent.get("wake_at"),
            at=timezone.now(),
            user=actor_of(request),
        )
        return Response(shape(rest), status=201)

    @extend_schema(
        operation_id="lead_disqualification_end",
        summary="Bring a lead back now",
        responses={204: None, 404: NOT_FOUND, 409: CONFLICT},
    )
    def delete(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        resting.bring_back(lead.pk, at=timezone.now(), user=actor_of(request))
        return Response(status=204)


urlpatterns = [
    path(
        "leads/<public_id:lead_id>/disqualification/",
        DisqualificationView.as_view(),
        name="api-lead-disqualification",
    ),
]
