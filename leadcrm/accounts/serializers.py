"""People and teams as programs see them."""

from typing import Any

from rest_framework import serializers

from leadcrm.accounts.models import Role, Team, User


class TeamNameShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class UserShape(serializers.Serializer[Any]):
    """A colleague. `id` is what owners and assignees are named by."""

    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)
    active = serializers.BooleanField()
    time_zone = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    territory = serializers.ListField(child=serializers.CharField())
    skills = serializers.ListField(child=serializers.CharField())
    teams = TeamNameShape(many=True)


class MemberNameShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class TeamShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    parent = TeamNameShape(allow_null=True)
    manager = MemberNameShape(allow_null=True)
    members = MemberNameShape(many=True)


class UserPageSerializer(serializers.Serializer[Any]):
    results = UserShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TeamPageSerializer(serializers.Serializer[Any]):
    results = TeamShape(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def user_shape(user: User) -> dict[str, Any]:
    return {
        "id": user.public_id,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "active": user.is_active,
        "time_zone": user.time_zone,
        "languages": list(user.languages),
        "territory": list(user.territory),
        "skills": list(user.skills),
        "teams": [_team_name(team) for team in user.teams.all()],
    }


def team_shape(team: Team) -> dict[str, Any]:
    return {
        "id": team.pk,
        "name": team.name,
        "parent": _team_name(team.parent) if team.parent else None,
        "manager": _name(team.manager) if team.manager else None,
        "members": [_name(user) for user in team.members.all()],
    }


def _team_name(team: Team) -> dict[str, Any]:
    return {"id": team.pk, "name": team.name}


def _name(user: User) -> dict[str, Any]:
    return {"id": user.public_id, "name": user.name}
