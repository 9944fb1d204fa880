"""What makes a score: models with their versions and rules, BANT answers, and the ledgers."""

from scoring.models.bant import BantAnswer, Dimension, Level
from scoring.models.ledger import Qualification, Rescore, ScoreChange
from scoring.models.model import ModelVersion, Rule, ScoringModel

__all__ = [
    "BantAnswer",
    "Dimension",
    "Level",
    "ModelVersion",
    "Qualification",
    "Rescore",
    "Rule",
    "ScoreChange",
    "ScoringModel",
]
