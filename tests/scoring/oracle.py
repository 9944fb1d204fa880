"""The meaning of a model in plain Python: slow, obvious, and compared with the engine."""

import math
from datetime import datetime, timedelta
from typing import Any

from leads.models import Activity, Lead
from scoring.models import ModelVersion, Rule


def score_of(
    version: ModelVersion, rules: list[Rule], lead: Lead, activities: list[Activity], at: datetime
) -> dict[str, int]:
    hundredths = {"fit": 0, "engagement": 0, "bant": 0}
    for rule in rules:
        if rule.enabled:
            hundredths[rule.group] += _hundredths(rule, lead, activities, at)
    groups = {
        group: _rounded(min(version.caps[group] * 100, max(total, -version.total_cap * 100)))
        for group, total in hundredths.items()
    }
    total = min(version.total_cap, max(version.floor, sum(groups.values())))
    return {**groups, "score": total}


def temperature_of(version: ModelVersion, score: int, before: str) -> str:
    hot = version.hot_from - (version.hysteresis if before == "hot" else 0)
    warm = version.warm_from - (version.hysteresis if before != "cold" else 0)
    return "hot" if score >= hot else "warm" if score >= warm else "cold"


def _rounded(hundredths: int) -> int:
    return math.floor((hundredths + 50) / 100)


def _hundredths(rule: Rule, lead: Lead, activities: list[Activity], at: datetime) -> int:
    if not rule.activity_type:
        return rule.points * 100 if _meets(rule.condition, lead, at) else 0
    matching = sorted(
        (a for a in activities if _counts(rule, a, at)), key=lambda a: a.occurred_at, reverse=True
    )
    if len(matching) < rule.at_least:
        return 0
    weights = [_weight(rule, (at - a.occurred_at).total_seconds()) for a in matching]
    worth = sum(sorted(weights, reverse=True)[: _most(rule)])
    return math.floor(rule.points * 100 * worth + 0.5)


def _most(rule: Rule) -> int | None:
    return {"once": 1, "every": None, "at_most": rule.max_count}[rule.counting]


def _counts(rule: Rule, activity: Activity, at: datetime) -> bool:
    since = at - timedelta(days=rule.window_days) if rule.window_days else None
    return (
        activity.type == rule.activity_type
        and activity.klass == "human"
        and activity.occurred_at <= at
        and (since is None or activity.occurred_at > since)
        and all(
            test["contains"].lower() in str(activity.properties.get(key, "")).lower()
            for key, test in rule.where.items()
        )
    )


def _weight(rule: Rule, seconds: float) -> float:
    lifetime = (rule.decay_days or 0) * 86400
    if rule.decay == "expiry":
        return 1.0 if seconds < lifetime else 0.0
    return math.pow(0.5, seconds / lifetime) if rule.decay == "half_life" else 1.0


def _meets(tree: Any, lead: Lead, at: datetime) -> bool:
    if "all" in tree:
        return all(_meets(child, lead, at) for child in tree["all"])
    if "any" in tree:
        return any(_meets(child, lead, at) for child in tree["any"])
    if "not" in tree:
        return not _meets(tree["not"], lead, at)
    actual, wanted = getattr(lead, tree["field"]), tree.get("value")
    answers = {
        "is": lambda: str(actual).lower() == str(wanted).lower(),
        "is_not": lambda: str(actual).lower() != str(wanted).lower(),
        "gte": lambda: actual is not None and actual >= wanted,
        "lt": lambda: actual is not None and actual < wanted,
        "is_set": lambda: actual not in (None, ""),
        "within_days": lambda: at - timedelta(days=wanted) < actual <= at,
        "older_than_days": lambda: actual <= at - timedelta(days=wanted),
    }
    return answers[tree["op"]]()
