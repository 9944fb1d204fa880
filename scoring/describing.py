"""A rule in plain words, after its label: what it looks at, how it counts, when it fades."""

from leads import conditions
from leads.conditions.describing import days
from scoring.models import Rule


def words_of(rule: Rule) -> str:
    return _activity(rule) if rule.is_activity else conditions.describe(rule.condition)


def _activity(rule: Rule) -> str:
    tree = {
        "activity": rule.activity_type,
        "where": rule.where,
        "times": {"at_least": rule.at_least},
    }
    window = {"within_days": rule.window_days} if rule.window_days else {}
    parts = [conditions.describe({**tree, **window})]
    if rule.counting == Rule.Counting.EVERY:
        parts.append("counts every time")
    elif rule.counting == Rule.Counting.AT_MOST:
        parts.append(f"counts up to {rule.max_count} times")
    if rule.decay == Rule.Decay.EXPIRY:
        parts.append(f"expires after {days(rule.decay_days or 0)}")
    elif rule.decay == Rule.Decay.HALF_LIFE:
        parts.append(f"halves every {days(rule.decay_days or 0)}")
    return ", ".join(parts)
