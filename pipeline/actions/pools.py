"""Pools: people who share leads, and how they share them."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import Team, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from pipeline.actions.routing import QUEUE
from pipeline.models import Pool, ResponseStep, RoutingRule, RuleSet

LONGEST_OFFER_MINUTES = 7 * 24 * 60


class PoolInUse(Conflict):
    """Rules or escalations name the pool."""

    code = "pool_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTerms:
    """How a pool shares and what it asks of its people."""

    name: str
    method: str = Pool.Method.WEIGHTED
    queue: Team | None = None
    includes_everyone: bool = False
    at_work_only: bool = True
    language: str = Pool.Match.IGNORE
    territory: str = Pool.Match.IGNORE
    accept_minutes: int | None = None


@transaction.atomic
def save_pool(pool: Pool | None, terms: PoolTerms) -> Pool:
    """Make a pool, or change how it shares.

    :raises Invalid: names each field that cannot be meant.
    """
    text = clean_text(terms.name, limit=80)
    saved = pool or Pool()
    if errors := list(_mistakes(saved, text, terms)):
        raise Invalid(errors[0].message, errors=errors)
    saved.name, saved.method, saved.queue = text, terms.method, terms.queue
    saved.includes_everyone, saved.at_work_only = terms.includes_everyone, terms.at_work_only
    saved.language, saved.territory = terms.language, terms.territory
    saved.accept_minutes = terms.accept_minutes
    saved.save()
    pump.wake(QUEUE)
    return saved


def _mistakes(pool: Pool, name: str, terms: PoolTerms) -> Any:
    if not name:
        yield FieldError("name", "Give the pool a name.", "required")
    elif Pool.objects.filter(name=name).exclude(pk=pool.pk).exists():
        yield FieldError("name", f"There is a pool “{name}” already. Choose another name.")
    if terms.method not in Pool.Method.values:
        yield FieldError("method", f"Choose one of {', '.join(Pool.Method.values)}.")
    for field in ("language", "territory"):
        if getattr(terms, field) not in Pool.Match.values:
            yield FieldError(field, f"Choose one of {', '.join(Pool.Match.values)}.")
    minutes = terms.accept_minutes
    if minutes is not None and not 1 <= minutes <= LONGEST_OFFER_MINUTES:
        yield FieldError(
            "accept_minutes",
            "Give people between a minute and a week to accept, or leave it empty: "
            "then nobody has to.",
        )


@transaction.atomic
def delete_pool(pool: Pool) -> None:
    """Take away a pool that no rule in force, draft or escalation names.

    :raises PoolInUse: names what does.
    """
    live = RoutingRule.objects.exclude(rule_set__state=RuleSet.State.ARCHIVED)
    rule = live.filter(target_pool=pool).first()
    if rule is not None:
        raise PoolInUse(f"The rule “{rule.name}” gives leads to {pool}. Change the rule first.")
    step = ResponseStep.objects.filter(pool=pool).select_related("target").first()
    if step is not None:
        raise PoolInUse(
            f"The response target “{step.target}” escalates to {pool}. Change the target first."
        )
    if RoutingRule.objects.filter(target_pool=pool).exists():
        raise PoolInUse(
            f"Earlier versions of the rules name {pool}, so it stays. Empty it instead."
        )
    pool.delete()


@transaction.atomic
def set_pool_member(
    pool: Pool,
    user: User,
    *,
    weight: int = 1,
    open_cap: int | None = None,
    day_cap: int | None = None,
    paused: bool = False,
    position: int | None = None,
) -> None:
    """Put somebody into a pool, or change how they share in it.

    :raises Invalid: a weight outside 1–100, or a cap of zero (pause the person instead).
    """
    errors = []
    if not 1 <= weight <= 100:
        errors.append(FieldError("weight", "A weight lies between 1 and 100."))
    for name, cap in (("open_cap", open_cap), ("day_cap", day_cap)):
        if cap is not None and cap < 1:
            errors.append(FieldError(name, "A cap of zero gives nothing. Pause them instead."))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    values: dict[str, Any] = {
        "weight": weight,
        "open_cap": open_cap,
        "day_cap": day_cap,
        "paused": paused,
    }
    place = {} if position is None else {"position": position}
    pool.members.update_or_create(
        user=user,
        defaults={**values, **place},
        create_defaults={**values, "position": pool.members.count(), **place},
    )
    pump.wake(QUEUE)


@transaction.atomic
def move_pool_member(pool: Pool, user: User, *, up: bool) -> None:
    """One place up or down the list, which pools by priority go by."""
    members = list(pool.members.select_for_update().order_by("position", "pk"))
    index = next((n for n, member in enumerate(members) if member.user_id == user.pk), None)
    if index is None:
        return
    member = members.pop(index)
    members.insert(max(0, index - 1 if up else index + 1), member)
    for position, each in enumerate(members):
        each.position = position
    pool.members.model.objects.bulk_update(members, ["position"])


def remove_pool_member(pool: Pool, user: User) -> None:
    pool.members.filter(user=user).delete()
