"""The meaning of a model in plain Python: slow, obvious, and compared with the engine."""

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from leads.models import Activity, Lead
from scoring.models import Adjustment, ModelVersion, Rule


def score_of(
    version: ModelVersion,
    rules: list[Rule],
    lead: Lead,
    activities: list[Activity],
    at: datetime,
    adjustments: Iterable[Adjustment] = (),
    zone: str = "UTC",
) -> dict[str, int]:
    hundredths = {"fit": 0, "engagement": 0, "bant": 0}
    for rule in rules:
        if rule.enabled:
            hundredths[rule.group] += points_of(version, rule, lead, activities, at, zone)
    groups = {
        group: _rounded(min(version.caps[group] * 100, max(total, -version.total_cap * 100)))
        for group, total in hundredths.items()
    }
    whole = sum(groups.values()) + sum(a.points for a in adjustments if _holds(a, at))
    return {**groups, "score": min(version.total_cap, max(version.floor, whole))}


def _holds(adjustment: Adjustment, at: datetime) -> bool:
    ends = [end for end in (adjustment.expires_at, adjustment.revoked_at) if end]
    return adjustment.at <= at and all(end > at for end in ends)


def temperature_of(version: ModelVersion, score: int, before: str) -> str:
    hot = version.hot_from - (version.hysteresis if before == "hot" else 0)
    warm = version.warm_from - (version.hysteresis if before != "cold" else 0)
    return "hot" if score >= hot else "warm" if score >= warm else "cold"


def _rounded(hundredths: int) -> int:
    return math.floor((hundredths + 50) / 100)


def points_of(
    version: ModelVersion,
    rule: Rule,
    lead: Lead,
    activities: list[Activity],
    at: datetime,
    zone: str = "UTC",
) -> int:
    """Hundredths."""
    if not rule.activity_type:
        return rule.points * 100 if _meets(rule.condition, lead, at) else 0
    matching = [a for a in activities if _counts(version, rule, a, at)]
    if _basis(rule, matching, zone) < rule.at_least:
        return 0
    chosen = _chosen(rule, matching, zone)
    worth = sum(_size(rule, a) * Fraction(_weight(rule, a, at)) for a in chosen)
    hundredths = math.floor(rule.points * 100 * worth / _unit(rule) + Fraction(1, 2))
    if rule.max_points is None:
        return hundredths
    return max(-rule.max_points * 100, min(rule.max_points * 100, hundredths))


def _basis(rule: Rule, matching: list[Activity], zone: str) -> int:
    if rule.counting in ("per_day", "distinct"):
        return len({_bucket(rule, a, zone) for a in matching})
    return len(matching)


def _chosen(rule: Rule, matching: list[Activity], zone: str) -> list[Activity]:
    newest_first = sorted(matching, key=lambda a: a.occurred_at, reverse=True)
    most = {"once": 1, "at_most": rule.max_count}.get(rule.counting, len(matching))
    if not rule.per and rule.counting not in ("per_day", "distinct"):
        return newest_first[:most]
    buckets: dict[Any, list[Activity]] = {}
    for activity in newest_first:
        buckets.setdefault(_bucket(rule, activity, zone), []).append(activity)
    if rule.counting == "per_day":
        return [bucket[-1] for bucket in buckets.values()]
    return [a for b in buckets.values() for a in b[: 1 if rule.counting == "distinct" else most]]


def _bucket(rule: Rule, activity: Activity, zone: str) -> Any:
    if rule.counting == "distinct":
        return str(activity.properties[rule.counted_by])
    day = activity.occurred_at.astimezone(ZoneInfo(zone)).date()
    if rule.per == "month":
        return (day.year, day.month)
    return day - timedelta(days=day.weekday()) if rule.per == "week" else day


def _size(rule: Rule, activity: Activity) -> Fraction:
    if rule.counting != "amount":
        return Fraction(1)
    return Fraction(str(activity.properties[rule.counted_by]))


def _unit(rule: Rule) -> int:
    return rule.per_amount if rule.counting == "amount" else 1


def _counts(version: ModelVersion, rule: Rule, activity: Activity, at: datetime) -> bool:
    since = at - timedelta(days=rule.window_days) if rule.window_days else None
    value = activity.properties.get(rule.counted_by)
    category = activity.category or activity.properties.get("category", "")
    return (
        activity.type == rule.activity_type
        and (activity.klass == "human" or not rule.human_only)
        and activity.occurred_at <= at
        and (since is None or activity.occurred_at > since)
        and (rule.any_category or version.model.category in ("", category))
        and (rule.counting != "distinct" or value not in (None, ""))
        and (rule.counting != "amount" or _is_amount(value))
        and all(
            test["contains"].lower() in str(activity.properties.get(key, "")).lower()
            for key, test in rule.where.items()
        )
    )


def _is_amount(value: Any) -> bool:
    return bool(re.fullmatch(r"\d{1,15}(\.\d{1,15})?", str(value)))


def _weight(rule: Rule, activity: Activity, at: datetime) -> float:
    seconds = (at - activity.occurred_at).total_seconds()
    lifetime = (rule.decay_days or 0) * 86400
    if rule.decay == "expiry":
        return 1.0 if seconds < lifetime else 0.0
    if rule.decay == "linear":
        return max(1 - seconds / lifetime, 0.0)
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
