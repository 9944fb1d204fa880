"""Scoring models and frameworks in the file: what the file names is what the draft becomes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from leadcrm.accounts.models import User
from leadcrm.configuration import reading
from leadcrm.lib.errors import FieldError, Invalid
from scoring import actions, frameworks
from scoring.actions.frameworks import save_framework, use_framework
from scoring.frameworks import Asking, Criterion
from scoring.models import ModelVersion, Rule, ScoringModel

MODEL = ("id", "name", "category", "caps", "temperatures", "qualification", "rules")
CAPS = {"fit": "fit_cap", "engagement": "engagement_cap", "bant": "bant_cap", "total": "total_cap",
        "floor": "floor"}  # fmt: skip
TEMPERATURES = {"warm_from": "warm_from", "hot_from": "hot_from", "hysteresis": "hysteresis"}
KINDS = ("mql", "sql", "pql")
RULE = ("id", *(name for name in actions.RuleValues.__annotations__ if name != "position"))
FIRST = ("label", "group", "weight_class", "points", "condition", "activity_type")
FRAMEWORK = ("id", "name", "active", "criteria")
CRITERION = tuple(Criterion.__dataclass_fields__)
State = ModelVersion.State


# Out ---------------------------------------------------------------------------------------------


def read_models(*, drafts: bool = False) -> list[dict[str, Any]]:
    """:param drafts: the draft of each model that has one, else what is published."""
    models = ScoringModel.objects.filter(archived_at=None).order_by("-is_default", "key")
    shown = [(model, _version(model, drafts=drafts)) for model in models]
    return [_model(model, version) for model, version in shown if version is not None]


def _version(model: ScoringModel, *, drafts: bool) -> ModelVersion | None:
    wanted = [State.PUBLISHING, State.PUBLISHED, *([State.DRAFT] if drafts else [])]
    found = model.versions.filter(state__in=wanted).order_by("-number")
    newest: ModelVersion | None = found.first()
    return newest or model.versions.filter(state=State.DRAFT).first()


def _model(model: ScoringModel, version: ModelVersion) -> dict[str, Any]:
    shape: dict[str, Any] = {"id": model.key, "name": model.name}
    if model.category:
        shape["category"] = model.category
    rules = version.rules.order_by("position", "pk")
    return shape | {
        "caps": {name: getattr(version, column) for name, column in CAPS.items()},
        "temperatures": {name: getattr(version, column) for name, column in TEMPERATURES.items()},
        "qualification": {
            kind: {"enter": tree}
            | ({"leave": version.leavings[kind]} if kind in version.leavings else {})
            for kind, tree in version.qualifications.items()
        },
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in RULE if name != "id"}
    kept = {name: value for name, value in values.items() if value != _default(name)}
    ordered = {name: kept.pop(name) for name in FIRST if name in kept}
    return {"id": str(rule.uid), **ordered, **kept}


def _default(name: str) -> Any:
    field: Any = Rule._meta.get_field(name)
    default = field.get_default()
    return "" if default is None and not field.null else default


def read_frameworks() -> list[dict[str, Any]]:
    used = frameworks.active()
    known = {each.key: each for each in frameworks.stored().values()} | {used.key: used}
    return [_framework(each, active=each.key == used.key) for each in known.values()]


def _framework(asking: Asking, *, active: bool) -> dict[str, Any]:
    return {
        "id": asking.key,
        "name": asking.name,
        **({"active": True} if active else {}),
        "criteria": [_criterion(each) for each in asking.criteria],
    }


def _criterion(criterion: Criterion) -> dict[str, Any]:
    values = {name: getattr(criterion, name) for name in CRITERION}
    options = [dict(option) for option in criterion.options]
    return {name: value for name, value in values.items() if name != "options" and value != ""} | (
        {"options": options} if options else {}
    )


# In ----------------------------------------------------------------------------------------------


def write_frameworks(raw: Any, *, path: str, at: datetime, user: User | None) -> None:
    for place, row in reading.rows(raw, path):
        framework = reading.mapping(row, place, FRAMEWORK)
        key = reading.text(framework.get("id"), f"{place}.id", limit=30)
        name = reading.text(framework.get("name"), f"{place}.name", limit=60)
        criteria = [
            reading.mapping(each, where, CRITERION)
            for where, each in reading.rows(framework.get("criteria"), f"{place}.criteria")
        ]
        reading.placed(place, lambda: save_framework(key, name=name, criteria=criteria))  # noqa: B023
        if framework.get("active") is True and frameworks.active().key != key:
            use_framework(key, at=at, user=user)


def write_models(raw: Any, *, path: str, at: datetime, user: User | None) -> list[ModelVersion]:
    """Drafts that are what the file says; nothing is published.

    :raises Invalid: with the place of each mistake.
    """
    return [_draft(row, place, at=at, user=user) for place, row in reading.rows(raw, path)]


def _draft(raw: Any, path: str, *, at: datetime, user: User | None) -> ModelVersion:
    shape = reading.mapping(raw, path, MODEL)
    model = _found(shape, path, at=at, user=user)
    version = actions.create_draft(model.pk, at=at, user=user)
    thresholds = _thresholds(shape, path)
    names = {column: f"caps.{name}" for name, column in CAPS.items()}
    names |= {column: f"temperatures.{name}" for name, column in TEMPERATURES.items()}
    names |= {kind: f"qualification.{kind}.enter" for kind in KINDS}
    names |= {f"{kind}_leave": f"qualification.{kind}.leave" for kind in KINDS}
    reading.placed(path, lambda: actions.set_thresholds(version.pk, thresholds), names)  # type: ignore[arg-type]
    if "rules" in shape:
        _write_rules(version, shape["rules"], f"{path}.rules")
    version.refresh_from_db()
    return version


def _found(shape: Mapping[str, Any], path: str, *, at: datetime, user: User | None) -> ScoringModel:
    key = reading.text(shape.get("id"), f"{path}.id", limit=40)
    model = ScoringModel.objects.filter(key=key).first()
    if model is not None and model.archived_at is None:
        return model
    if model is not None:
        raise Invalid.field(f"{path}.id", "This model is archived. Give the new one another id.")
    name = reading.text(shape.get("name"), f"{path}.name", limit=80)
    category = shape.get("category") or ""
    made = reading.placed(
        path,
        lambda: actions.create_model(
            name=name, category=category, at=at, user=user, copy_rules=False
        ),
    )
    ScoringModel.objects.filter(pk=made.pk).update(key=key)
    return made


def _thresholds(shape: Mapping[str, Any], path: str) -> dict[str, Any]:
    """As `set_thresholds` takes them; what the file leaves out stays."""
    found: dict[str, Any] = {}
    for part, names in (("caps", CAPS), ("temperatures", TEMPERATURES)):
        if part in shape:
            given = reading.mapping(shape[part], f"{path}.{part}", tuple(names))
            found |= {names[name]: value for name, value in given.items()}
    if "qualification" in shape:
        kinds = reading.mapping(shape["qualification"] or {}, f"{path}.qualification", KINDS)
        for kind in KINDS:
            place = f"{path}.qualification.{kind}"
            given = reading.mapping(kinds.get(kind) or {}, place, ("enter", "leave"))
            found |= {kind: given.get("enter"), f"{kind}_leave": given.get("leave")}
    return found


def _write_rules(version: ModelVersion, raw: Any, path: str) -> None:
    known = {str(rule.uid): rule.pk for rule in version.rules.all()}
    kept: list[int] = []
    mistakes: list[FieldError] = []
    for position, (place, row) in enumerate(reading.rows(raw, path)):
        try:
            kept.append(_write_rule(version, row, place, position, known))
        except Invalid as error:
            mistakes += error.errors
    if mistakes:
        only = len(mistakes) == 1
        raise Invalid(mistakes[0].message if only else "Some rules need correcting.",
                      errors=mistakes)  # fmt: skip
    version.rules.exclude(pk__in=kept).delete()


def _write_rule(
    version: ModelVersion, raw: Any, path: str, position: int, known: Mapping[str, int]
) -> int:
    row = reading.mapping(raw, path, RULE)
    uid = _uid(row.get("id"), path)
    defaults = {name: _default(name) for name in RULE if name not in ("id", "points")}
    values = {**defaults, **{k: v for k, v in row.items() if k != "id"}, "position": position}
    values.setdefault("points", None)
    rule_id = known.get(str(uid)) if uid else None
    rule = reading.placed(path, lambda: actions.save_rule(version.pk, values, rule_id=rule_id))  # type: ignore[arg-type]
    if uid and rule.uid != uid:
        Rule.objects.filter(pk=rule.pk).update(uid=uid)
    return rule.pk


def _uid(raw: Any, path: str) -> UUID | None:
    if raw is None:
        return None
    try:
        return UUID(str(raw))
    except ValueError:
        message = "Leave the id out for a new rule; else it is as it was exported."
        raise Invalid.field(f"{path}.id", message) from None
