"""The configuration for programs: read as YAML, compared, taken over."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role, User
from leadcrm.configuration import actions
from leadcrm.configuration.actions import Plan
from leadcrm.configuration.text import LARGEST
from leadcrm.lib.errors import Invalid

NOT_MET = OpenApiResponse(description="An expectation of the file does not come true.")


class ConfigurationSerializer(serializers.Serializer[Any]):
    yaml = serializers.CharField()


class ConfigurationInput(serializers.Serializer[Any]):
    yaml = serializers.CharField(max_length=LARGEST, trim_whitespace=False)
    apply = serializers.BooleanField(default=False, help_text="Write it; else only look.")
    publish = serializers.BooleanField(default=False, help_text="And publish scoring models.")


class ConfigurationChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="added, removed or changed")
    where = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class ExpectationSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    holds = serializers.BooleanField()
    mistakes = serializers.ListField(child=serializers.CharField())
    score = serializers.IntegerField(allow_null=True)
    temperature = serializers.CharField(allow_blank=True)


class ConfigurationPlanSerializer(serializers.Serializer[Any]):
    applied = serializers.BooleanField()
    changes = ConfigurationChangeSerializer(many=True)
    expectations = ExpectationSerializer(many=True)


class ConfigurationView(APIView):
    scope = "admin"
    roles = (Role.ADMIN,)

    @extend_schema(
        operation_id="configuration_retrieve",
        summary="Write the configuration out as YAML",
        parameters=[OpenApiParameter("drafts", bool, description="Drafts of models instead.")],
        responses=ConfigurationSerializer,
    )
    def get(self, request: Request) -> Response:
        drafts = request.query_params.get("drafts") in ("true", "1")
        return Response({"yaml": actions.export_text(drafts=drafts)})

    @extend_schema(
        operation_id="configuration_take_over",
        summary="Look what a YAML file changes, or take it over",
        description="Nothing is written without `apply` or `publish`, nor when an expectation of "
        "the file does not come true.",
        request=ConfigurationInput,
        responses={200: ConfigurationPlanSerializer, 409: NOT_MET},
    )
    def post(self, request: Request) -> Response:
        form = ConfigurationInput(data=request.data)
        form.is_valid(raise_exception=True)
        sent, now = form.validated_data, timezone.now()
        if "\x00" in sent["yaml"]:
            raise Invalid.field("yaml", "This is no text.")
        writes = sent["apply"] or sent["publish"]
        if not writes:
            return Response(_shape(actions.plan(sent["yaml"], at=now), applied=False))
        user = request.user if isinstance(request.user, User) else None
        found = actions.take_over(sent["yaml"], publish=sent["publish"], at=now, user=user)
        return Response(_shape(found, applied=True))


def _shape(found: Plan, *, applied: bool) -> dict[str, Any]:
    shown = {"applied": applied, "changes": found.changes, "expectations": found.verdicts}
    return dict(ConfigurationPlanSerializer(shown).data)


urlpatterns = [path("configuration/", ConfigurationView.as_view(), name="api-configuration")]
