"""Changing models: only drafts change, and publishing scores everybody anew in the background."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db import models, transaction
from django.db.models import Max, Min

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_json, clean_text
from leads import conditions
from leads.models import LeadScore
from scoring.actions.rescoring import RESCORE_QUEUE
from scoring.bands import BANDS
from scoring.models import ModelVersion, Rescore, Rule, ScoringModel

MAX_RULES = 200
LIMITS = {"at_least": (1, 1000), "max_count": (1, 1000)}
DAYS = (1, 3650)


class NotADraft(Conflict):
    code = "not_a_draft"

    def __init__(self) -> None:
        super().__init__("This version is published and cannot change. Edit the draft instead.")


class BandsNotKept(Invalid):
    """Points outside the band of the weight class, with no note saying why."""

    code = "points_outside_band"

    def __init__(self, weight_class: str) -> None:
        band = BANDS[weight_class]
        message = (
            f"“{band.label}” rules give {band.words} points. Choose points inside the band, "
            "another weight, or write a note that says why this rule is different."
        )
        super().__init__(message, errors=[FieldError("points", message, self.code)])


class RuleValues(TypedDict, total=False):
    """See `Rule`."""

    group: str
    weight_class: str
    label: str
    condition: Any
    activity_type: str
    where: dict[str, Any]
    at_least: int
    counting: str
    max_count: int
    window_days: int | None
    decay: str
    decay_days: int | None
    points: int
    enabled: bool
    position: int
    override_note: str


class Thresholds(TypedDict, total=False):
    """See `ModelVersion`."""

    warm_from: int
    hot_from: int
    hysteresis: int
    fit_cap: int
    engagement_cap: int
    bant_cap: int
    mql: Any
    sql: Any
    pql: Any


# Drafts -------------------------------------------------------------------------------------------


@transaction.atomic
def create_draft(model_id: int, *, at: datetime, user: User | None = None) -> ModelVersion:
    """A copy of the published version to change; the one that exists if there is one."""
    model = _locked(model_id)
    draft = model.versions.filter(state=ModelVersion.State.DRAFT).first()
    if draft is not None:
        return draft
    published = model.versions.filter(state=ModelVersion.State.PUBLISHED).first()
    number = (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version = _copy(published) if published else ModelVersion(model=model)
    version.number, version.state, version.created_by = number, ModelVersion.State.DRAFT, user
    version.created_at = at
    version.save(force_insert=True)
    rules = list(published.rules.order_by("position", "pk")) if published else []
    Rule.objects.bulk_create(_copy(rule, version=version) for rule in rules)
    return version


def _locked(model_id: int) -> ScoringModel:
    model = ScoringModel.objects.select_for_update().filter(pk=model_id).first()
    if model is None:
        raise NotFound
    return model


def _copy(row: Any, **changes: Any) -> Any:
    values = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key and field.name not in {"published_at", "published_by"}
    }
    copy = type(row)(**values)
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


@transaction.atomic
def discard_draft(version_id: int) -> None:
    """:raises NotADraft: it was published in the meantime."""
    _draft(version_id).delete()


@transaction.atomic
def set_thresholds(version_id: int, values: Thresholds) -> ModelVersion:
    """Change caps, temperatures and qualification conditions of a draft.

    :raises Invalid: naming each field; nothing is changed then.
    """
    version = _draft(version_id)
    mistakes = _set_known(version, values, set(Thresholds.__annotations__))
    for kind in ("mql", "sql", "pql"):
        if values.get(kind) is not None:
            mistakes += _condition_mistakes(values.get(kind), kind, computed=True)
    for name in ("fit_cap", "engagement_cap", "bant_cap", "hysteresis"):
        if not _is_whole(getattr(version, name), 0, 1000):
            mistakes.append(FieldError(name, "Write a whole number from 0 to 1000."))
    top = version.total_cap
    if not _is_whole(version.hot_from, 1, top) or not _is_whole(version.warm_from, 1, top):
        mistakes.append(FieldError("hot_from", f"Thresholds are whole numbers from 1 to {top}."))
    elif version.warm_from >= version.hot_from:
        mistakes.append(FieldError("hot_from", "Hot must start above warm. Raise it."))
    _refuse(mistakes)
    version.mql, version.sql, version.pql = (
        clean_json(tree) for tree in (version.mql, version.sql, version.pql)
    )
    version.save()
    return version


@transaction.atomic
def publish_version(version_id: int, *, at: datetime, user: User | None = None) -> ModelVersion:
    """Make a draft the model that counts, and score everybody by it in the background.

    :raises NotADraft: it was published already.
    """
    version = _draft(version_id)
    version.model.versions.filter(state=ModelVersion.State.PUBLISHED).update(
        state=ModelVersion.State.RETIRED
    )
    version.state = ModelVersion.State.PUBLISHED
    version.published_at, version.published_by = at, user
    version.save()
    if version.model.is_default:
        _start_rescore(version, at)
    return version


def _start_rescore(version: ModelVersion, at: datetime) -> None:
    """A newer pass takes the place of one that still runs."""
    Rescore.objects.filter(done_at=None).update(done_at=at, due_at=None, lease_token=None)
    edges = LeadScore.objects.aggregate(first=Min("lead_id"), last=Max("lead_id"))
    if edges["first"] is not None:
        Rescore.objects.create(
            version=version, next_id=edges["first"], last_id=edges["last"], started_at=at
        )
        pump.wake(RESCORE_QUEUE)


def _draft(version_id: int) -> ModelVersion:
    """The draft, locked with its model, so that it cannot be published under the editor's hands."""
    found = ModelVersion.objects.filter(pk=version_id).values_list("model_id", flat=True).first()
    if found is None:
        raise NotFound
    _locked(found)
    version = ModelVersion.objects.select_related("model").filter(pk=version_id).first()
    if version is None:
        raise NotFound
    if not version.is_draft:
        raise NotADraft
    return version


