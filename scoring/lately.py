"""How a score moved of late, and who is qualified, in the condition language."""

from leads.conditions import Field, Membership, Type, register
from scoring.models import Qualification

GROUP = "Score"
DAYS = (7, 30)


def _gained(days: int) -> Field:
    """Against where the score stood before the first change in these days."""
    recent = (
        "FROM scoring_scorechange ch WHERE ch.lead_id = lead.id "
        f"AND ch.at > {{moment}} - interval '{days} days'"
    )
    before = f"(SELECT ch.from_score {recent} ORDER BY ch.at, ch.id LIMIT 1)"
    return Field(
        f"score_gained_{days}",
        f"Score rose in {days} days by",
        Type.NUMBER,
        f"(score.score - COALESCE({before}, score.score))",
        group=GROUP,
        computed=True,
        changes=(f"(SELECT min(ch.at) + interval '{days} days' {recent})",),
    )


_QUALIFIED = "FROM scoring_qualification q WHERE q.lead_id = lead.id"


def _qualified(key: str, label: str, tail: str, words: str) -> Membership:
    return Membership(
        key,
        label,
        f"EXISTS (SELECT 1 {tail} AND q.kind = %s)",
        f"(SELECT string_agg(DISTINCT upper(q.kind), ', ') {tail})",
        words,
        lambda: Qualification.Kind.choices,
        computed=True,
    )


register(
    *(_gained(days) for days in DAYS),
    _qualified("qualified", "Qualified, now", f"{_QUALIFIED} AND q.left_at IS NULL", "is {} now"),
    _qualified("was_qualified", "Qualified, ever", _QUALIFIED, "was {} once"),
)
