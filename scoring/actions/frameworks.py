"""Choosing what is asked of leads, and letting the points of its answers follow in the draft."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib import memo
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.actions import mark_dirty
from scoring import frameworks
from scoring.actions.authoring import create_draft, save_rule
from scoring.bands import BANDS
from scoring.frameworks import NAME, Asking, Criterion
from scoring.models import BantAnswer, BantCriterion, Framework, Level, Rule, ScoringModel
from scoring.standing import PREFIX, is_about

MOST_CRITERIA = 12
MOST_POINTS = 15
LEVELS = (Level.YES.value, Level.PARTIAL.value, Level.NO.value)
WORDS = {"yes": "yes", "partial": "partly", "no": "no"}


class FrameworkInUse(Conflict):
    code = "framework_in_use"

    def __init__(self) -> None:
        super().__init__("This is the framework in use. Use another one first.")


@transaction.atomic
def save_framework(key: str, *, name: str, criteria: Sequence[Mapping[str, Any]]) -> Framework:
    """Make a framework these criteria, in this order. Answers stay, also of one that is left out.

    :raises Invalid: naming each criterion by its place.
    """
    rows = [_criterion(n, raw) for n, raw in enumerate(criteria)]
    name = clean_text(name, limit=60)
    mistakes = _mistakes(key, name, rows)
    if mistakes:
        raise Invalid(mistakes[0].message, errors=mistakes)
    stored, _ = Framework.objects.update_or_create(key=key, defaults={"name": name})
    BantCriterion.objects.filter(framework=stored).delete()
    for row in rows:
        row.framework = stored
    BantCriterion.objects.bulk_create(rows)
    if key == frameworks.BANT.key and not Framework.objects.filter(is_active=True).exists():
        Framework.objects.filter(pk=stored.pk).update(is_active=True)
    memo.forget(frameworks.MEMO)
    return stored


def _criterion(place: int, raw: Mapping[str, Any]) -> BantCriterion:
    label = clean_text(str(raw.get("label") or ""), limit=40)
    kinds = BantCriterion.Kind.values
    return BantCriterion(
        position=place,
        key=clean_text(str(raw.get("key") or ""), limit=30) or key_of(label),
        label=label,
        question=clean_text(str(raw.get("question") or ""), limit=200),
        kind=raw["kind"] if raw.get("kind") in kinds else BantCriterion.Kind.TEXT,
        options=list(raw.get("options") or [])[:20],
        **{f"{level}_points": _points(raw.get(f"{level}_points"), level) for level in LEVELS},
    )


def _points(raw: Any, level: str) -> int:
    number = raw if isinstance(raw, int) and not isinstance(raw, bool) else 0
    return max(-100 if level == "no" else 0, min(MOST_POINTS, number))


def key_of(label: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in label.lower()).strip("_")
    return plain[:30] if plain[:1].isalpha() else f"c_{plain}"[:30]


def _mistakes(key: str, name: str, rows: Sequence[BantCriterion]) -> list[FieldError]:
    found: list[FieldError] = []
    if not NAME.fullmatch(key):
        found.append(FieldError("key", "A key has small letters, digits and underscores.", "key"))
    if not name:
        found.append(FieldError("name", "Give the framework a name.", "required"))
    if not 1 <= len(rows) <= MOST_CRITERIA:
        words = f"A framework asks for 1 to {MOST_CRITERIA} things."
        found.append(FieldError("criteria", words, "count"))
    seen: set[str] = set()
    for n, row in enumerate(rows):
        if not row.label:
            found.append(FieldError(f"criteria.{n}.label", "Name what is asked for.", "required"))
        elif not NAME.fullmatch(row.key) or row.key == "positive":
            words = f"Choose another name than “{row.label}”."
            found.append(FieldError(f"criteria.{n}.key", words, "key"))
        elif row.key in seen:
            words = f"“{row.label}” stands there twice."
            found.append(FieldError(f"criteria.{n}.key", words, "twice"))
        seen.add(row.key)
    return found


@transaction.atomic
def take_framework(asking: Asking) -> Framework:
    """One that comes with the product, into the database as it is."""
    found = Framework.objects.filter(key=asking.key).first()
    rows = [
        {name: getattr(each, name) for name in Criterion.__dataclass_fields__}
        for each in asking.criteria
    ]
    return found or save_framework(asking.key, name=asking.name, criteria=rows)


@transaction.atomic
def use_framework(key: str, *, at: datetime, user: User | None = None) -> int:
    """Ask by this framework from now on; every answer stays. Return how many rules of the draft
    changed so that points follow; they count once somebody publishes it.

    :raises NotFound: there is none of this name.
    """
    asking = frameworks.find(key)
    if asking is None:
        raise NotFound
    chosen = take_framework(asking)
    Framework.objects.filter(is_active=True).exclude(pk=chosen.pk).update(is_active=False)
    Framework.objects.filter(pk=chosen.pk).update(is_active=True)
    memo.forget(frameworks.MEMO)
    present = BantAnswer.objects.filter(superseded_at=None)
    mark_dirty(present.order_by().values_list("lead_id", flat=True).distinct())
    return follow_points(at=at, user=user)


@transaction.atomic
def delete_framework(key: str) -> None:
    """:raises FrameworkInUse:"""
    found = Framework.objects.filter(key=key).first()
    if found is None:
        raise NotFound
    if found.is_active:
        raise FrameworkInUse
    found.delete()
    memo.forget(frameworks.MEMO)


# Points -------------------------------------------------------------------------------------------


@transaction.atomic
def follow_points(*, at: datetime, user: User | None = None) -> int:
    """Make the draft's rules give what the framework in use says for each answer.

    Rules about criteria it does not ask for are switched off, so that they come back with it.
    """
    model = ScoringModel.objects.filter(is_default=True).first()
    if model is None:
        return 0
    asking = frameworks.active()
    wanted = {
        (each.key, level): points
        for each in asking.criteria
        for level, points in each.points.items()
    }
    source = _newest(model)
    if source is not None and not _differences(source, wanted):
        return 0
    draft = create_draft(model.pk, at=at, user=user)
    rules = _by_answer(list(draft.rules.order_by("position", "pk")))
    labels = {each.key: each.label for each in asking.criteria}
    changed = 0
    for (key, level), points in wanted.items():
        label = labels[key]
        changed += _set(draft.pk, rules.get((key, level)), key, level, points, label)
    for answer, rule in rules.items():
        if answer not in wanted and rule.enabled:
            save_rule(draft.pk, {"enabled": False}, rule_id=rule.pk)
            changed += 1
    return changed


def _newest(model: ScoringModel) -> Any:
    """The draft, or what a draft would start from."""
    rows = model.versions.filter(state__in=["draft", "published"])
    return rows.order_by("-number").first()


def _by_answer(rules: Sequence[Rule]) -> dict[tuple[str, str], Rule]:
    """Rules that ask plainly for one level of one criterion."""
    found: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        tree = rule.condition if isinstance(rule.condition, dict) else {}
        key = str(tree.get("field") or "").removeprefix(PREFIX)
        for level in LEVELS:
            if tree.get("op") == "is" and is_about(rule.condition, key, level):
                found.setdefault((key, level), rule)
    return found


def _differences(version: Any, wanted: Mapping[tuple[str, str], int]) -> bool:
    rules = _by_answer(list(version.rules.order_by("position", "pk")))
    gives = {answer: rule.points for answer, rule in rules.items() if rule.enabled}
    return gives != {answer: points for answer, points in wanted.items() if points}


def _set(version_id: int, rule: Rule | None, key: str, level: str, points: int, label: str) -> int:
    if rule is None and not points:
        return 0
    if rule is not None and not points:
        save_rule(version_id, {"enabled": False}, rule_id=rule.pk)
        return int(rule.enabled)
    if rule is not None and rule.enabled and rule.points == points:
        return 0
    values: Any = {"points": points, "weight_class": class_of(points), "enabled": True}
    if rule is None:
        condition = {"field": f"{PREFIX}{key}", "op": "is", "value": level}
        values |= {
            "group": Rule.Group.BANT.value,
            "label": f"{label}: {WORDS[level]}",
            "condition": condition,
        }
    save_rule(version_id, values, rule_id=rule.pk if rule else None)
    return 1


def class_of(points: int) -> str:
    """The weight class whose band holds these points."""
    return next((key for key, band in BANDS.items() if band.holds(points)), "most_important")