# Rules --------------------------------------------------------------------------------------------


@transaction.atomic
def save_rule(version_id: int, values: RuleValues, *, rule_id: int | None = None) -> Rule:
    """Add a rule to a draft, or change one; what is left out stays as it is.

    :raises BandsNotKept: points outside the band of the weight class.
    :raises Invalid: naming each field.
    :raises NotADraft, NotFound:
    """
    version = _draft(version_id)
    rule = _rule_to_save(version, rule_id)
    mistakes = _set_known(rule, values, set(RuleValues.__annotations__))
    mistakes += _rule_mistakes(rule)
    _refuse(mistakes)
    if not rule.override_note and not BANDS[rule.weight_class].holds(rule.points):
        raise BandsNotKept(rule.weight_class)
    rule.condition, rule.where = clean_json(rule.condition), clean_json(rule.where)
    rule.save()
    return rule


def _rule_to_save(version: ModelVersion, rule_id: int | None) -> Rule:
    if rule_id is None:
        counted = version.rules.aggregate(rules=models.Count("pk"), last=Max("position"))
        if counted["rules"] >= MAX_RULES:
            raise Invalid(f"A model has at most {MAX_RULES} rules. Remove one first.")
        return Rule(version=version, position=(counted["last"] or 0) + 1)
    rule = version.rules.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    return rule


def delete_rule(version_id: int, rule_id: int) -> None:
    """:raises NotADraft, NotFound:"""
    with transaction.atomic():
        _rule_to_save(_draft(version_id), rule_id).delete()


def _set_known(row: models.Model, values: Mapping[str, Any], known: set[str]) -> list[FieldError]:
    mistakes = [
        FieldError(clean_text(str(name), limit=60), "There is no such setting. Remove it.")
        for name in values.keys() - known
    ]
    for name in values.keys() & known:
        setattr(row, name, values[name])
    return mistakes


def _rule_mistakes(rule: Rule) -> list[FieldError]:
    mistakes = [
        FieldError(name, f"Choose one of: {', '.join(choices)}.", "unknown_choice")
        for name, choices in {
            "group": Rule.Group.values,
            "weight_class": Rule.WeightClass.values,
            "counting": Rule.Counting.values,
            "decay": Rule.Decay.values,
        }.items()
        if getattr(rule, name) not in choices
    ]
    mistakes += _text_mistakes(rule, "label", 120, required=True)
    mistakes += _text_mistakes(rule, "override_note", 300, required=False)
    if not _is_whole(rule.points, -100, 100):
        mistakes.append(FieldError("points", "Points are a whole number from −100 to 100."))
    if not _is_whole(rule.position, 0, 30_000):
        mistakes.append(FieldError("position", "The position is a whole number from 0."))
    if not isinstance(rule.enabled, bool):
        mistakes.append(FieldError("enabled", "Write true or false."))
    return mistakes + (
        _activity_mistakes(rule) if rule.activity_type else _attribute_mistakes(rule)
    )


def _text_mistakes(rule: Rule, name: str, limit: int, *, required: bool) -> list[FieldError]:
    value = getattr(rule, name)
    if not isinstance(value, str) or len(value) > limit:
        return [FieldError(name, f"Write text of at most {limit} characters.", "too_long")]
    setattr(rule, name, clean_text(value))
    if required and not getattr(rule, name):
        return [FieldError(name, "Say in a few words what this rule is about.", "required")]
    return []


def _attribute_mistakes(rule: Rule) -> list[FieldError]:
    if rule.condition is None:
        message = "Give the rule a condition, or an activity to count."
        return [FieldError("condition", message, "required")]
    return _condition_mistakes(rule.condition, "condition", computed=False)


def _activity_mistakes(rule: Rule) -> list[FieldError]:
    """The activity is read by the condition language, so both know the same ones."""
    if rule.condition is not None:
        message = "A rule has a condition or counts an activity, not both. Remove one."
        return [FieldError("condition", message)]
    mistakes = [
        FieldError(name, f"Write a whole number from {low} to {high}.")
        for name, (low, high) in LIMITS.items()
        if not _is_whole(getattr(rule, name), low, high)
    ]
    mistakes += [
        FieldError(name, f"Write a whole number of days from {DAYS[0]} to {DAYS[1]}.")
        for name in ("window_days", "decay_days")
        if getattr(rule, name) is not None and not _is_whole(getattr(rule, name), *DAYS)
    ]
    if rule.decay != Rule.Decay.NONE and rule.decay_days is None:
        mistakes.append(FieldError("decay_days", "Say after how many days.", "required"))
    as_condition = {"activity": rule.activity_type, "where": rule.where}
    renamed = {"activity": "activity_type"}
    return mistakes + [
        FieldError(
            renamed.get(e.field.removeprefix("."), e.field.removeprefix(".")), e.message, e.code
        )
        for e in _condition_mistakes(as_condition, "", computed=False)
    ]


def _condition_mistakes(tree: Any, path: str, *, computed: bool) -> list[FieldError]:
    try:
        conditions.validate(tree, path=path, computed=computed)
    except Invalid as error:
        return list(error.errors)
    return []


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _refuse(mistakes: list[FieldError]) -> None:
    if mistakes:
        detail = mistakes[0].message if len(mistakes) == 1 else "Some values need correcting."
        raise Invalid(detail, errors=mistakes)
