"""The funnel's history in the condition language: stages reached, cycles, how they ended."""

from leads.conditions import Field, Membership, Type, register
from leads.conditions.types import Choices
from leads.models import Stage
from pipeline.models import CloseReason, SalesCycle

_CYCLES = "FROM pipeline_salescycle c WHERE c.lead_id = lead.id"
_LAST_CLOSED = f"{_CYCLES} AND c.closed_at IS NOT NULL ORDER BY c.closed_at DESC, c.id DESC LIMIT 1"
_REACHED = (
    "FROM pipeline_transition t JOIN leads_stage s ON s.id = t.to_stage_id "
    "WHERE t.lead_id = lead.id"
)
GROUP = "Sales"


def _stages() -> Choices:
    rows = Stage.objects.order_by("pipeline", "position").values_list("key", "name")
    return list(dict(rows).items())


def _reasons() -> Choices:
    rows = CloseReason.objects.order_by("kind", "position").values_list("key", "label")
    return list(dict(rows).items())


register(
    Field(
        "cycles",
        "Sales cycles so far",
        Type.NUMBER,
        f"(SELECT count(*) {_CYCLES})",
        group=GROUP,
    ),
    Field(
        "last_outcome",
        "Outcome of the last closed cycle",
        Type.CHOICE,
        f"(SELECT c.outcome {_LAST_CLOSED})",
        [(value, label) for value, label in SalesCycle.Outcome.choices if value],
        group=GROUP,
    ),
    Field(
        "close_reason",
        "Reason of the last closed cycle",
        Type.CHOICE,
        f"(SELECT c.lost_reason {_LAST_CLOSED})",
        _reasons,
        group=GROUP,
    ),
    Field(
        "closed_at",
        "Last cycle closed",
        Type.DATE,
        f"(SELECT c.closed_at {_LAST_CLOSED})",
        group=GROUP,
    ),
    Field(
        "is_accepted",
        "Accepted by sales",
        Type.BOOLEAN,
        f"EXISTS (SELECT 1 {_CYCLES} AND c.closed_at IS NULL AND c.accepted_at IS NOT NULL)",
        group=GROUP,
    ),
    Membership(
        "stage_reached",
        "Stage, ever reached",
        f"EXISTS (SELECT 1 {_REACHED} AND s.key = %s)",
        f"(SELECT string_agg(DISTINCT s.name, ', ' ORDER BY s.name) {_REACHED})",
        "has been in the stage “{}”",
        _stages,
    ),
)
