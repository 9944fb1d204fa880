"""What advertisers are told of the leads they brought."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from leads.models import Connection, Feedback, FeedbackEvent, Lead, Stage
from leads.queries.survivors import survivor_id

KINDS = {
    "lead": "Came in",
    "mql": "Marketing-qualified",
    "sql": "Sales-qualified",
    "pql": "Product-qualified",
    "won": "Won",
}
SHOWN = 20


def stage_conversion(lead_id: int, stage_key: str) -> str:
    """How a stage of the lead's pipeline is named among conversions; empty when there is none."""
    if not Feedback.objects.filter(is_on=True).exists():
        return ""
    lead = Lead.objects.select_related("stage__pipeline").filter(pk=survivor_id(lead_id)).first()
    stage = lead.stage if lead else None
    return f"stage:{stage.pipeline.key}/{stage_key}" if stage else ""


def conversions() -> list[tuple[str, str]]:
    """All that can be told, with its words: the usual ones, then every stage."""
    stages = Stage.objects.filter(archived_at=None, pipeline__archived_at=None)
    in_order = stages.order_by("pipeline__position", "pipeline", "position")
    rows = list(in_order.select_related("pipeline"))
    several = len({stage.pipeline_id for stage in rows}) > 1
    return [*KINDS.items()] + [
        (
            f"stage:{stage.pipeline.key}/{stage.key}",
            f"{stage.pipeline}: {stage}" if several else f"Reached “{stage}”",
        )
        for stage in rows
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """How it goes for one source."""

    states: list[tuple[str, str, int]]  # key, words, how many
    stuck: int
    problem: str  # of the newest that failed or waits for access
    rows: Iterable[FeedbackEvent]


def told(connection: Connection, principal: Any) -> Told:
    events = connection.feedback_events
    counts = dict(events.values_list("state").annotate(count=Count("pk")).order_by())
    wrong = (FeedbackEvent.State.NO_ACCESS, FeedbackEvent.State.FAILED)
    stuck = events.filter(state__in=wrong).order_by("-pk").first()
    seen = events.filter(inquiry__lead__in=Lead.objects.visible_to(principal))
    return Told(
        [(s, label, counts[s]) for s, label in FeedbackEvent.State.choices if s in counts],
        sum(counts.get(state, 0) for state in FeedbackEvent.STUCK),
        stuck.reason if stuck else "",
        seen.select_related("inquiry__lead").order_by("-pk")[:SHOWN],
    )
