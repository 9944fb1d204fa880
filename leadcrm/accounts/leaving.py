"""When somebody leaves: what they hold, and who has it afterwards.

The apps above say what people hold, and hand it over: `@holds` and `@hands_over`, in handlers.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction

from leadcrm.accounts import people
from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid


class To(models.TextChoices):
    """Who has it afterwards."""

    RULES = "rules", "Give them out again by the routing rules"
    PERSON = "person", "Give everything to one colleague"
    QUEUE = "queue", "Put them into the queues of their teams"


@dataclass(frozen=True, slots=True)
class Holding:
    """So many of something that somebody must take over. `href` shows them."""

    count: int
    label: str
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    leaving: User
    to: str
    successor: User | None
    note: str
    at: datetime
    actor: User | None


Holdings = Callable[[User], Iterable[Holding]]
Taking = Callable[[Handover], None]
HOLDINGS: list[Holdings] = []
TAKING: list[Taking] = []


def holds(find: Holdings) -> Holdings:
    HOLDINGS.append(find)
    return find


def hands_over(take: Taking) -> Taking:
    TAKING.append(take)
    return take


def holdings_of(user: User) -> list[Holding]:
    return [held for find in HOLDINGS for held in find(user) if held.count]


@transaction.atomic
def leave(
    user_id: int,
    *,
    to: str,
    at: datetime,
    successor: User | None = None,
    note: str = "",
    actor: User | None = None,
) -> User:
    """Switch an account off and hand over what it holds, both or neither.

    :raises Invalid: no successor where one is asked for, or one who cannot take it.
    :raises LastAdministrator: nobody could open the settings any more.
    """
    if to not in To.values:
        raise Invalid.field("to", "Say what becomes of what they hold.", "required")
    if to == To.PERSON and successor is None:
        raise Invalid.field("successor", "Choose who takes over.", "required")
    if successor is not None and (successor.pk == user_id or not successor.is_active):
        raise Invalid.field(
            "successor", f"{successor.name} cannot take over. Choose a colleague who stays."
        )
    user = people.set_active(user_id, active=False)
    handover = Handover(
        leaving=user,
        to=to,
        successor=successor if to == To.PERSON else None,
        note=note,
        at=at,
        actor=actor,
    )
    for take in TAKING:
        take(handover)
    return user
