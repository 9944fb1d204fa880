"""A model version as data: what a simulation or a backtest keeps, so that edits do not reach it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from scoring.models import ModelVersion, Rule, ScoringModel

LEFT_OUT_OF_VERSIONS = frozenset(
    [
        *("id", "model", "number", "state", "created_at", "created_by", "published_at"),
        *("published_by", "restored_from", "note"),
    ]
)
LEFT_OUT_OF_RULES = frozenset(["id", "version"])

Sketch = dict[str, Any]


def sketch_of(version: ModelVersion, rules: Iterable[Rule]) -> Sketch:
    return {
        "number": version.number,
        "state": version.state,
        "thresholds": _values(version, LEFT_OUT_OF_VERSIONS),
        "rules": [_values(rule, LEFT_OUT_OF_RULES) for rule in rules],
    }


def _values(row: ModelVersion | Rule, left_out: frozenset[str]) -> dict[str, Any]:
    values = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in left_out
    }
    return {name: str(v) if isinstance(v, UUID) else v for name, v in values.items()}


def built(model: ScoringModel, sketch: Mapping[str, Any]) -> tuple[ModelVersion, list[Rule]]:
    """The version and its rules, not saved; fields that were dropped since are left out."""
    names = {field.attname for field in ModelVersion._meta.concrete_fields}
    thresholds = {name: v for name, v in sketch["thresholds"].items() if name in names}
    version = ModelVersion(
        model=model, number=sketch["number"], state=sketch["state"], **thresholds
    )
    known = {field.attname for field in Rule._meta.concrete_fields}
    rules = [
        Rule(**{name: v for name, v in values.items() if name in known}, version=version)
        for values in sketch["rules"]
    ]
    for rule, values in zip(rules, sketch["rules"], strict=True):
        rule.uid = UUID(values["uid"])
    return version, rules


def fingerprint(sketch: Mapping[str, Any]) -> str:
    """The same for the same rules and thresholds, whatever version they stand in."""
    body = {"thresholds": sketch["thresholds"], "rules": sketch["rules"]}
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
