"""Writes about colleagues and teams: invite, change, deactivate."""

import zlib
from collections.abc import Iterable

from django.db import transaction

from leadcrm.accounts.models import Membership, Role, Team, User, Workspace
from leadcrm.lib.errors import Conflict, Invalid

HUES = 8


class LastAdministrator(Conflict):
    code = "last_administrator"


class AlreadyHere(Invalid):
    code = "already_here"


@transaction.atomic
def invite(*, email: str, name: str, role: str, teams: Iterable[Team] = ()) -> User:
    """Make an account that waits for its owner to choose a password.

    :raises AlreadyHere: somebody has this address.
    """
    address = email.strip().lower()
    if User.objects.filter(email__iexact=address).exists():
        raise AlreadyHere.field("email", f"Somebody with {address} is already here.")
    user = User.objects.create_user(
        address,
        None,
        name=name,
        role=role,
        time_zone=Workspace.load().time_zone,
        hue=zlib.crc32(address.encode()) % HUES + 1,
    )
    put_in_teams(user, teams)
    return user


def put_in_teams(user: User, teams: Iterable[Team]) -> None:
    wanted = list(teams)
    Membership.objects.filter(user=user).exclude(team__in=wanted).delete()
    Membership.objects.bulk_create(
        [Membership(user=user, team=team) for team in wanted], ignore_conflicts=True
    )


@transaction.atomic
def change(user_id: int, *, name: str, role: str, teams: Iterable[Team]) -> User:
    """:raises LastAdministrator: nobody could open these settings any more."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    if user.role == Role.ADMIN and role != Role.ADMIN:
        keep_an_administrator(user)
    user.name, user.role = name, role
    user.save(update_fields=["name", "role"])
    put_in_teams(user, teams)
    return user


@transaction.atomic
def set_active(user_id: int, *, active: bool) -> User:
    """Let somebody in again, or end all their sessions; their records stay as they are.

    :raises LastAdministrator: nobody could open these settings any more.
    """
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    if not active and user.role == Role.ADMIN:
        keep_an_administrator(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    return user


def keep_an_administrator(leaving: User) -> None:
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=leaving.pk)
    # Two administrators who demote each other at once must not both succeed.
    if not others.select_for_update().exists():
        raise LastAdministrator(
            f"{leaving} is the only administrator. Make somebody else one first."
        )
