"""BANT in the condition language, for segments, routing, drip campaigns and scoring itself."""

from leads.conditions import Field, Type, register
from scoring.models import Dimension, Level

ANSWERS = "FROM scoring_bantanswer b WHERE b.lead_id = lead.id AND b.superseded_at IS NULL"
POSITIVE = f"(SELECT count(*) {ANSWERS} AND b.level IN ('partial', 'yes'))"


def _level(dimension: str) -> str:
    return f"COALESCE((SELECT b.level {ANSWERS} AND b.dimension = '{dimension}'), 'unknown')"


register(
    *(
        Field(
            f"bant.{dimension.value}",
            f"BANT {dimension.label.lower()}",
            Type.CHOICE,
            _level(dimension.value),
            Level.choices,
            group="BANT",
        )
        for dimension in Dimension
    ),
    Field(
        "bant.positive",
        "BANT answers that are yes or partly",
        Type.NUMBER,
        POSITIVE,
        group="BANT",
    ),
)
