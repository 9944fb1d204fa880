"""A rule in plain words, after its label: what it looks at, how it counts, when it fades."""

from leads import conditions
from leads.conditions.describing import days
from scoring.models import Rule

PER = {"day": " a day", "week": " a week", "month": " a month"}


def words_of(rule: Rule) -> str:
    return _activity(rule) if rule.is_activity else conditions.describe(rule.condition)


def _activity(rule: Rule) -> str:
    tree = {
        "activity": rule.activity_type,
        "where": rule.where,
        "times": {"at_least": rule.at_least},
    }
    window = {"within_days": rule.window_days} if rule.window_days else {}
    parts = [conditions.describe({**tree, **window}), counting_of(rule), fading_of(rule)]
    if rule.max_points is not None:
        parts.append(f"at most {rule.max_points} points")
    if not rule.human_only:
        parts.append("by machines too")
    return ", ".join(part for part in parts if part)


def counting_of(rule: Rule) -> str:
    match rule.counting:
        case Rule.Counting.EVERY:
            return "counts every time"
        case Rule.Counting.AT_MOST:
            return f"counts up to {rule.max_count} times{PER.get(rule.per, '')}"
        case Rule.Counting.PER_DAY:
            return "counts once a day"
        case Rule.Counting.DISTINCT:
            return f"counts each different {rule.counted_by} once"
        case Rule.Counting.AMOUNT:
            unit = f"{rule.per_amount:,} of" if rule.per_amount > 1 else ""
            return f"points for each {unit} {rule.counted_by}".replace("  ", " ")
    return ""


def fading_of(rule: Rule) -> str:
    span = days(rule.decay_days or 0)
    return {
        "expiry": f"expires after {span}",
        "linear": f"fades evenly over {span}",
        "half_life": f"halves every {span}",
    }.get(rule.decay, "")
