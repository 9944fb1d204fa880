"""Custom fields for programs: what there is, and for administrators making and changing them."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role
from leadcrm.lib.errors import NotFound
from leads import fields
from leads.actions import fields as actions
from leads.models import FieldDefinition
from leads.serializers.fields import FieldCreate, FieldPatch, FieldSerializer, field_shape

NOT_FOUND = OpenApiResponse(description="There is no such field.")
DOES_NOT_FIT = OpenApiResponse(description="Leads have values that the new type cannot hold.")


class FieldListSerializer(serializers.Serializer[Any]):
    results = FieldSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class FieldsScope(APIView):
    """Whoever reads leads may know their fields; defining them is for administrators."""

    write_roles = (Role.ADMIN,)

    @property
    def scope(self) -> str:
        request = getattr(self, "request", None)
        return "leads" if request is None or request.method in SAFE_METHODS else "admin:write"


class FieldsView(FieldsScope):
    @extend_schema(
        operation_id="fields_list",
        summary="List custom fields",
        description="All of them in their order, archived ones too.",
        responses=FieldListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = [field_shape(definition) for definition in fields.all_definitions()]
        return Response({"results": rows, "next": None, "previous": None})

    @extend_schema(
        operation_id="fields_create",
        summary="Add a custom field",
        description="Needs the scope `admin:write`.",
        request=FieldCreate,
        responses={201: FieldSerializer},
    )
    def post(self, request: Request) -> Response:
        form = FieldCreate(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        made = actions.create_field(values, key=values.pop("key", ""))  # type: ignore[arg-type]
        return Response(field_shape(made), status=201)


class FieldView(FieldsScope):
    @extend_schema(
        operation_id="fields_retrieve",
        summary="Read a custom field",
        responses={200: FieldSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, key: str) -> Response:
        return Response(field_shape(find(key)))

    @extend_schema(
        operation_id="fields_update",
        summary="Change, archive or restore a custom field",
        description="Needs the scope `admin:write`.",
        request=FieldPatch,
        responses={200: FieldSerializer, 404: NOT_FOUND, 409: DOES_NOT_FIT},
    )
    def patch(self, request: Request, key: str) -> Response:
        find(key)
        form = FieldPatch(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        wanted = values.pop("is_active", None)
        if values:
            actions.change_field(key, values)  # type: ignore[arg-type]
        if wanted is not None:
            (actions.restore_field if wanted else actions.archive_field)(key)
        return Response(field_shape(find(key)))

    @extend_schema(
        operation_id="fields_delete",
        summary="Delete a custom field that nothing uses",
        description="Needs the scope `admin:write`. A field with values is archived instead.",
        responses={204: None, 404: NOT_FOUND, 409: OpenApiResponse(description="It is in use.")},
    )
    def delete(self, request: Request, key: str) -> Response:
        actions.delete_field(key)
        return Response(status=204)


def find(key: str) -> FieldDefinition:
    definition = fields.definition_of(key)
    if definition is None:
        raise NotFound
    return definition


urlpatterns = [
    path("fields/", FieldsView.as_view(), name="api-fields"),
    path("fields/<slug:key>/", FieldView.as_view(), name="api-field"),
]
