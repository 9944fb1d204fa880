"""Versions of the routing rules: draft, change, publish."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import Team, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.normalise import clean_json, clean_text
from leadcrm.lib.tokens import new_public_id
from pipeline import queries
from pipeline.actions.defaults import ensure_default_routing
from pipeline.actions.routing import QUEUE
from pipeline.models import Pool, RoutingRule, RuleSet, WaitingLead

MOST_RULES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule as somebody writes it. `key` of a rule that was there before keeps its history."""

    name: str
    target_kind: str
    target_id: int | None = None
    condition: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    key: str = ""


class NothingToPublish(Conflict):
    code = "no_draft"


@transaction.atomic
def start_draft(*, at: datetime) -> RuleSet:
    """The draft; made as a copy of the published rules when there is none."""
    draft = queries.draft_rule_set()
    if draft is not None:
        return draft
    published = ensure_default_routing()
    newest = RuleSet.objects.order_by("-number").values_list("number", flat=True)[0]
    draft, created = RuleSet.objects.get_or_create(
        state=RuleSet.State.DRAFT,
        defaults={
            "number": newest + 1,
            "created_at": at,
            "fallback_queue": published.fallback_queue,
        },
    )
    if created:
        _copy_rules(published, draft)
    return draft


def _copy_rules(source: RuleSet, target: RuleSet) -> None:
    rules = list(source.rules.order_by("order"))
    for rule in rules:
        rule.pk, rule.rule_set = None, target
        rule._state.adding = True
    RoutingRule.objects.bulk_create(rules)


@transaction.atomic
def save_draft(
    rules: Sequence[NewRule], *, at: datetime, fallback_queue: Team | None = None
) -> RuleSet:
    """Make these the draft's rules, in this order.

    :raises Invalid: names each rule and what is wrong with it.
    """
    if len(rules) > MOST_RULES:
        raise Invalid.field("rules", f"Keep to {MOST_RULES} rules; nobody can follow more.")
    checked = [_checked(index, rule) for index, rule in enumerate(rules)]
    if errors := [error for _, found in checked for error in found]:
        raise Invalid(errors[0].message, errors=errors)
    draft = start_draft(at=at)
    draft.rules.all().delete()
    draft.fallback_queue = fallback_queue or draft.fallback_queue
    draft.save(update_fields=["fallback_queue"])
    for rule, _ in checked:
        rule.rule_set = draft
        rule.save(force_insert=True)
    return draft


def _checked(index: int, rule: NewRule) -> tuple[RoutingRule, list[FieldError]]:
    """The rule as it would be saved, and what is wrong with it."""
    name, condition = clean_text(rule.name, limit=80), clean_json(rule.condition)
    errors = []
    if not name:
        errors.append(FieldError(f"rules.{index}.name", "Give the rule a name.", "required"))
    try:
        queries.check_condition(condition, path=f"rules.{index}.condition")
    except Invalid as error:
        errors.extend(error.errors)
    made = RoutingRule(
        key=rule.key or new_public_id(),
        order=index,
        name=name,
        condition=condition,
        target_kind=rule.target_kind,
        enabled=rule.enabled,
    )
    errors.extend(_aim(made, rule, index))
    return made, errors


def _aim(made: RoutingRule, rule: NewRule, index: int) -> list[FieldError]:
    path = f"rules.{index}.target"
    if rule.target_kind not in RoutingRule.Target.values:
        known = ", ".join(RoutingRule.Target.values)
        return [FieldError(path, f"A target is one of {known}.")]
    if rule.target_kind == RoutingRule.Target.POOL:
        made.target_pool = Pool.objects.filter(pk=rule.target_id or 0).first()
    elif rule.target_kind == RoutingRule.Target.USER:
        made.target_user = queries.assignable_users().filter(pk=rule.target_id or 0).first()
    elif rule.target_kind == RoutingRule.Target.QUEUE:
        made.target_queue = Team.objects.filter(pk=rule.target_id or 0).first()
    else:
        return []
    if made.target is None:
        return [FieldError(path, f"Choose a {rule.target_kind} that exists.", "unknown")]
    return []


@transaction.atomic
def publish_draft(*, at: datetime, actor: User | None = None) -> RuleSet:
    """Let the draft decide from now on. Waiting leads are tried by the new rules.

    :raises NothingToPublish: there is no draft, or it has no rules.
    """
    draft = RuleSet.objects.select_for_update().filter(state=RuleSet.State.DRAFT).first()
    if draft is None or not draft.rules.filter(enabled=True).exists():
        raise NothingToPublish("There is no draft with rules in use. Change the rules first.")
    RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).update(state=RuleSet.State.ARCHIVED)
    draft.state = RuleSet.State.PUBLISHED
    draft.published_at, draft.published_by = at, actor
    draft.save()
    WaitingLead.objects.update(pool=None, user=None)
    pump.wake(QUEUE)
    return draft


@transaction.atomic
def discard_draft() -> None:
    RuleSet.objects.filter(state=RuleSet.State.DRAFT).delete()


@transaction.atomic
def set_pool_member(
    pool: Pool,
    user: User,
    *,
    weight: int = 1,
    open_cap: int | None = None,
    day_cap: int | None = None,
    paused: bool = False,
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
    pool.members.update_or_create(
        user=user,
        defaults={
            "weight": weight,
            "open_cap": open_cap,
            "day_cap": day_cap,
            "paused": paused,
        },
        create_defaults={
            "weight": weight,
            "open_cap": open_cap,
            "day_cap": day_cap,
            "paused": paused,
            "position": pool.members.count(),
        },
    )
    pump.wake(QUEUE)


def remove_pool_member(pool: Pool, user: User) -> None:
    pool.members.filter(user=user).delete()
