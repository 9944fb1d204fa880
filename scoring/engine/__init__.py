"""A model version compiled to one set-based SQL statement.

Scoring, explanation, preview and counts per rule all run this statement, with another scope, moment
or list of columns: they cannot disagree.
"""

from scoring.engine.fragments import Everyone, IdRange, Ids, Scope
from scoring.engine.qualifying import Qualified, qualify
from scoring.engine.running import (
    BIN,
    Contribution,
    Crossing,
    Explanation,
    Outcome,
    Preview,
    explain,
    hits,
    preview,
    score,
)
from scoring.engine.statement import Statement, compile_version

__all__ = [
    "BIN",
    "Contribution",
    "Crossing",
    "Everyone",
    "Explanation",
    "IdRange",
    "Ids",
    "Outcome",
    "Preview",
    "Qualified",
    "Scope",
    "Statement",
    "compile_version",
    "explain",
    "hits",
    "preview",
    "qualify",
    "score",
]
