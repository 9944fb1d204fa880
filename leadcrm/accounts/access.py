"""Whose records somebody may see. The one gate behind every `visible_to`."""

from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from leadcrm.accounts.models import ApiKey, Role, Team, User


@dataclass(frozen=True, slots=True)
class Reach:
    """`everything`, or the leads of these owners and the unowned ones of these teams."""

    everything: bool
    owner_ids: frozenset[int] = frozenset()
    team_ids: frozenset[int] = frozenset()


NOTHING = Reach(everything=False)
EVERYTHING = Reach(everything=True)


class KeyPrincipal:
    """What `request.user` is when a program asks."""

    is_authenticated = True
    is_anonymous = False
    is_active = True

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = key.pk

    @property
    def actor_id(self) -> int | None:
        return self.key.user_id

    def __str__(self) -> str:
        return str(self.key)


def reach_of(principal: Any) -> Reach:
    """What a user, an API key or an anonymous visitor can see.

    Administrators and marketers see all leads; managers those of their teams and the teams below;
    reps their own and those nobody owns yet in their teams. A key sees what its user sees.
    """
    if isinstance(principal, KeyPrincipal):
        return EVERYTHING if principal.key.user is None else reach_of(principal.key.user)
    if not isinstance(principal, User) or not principal.is_active:
        return NOTHING
    if principal.role in {Role.ADMIN, Role.MARKETER}:
        return EVERYTHING
    # One request asks many times; the answer lives as long as the user object.
    cached = cast(Reach | None, principal.__dict__.get("_reach"))
    if cached is None:
        cached = _reach_of_seller(principal)
        principal.__dict__["_reach"] = cached
    return cached


def _reach_of_seller(user: User) -> Reach:
    teams = frozenset(user.memberships.values_list("team_id", flat=True))
    if user.role != Role.MANAGER:
        return Reach(everything=False, owner_ids=frozenset({user.pk}), team_ids=teams)
    managed = frozenset(Team.objects.filter(manager=user).values_list("pk", flat=True))
    below = teams_below(teams | managed)
    owners = User.objects.filter(memberships__team__in=below).values_list("pk", flat=True)
    return Reach(everything=False, owner_ids=frozenset({user.pk, *owners}), team_ids=below)


def teams_below(team_ids: frozenset[int]) -> frozenset[int]:
    """These teams and all under them; a cycle of parents ends where it started."""
    if not team_ids:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE below AS (SELECT id FROM accounts_team WHERE id = ANY(%s) "
            "UNION SELECT t.id FROM accounts_team t JOIN below b ON t.parent_id = b.id) "
            "SELECT id FROM below",
            [list(team_ids)],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def person_behind(principal: Any) -> User | None:
    """Who acts: the person signed in, or the one whose key is used; None for a key of nobody."""
    if isinstance(principal, KeyPrincipal):
        return principal.key.user
    return principal if isinstance(principal, User) else None
