"""What the endpoints of the pipeline share."""

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request

from leadcrm.accounts.access import person_behind
from leadcrm.accounts.models import Team, User
from leadcrm.lib.errors import Forbidden, Invalid
from leads.models import Lead
from leads.queries import record
from pipeline import queries

NOT_FOUND = OpenApiResponse(description="There is none, or this key may not see it.")
CONFLICT = OpenApiResponse(description="It is not, or no longer, in a state that allows this.")
INVALID = OpenApiResponse(description="`errors` names each field and the cure.")


def lead_of(request: Request, public_id: str) -> Lead:
    """:raises NotFound: there is none, or it is not for these eyes."""
    return record.find(request.user, public_id)


def actor_of(request: Request) -> User | None:
    return person_behind(request.user)


def person_acting(request: Request) -> User:
    """:raises Forbidden: a key of nobody cannot do what only a person does."""
    user = actor_of(request)
    if user is None:
        raise Forbidden("This is done by a person: use a key that belongs to one, or sign in.")
    return user


def read(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """What was sent, checked."""
    bound = form(data=request.data)
    bound.is_valid(raise_exception=True)
    values: dict[str, Any] = bound.validated_data
    return values


def colleague(name: str, *, field: str) -> User:
    """Somebody who can own leads, by id or e-mail address.

    :raises Invalid: there is nobody like that.
    """
    user = queries.assignable_users().filter(Q(public_id=name) | Q(email=name.lower())).first()
    if user is None:
        raise Invalid.field(field, f"Nobody with the id or address “{name}” can own leads.")
    return user


def team_of(key: int | None, *, field: str) -> Team | None:
    if key is None:
        return None
    team = Team.objects.filter(pk=key).first()
    if team is None:
        raise Invalid.field(field, f"There is no team {key}.")
    return team
