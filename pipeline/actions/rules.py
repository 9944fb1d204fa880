"""Versions of the routing rules: draft, change, publish."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import Team, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_json, clean_text
from leadcrm.lib.tokens import new_public_id
from pipeline import queries
from pipeline.actions.defaults import ensure_default_routing
from pipeline.actions.routing import QUEUE
from pipeline.models import Pool, RoutingRule, RuleSet, WaitingLead

MOST_RULES = 200
MOST_SKILLS = 10
NOTE_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule as somebody writes it. `key` of a rule that was there before keeps its history."""

    name: str
    target_kind: str
    target_id: int | None = None
    condition: dict[str, Any] = field(default_factory=dict)
    skills: Sequence[str] = ()
    enabled: bool = True
    key: str = ""


class NothingToPublish(Conflict):
    code = "no_draft"


class StillInForce(Conflict):
    code = "still_in_force"


class RuleGone(Conflict):
    """A rule names somebody who left."""

    code = "target_gone"


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
    errors: list[FieldError] = []
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
        skills=_skills(rule, index, errors),
        enabled=rule.enabled,
    )
    errors.extend(_aim(made, rule, index))
    return made, errors


def _skills(rule: NewRule, index: int, errors: list[FieldError]) -> list[str]:
    """Skills count only where there is a choice: in a pool."""
    found = dict.fromkeys(filter(None, (clean_text(each, limit=40) for each in rule.skills)))
    if found and rule.target_kind != RoutingRule.Target.POOL:
        errors.append(
            FieldError(f"rules.{index}.skills", "Only people of a pool are chosen by skill.")
        )
    if len(found) > MOST_SKILLS:
        errors.append(FieldError(f"rules.{index}.skills", f"Ask for at most {MOST_SKILLS} skills."))
    return list(found)[:MOST_SKILLS]


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
def publish_draft(*, at: datetime, actor: User | None = None, note: str = "") -> RuleSet:
    """Let the draft decide from now on. Waiting leads are tried by the new rules.

    :raises NothingToPublish: there is no draft, or it has no rules.
    :raises RuleGone: a rule names somebody whose account is switched off.
    """
    draft = RuleSet.objects.select_for_update().filter(state=RuleSet.State.DRAFT).first()
    if draft is None or not draft.rules.filter(enabled=True).exists():
        raise NothingToPublish("There is no draft with rules in use. Change the rules first.")
    _check_targets(draft)
    draft.note = clean_text(note, limit=NOTE_LIMIT) or draft.note
    _put_in_force(draft, at=at, actor=actor)
    return draft


def _put_in_force(rule_set: RuleSet, *, at: datetime, actor: User | None) -> None:
    RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).update(state=RuleSet.State.ARCHIVED)
    rule_set.state = RuleSet.State.PUBLISHED
    rule_set.published_at, rule_set.published_by = at, actor
    rule_set.save()
    WaitingLead.objects.update(pool=None, user=None)
    pump.wake(QUEUE)


@transaction.atomic
def discard_draft() -> None:
    RuleSet.objects.filter(state=RuleSet.State.DRAFT).delete()


@transaction.atomic
def roll_back(number: int, *, at: datetime, actor: User | None = None) -> RuleSet:
    """Let the rules of an earlier version decide again, as a new version: history only grows.

    :raises NotFound: there was no such version. :raises StillInForce: it decides now.
    :raises RuleGone: a rule names somebody or something that cannot take leads any more.
    """
    earlier = RuleSet.objects.filter(number=number).exclude(state=RuleSet.State.DRAFT).first()
    if earlier is None:
        raise NotFound
    if earlier.state == RuleSet.State.PUBLISHED:
        raise StillInForce(f"Rules v{number} decide already. Choose an earlier version.")
    _check_targets(earlier)
    ensure_default_routing()
    newest = RuleSet.objects.select_for_update().order_by("-number")[0]
    made = RuleSet.objects.create(
        number=newest.number + 1,
        state=RuleSet.State.ARCHIVED,  # for the moment: one is published, one is a draft
        created_at=at,
        fallback_queue=earlier.fallback_queue,
        restored_from=earlier,
        note=f"As in v{number} again",
    )
    _copy_rules(earlier, made)
    _put_in_force(made, at=at, actor=actor)
    return made


def _check_targets(rule_set: RuleSet) -> None:
    """Rules name people for ever; an account that was switched off cannot be restored with them."""
    gone = rule_set.rules.filter(enabled=True, target_user__is_active=False)
    for rule in gone.select_related("target_user"):
        raise RuleGone(
            f"The rule “{rule.name}” names {rule.target_user}, whose account is switched off. "
            "Copy this version into a draft and choose somebody else there."
        )


@transaction.atomic
def copy_into_draft(number: int, *, at: datetime) -> RuleSet:
    """Begin a draft with the rules of any earlier version, instead of what the draft has."""
    source = RuleSet.objects.filter(number=number).exclude(state=RuleSet.State.DRAFT).first()
    if source is None:
        raise NotFound
    discard_draft()
    draft = start_draft(at=at)
    draft.rules.all().delete()
    _copy_rules(source, draft)
    draft.fallback_queue, draft.restored_from = source.fallback_queue, source
    draft.save(update_fields=["fallback_queue", "restored_from"])
    return draft


@transaction.atomic
def set_fallback(team: Team, *, at: datetime) -> RuleSet:
    """Who answers, by the draft, for leads that no rule takes."""
    draft = start_draft(at=at)
    draft.fallback_queue = team
    draft.save(update_fields=["fallback_queue"])
    return draft
