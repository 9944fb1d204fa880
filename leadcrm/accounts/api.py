"""People and teams for programs: whom an owner or assignee can be. Read only."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.accounts.models import Role, Team, User
from leadcrm.accounts.serializers import (
    TeamPageSerializer,
    TeamShape,
    UserPageSerializer,
    UserShape,
    team_shape,
    user_shape,
)
from leadcrm.lib import api_pages
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import Page, keyset_page

NOT_FOUND = OpenApiResponse(description="There is none.")


def people() -> QuerySet[User]:
    teams = Prefetch("teams", Team.objects.order_by("name"))
    return User.objects.prefetch_related(teams)


def teams() -> QuerySet[Team]:
    members = Prefetch("members", User.objects.order_by("name", "pk"))
    return Team.objects.select_related("parent", "manager").prefetch_related(members)


class UsersView(APIView):
    scope = "admin"

    @extend_schema(
        operation_id="users_list",
        summary="Colleagues, by name",
        parameters=[
            OpenApiParameter("active", bool, description="Only those who may sign in, or not."),
            OpenApiParameter("role", str, description=f"One of {', '.join(Role.values)}."),
            OpenApiParameter("team", int, description="Only members of this team."),
            *api_pages.PARAMETERS,
        ],
        responses=UserPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page: Page[User] = keyset_page(
            _chosen(request),
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, user_shape)


def _chosen(request: Request) -> QuerySet[User]:
    """:raises Invalid: a filter that cannot be meant."""
    found, sent = people(), request.query_params
    if active := sent.get("active", "").lower():
        if active not in {"true", "false"}:
            raise Invalid.field("active", "Write true or false.")
        found = found.filter(is_active=active == "true")
    if role := sent.get("role", ""):
        if role not in Role.values:
            raise Invalid.field("role", f"Choose one of {', '.join(Role.values)}.")
        found = found.filter(role=role)
    if team := sent.get("team", ""):
        if not (team.isascii() and team.isdigit() and len(team) < 18):
            raise Invalid.field("team", "Write the id of a team, a whole number.")
        found = found.filter(memberships__team=int(team))
    return found


class UserView(APIView):
    scope = "admin"

    @extend_schema(
        operation_id="users_retrieve",
        summary="Read a colleague",
        responses={200: UserShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, user_id: str) -> Response:
        return Response(user_shape(_one(people(), public_id=user_id)))


class TeamsView(APIView):
    scope = "admin"

    @extend_schema(
        operation_id="teams_list",
        summary="Teams and who is in them, by name",
        parameters=api_pages.PARAMETERS,
        responses=TeamPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page: Page[Team] = keyset_page(
            teams(),
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, team_shape)


class TeamView(APIView):
    scope = "admin"

    @extend_schema(
        operation_id="teams_retrieve",
        summary="Read a team",
        responses={200: TeamShape, 404: NOT_FOUND},
    )
    def get(self, request: Request, team_id: int) -> Response:
        return Response(team_shape(_one(teams(), pk=team_id)))


def _one(found: QuerySet[Any], **key: Any) -> Any:
    row = found.filter(**key).first()
    if row is None:
        raise NotFound
    return row


urlpatterns: list[URLPattern] = [
    path("users/", UsersView.as_view(), name="api-users"),
    path("users/<slug:user_id>/", UserView.as_view(), name="api-user"),
    path("teams/", TeamsView.as_view(), name="api-teams"),
    path("teams/<int:team_id>/", TeamView.as_view(), name="api-team"),
]
