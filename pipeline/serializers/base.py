from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from leadcrm.accounts.models import Team, User


class Input(serializers.Serializer[Any]):
    """What a program sends. A field nobody knows is refused, so that typing mistakes show."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            known = ", ".join(self.fields) or "none"
            message = f"There is no such field. Known fields: {known}."
            raise serializers.ValidationError(
                {str(name)[:60]: [message] for name in sorted(map(str, unknown))}
            )
        return super().to_internal_value(data)


class PersonShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class QueueShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


def person_shape(user: User | None) -> dict[str, str] | None:
    return {"id": user.public_id, "name": str(user)} if user else None


def queue_shape(team: Team | None) -> dict[str, Any] | None:
    return {"id": team.pk, "name": team.name} if team else None


def moment(value: Any) -> str | None:
    return serializers.DateTimeField().to_representation(value) if value else None
