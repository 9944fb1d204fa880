"""What makes a score: models with their versions and rules, BANT answers, and the ledgers."""

from scoring.models.bant import BantAnswer, BantCriterion, Dimension, Framework, Level
from scoring.models.insight import (
    Backtest,
    BacktestCase,
    Prediction,
    Simulation,
    Study,
    Training,
    TrainingCase,
)
from scoring.models.ledger import (
    Adjustment,
    Cause,
    Qualification,
    Rescore,
    ScoreChange,
    VersionScore,
)
from scoring.models.model import ModelVersion, Rule, ScoringModel
from scoring.models.surveys import Survey, SurveyResponse, SurveyVersion

__all__ = [
    "Adjustment",
    "Backtest",
    "BacktestCase",
    "BantAnswer",
    "BantCriterion",
    "Cause",
    "Dimension",
    "Framework",
    "Level",
    "ModelVersion",
    "Prediction",
    "Qualification",
    "Rescore",
    "Rule",
    "ScoreChange",
    "ScoringModel",
    "Simulation",
    "Study",
    "Survey",
    "SurveyResponse",
    "SurveyVersion",
    "Training",
    "TrainingCase",
    "VersionScore",
]
