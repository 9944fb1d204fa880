"""Changing models: only drafts change. Publishing them is another module."""

from datetime import datetime
from typing import Any, TypedDict

from django.db import models, transaction
from django.db.models import Max
from django.utils.text import slugify

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_json, clean_text
from scoring.actions.checking import (
    clean_rule,
    refuse,
    set_known,
    version_mistakes,
)
from scoring.models import ModelVersion, Rule, ScoringModel

MAX_RULES = 200
MAX_MODELS = 50


class NotADraft(Conflict):
    code = "not_a_draft"

    def __init__(self) -> None:
        super().__init__("This version is published and cannot change. Edit the draft instead.")


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
    per: str
    counted_by: str
    per_amount: int
    max_points: int | None
    human_only: bool
    any_category: bool
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
    total_cap: int
    floor: int
    mql: Any
    sql: Any
    pql: Any
    mql_leave: Any
    sql_leave: Any
    pql_leave: Any


# Models -------------------------------------------------------------------------------------------


@transaction.atomic
def create_model(
    *, name: str, category: str, at: datetime, user: User | None = None, copy_rules: bool = True
) -> ScoringModel:
    """A model for a category of products, with a draft to begin with.

    :param copy_rules: begin with the rules that the default model has now.
    :raises Invalid: no name, no category, or there is one of this category.
    """
    model = ScoringModel(name=clean_text(name, limit=80), category=clean_text(category, limit=40))
    _refuse_model(model)
    model.key = _free_key(model.category)
    model.save()
    default = ScoringModel.objects.filter(is_default=True).first()
    source = _published(default) if default and copy_rules else None
    _make_draft(model, source, at=at, user=user)
    return model


def _refuse_model(model: ScoringModel) -> None:
    mistakes = []
    if not model.name:
        mistakes.append(FieldError("name", "Give the model a name.", "required"))
    if not model.category:
        message = "Name the product category whose activities count, as websites send it."
        mistakes.append(FieldError("category", message, "required"))
    others = ScoringModel.objects.filter(archived_at=None)
    if model.category and others.filter(category__iexact=model.category).exists():
        message = f"There is a model for “{model.category}” already. Change that one."
        mistakes.append(FieldError("category", message, "taken"))
    if others.count() >= MAX_MODELS:
        mistakes.append(FieldError("name", f"There are {MAX_MODELS} models. Archive one first."))
    refuse(mistakes)


def _free_key(category: str) -> str:
    base = slugify(category)[:34] or "category"
    taken = set(ScoringModel.objects.filter(key__startswith=base).values_list("key", flat=True))
    names = [base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


@transaction.atomic
def archive_model(model_id: int, *, at: datetime) -> None:
    """Stop scoring by it. :raises Invalid: the default model is needed."""
    model = lock_model(model_id)
    if model.is_default:
        raise Invalid("The default model gives the score that all pages show. It stays.")
    model.archived_at = model.archived_at or at
    model.save(update_fields=["archived_at"])
    model.versions.exclude(state=ModelVersion.State.RETIRED).update(
        state=ModelVersion.State.RETIRED
    )


# Drafts -------------------------------------------------------------------------------------------


@transaction.atomic
def create_draft(model_id: int, *, at: datetime, user: User | None = None) -> ModelVersion:
    """A copy of the published version to change; the one that exists if there is one.

    While a version is being published, that one is copied: it is what people see as the rules.
    """
    model = lock_model(model_id)
    draft = model.versions.filter(state=ModelVersion.State.DRAFT).first()
    return draft or _make_draft(model, _published(model), at=at, user=user)


def _make_draft(
    model: ScoringModel, source: ModelVersion | None, *, at: datetime, user: User | None
) -> ModelVersion:
    draft: ModelVersion = copy_of(source) if source else ModelVersion()
    draft.model, draft.number, draft.state = model, next_number(model), ModelVersion.State.DRAFT
    draft.created_by, draft.created_at, draft.note, draft.restored_from = user, at, "", None
    draft.save(force_insert=True)
    rules = list(source.rules.order_by("position", "pk")) if source else []
    Rule.objects.bulk_create(copy_of(rule, version=draft) for rule in rules)
    return draft


def _published(model: ScoringModel) -> ModelVersion | None:
    """The version that counts, or is about to."""
    found = model.versions.filter(
        state__in=[ModelVersion.State.PUBLISHED, ModelVersion.State.PUBLISHING]
    )
    return found.order_by("-number").first()


def next_number(model: ScoringModel) -> int:
    return (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def lock_model(model_id: int) -> ScoringModel:
    model = ScoringModel.objects.select_for_update().filter(pk=model_id).first()
    if model is None:
        raise NotFound
    return model


def copy_of(row: Any, **changes: Any) -> Any:
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
    draft_to_change(version_id).delete()


@transaction.atomic
def set_thresholds(version_id: int, values: Thresholds) -> ModelVersion:
    """Change caps, temperatures and qualification conditions of a draft.

    :raises Invalid: naming each field; nothing is changed then.
    """
    version = draft_to_change(version_id)
    unknown = set_known(version, values, set(Thresholds.__annotations__))
    refuse(unknown + version_mistakes(version))
    for name in ("mql", "sql", "pql", "mql_leave", "sql_leave", "pql_leave"):
        setattr(version, name, clean_json(getattr(version, name)))
    version.save()
    return version


def draft_to_change(version_id: int) -> ModelVersion:
    """The draft, locked with its model, so that it cannot be published under the editor's hands.

    :raises NotADraft, NotFound:
    """
    found = ModelVersion.objects.filter(pk=version_id).values_list("model_id", flat=True).first()
    if found is None:
        raise NotFound
    lock_model(found)
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
    rule = _rule_to_save(draft_to_change(version_id), rule_id)
    clean_rule(rule, set_known(rule, values, set(RuleValues.__annotations__)))
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
        _rule_to_save(draft_to_change(version_id), rule_id).delete()


@transaction.atomic
def move_rule(version_id: int, rule_id: int, *, by: int) -> None:
    """Up (−1) or down (+1) among the rules of its group. :raises NotADraft, NotFound:"""
    version = draft_to_change(version_id)
    moved = _rule_to_save(version, rule_id)
    rows = list(version.rules.filter(group=moved.group).order_by("position", "pk"))
    place = rows.index(moved)
    rows.insert(max(0, min(place + by, len(rows) - 1)), rows.pop(place))
    slots = sorted(row.position for row in rows)
    for n, row in enumerate(rows):
        row.position = slots[n] if len(set(slots)) == len(slots) else slots[0] + n
    Rule.objects.bulk_update(rows, ["position"])
