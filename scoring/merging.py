"""What becomes of scores and answers when two leads turn out to be one person."""

from leads.merging.registry import Merging, before_moving, moves, stays
from scoring.models import (
    Adjustment,
    BacktestCase,
    BantAnswer,
    Level,
    Prediction,
    Qualification,
    ScoreChange,
    SurveyResponse,
    TrainingCase,
    VersionScore,
)

moves(BantAnswer, one="BANT answer")
moves(Adjustment, one="adjustment of the score")
moves(Qualification, one="qualification")
moves(SurveyResponse, one="survey response")
stays(ScoreChange, why="The score's own history; the survivor's goes on from what it was.")
stays(VersionScore, why="The survivor is scored anew by every model.")
stays(BacktestCase, why="What a backtest saw; the next one sees the survivor.")
stays(TrainingCase, why="What was learnt from; the next training sees the survivor.")
stays(Prediction, why="Foretold of the loser alone; the survivor is foretold within a day.")


@before_moving(20)
def keep_the_better_answer(merging: Merging) -> None:
    """Of two present answers the one that says something; of two such the newer."""
    mine = _present(merging.survivor.pk)
    for dimension, theirs in _present(merging.loser.pk).items():
        if dimension in mine:
            worse = min(mine[dimension], theirs, key=_weight)
            merging.journal.change(worse, superseded_at=merging.at)


def _present(lead_id: int) -> dict[str, BantAnswer]:
    rows = BantAnswer.objects.filter(lead=lead_id, superseded_at=None)
    return {row.dimension: row for row in rows}


def _weight(answer: BantAnswer) -> tuple[bool, object, int]:
    return answer.level != Level.UNKNOWN, answer.at, answer.pk


@before_moving(20)
def keep_the_longer_qualification(merging: Merging) -> None:
    """Who is qualified twice has been so since the first time."""
    mine = _open(merging.survivor.pk)
    for kind, theirs in _open(merging.loser.pk).items():
        if kind in mine:
            later = max(mine[kind], theirs, key=lambda row: (row.entered_at, row.pk))
            merging.journal.change(later, left_at=max(merging.at, later.entered_at))


def _open(lead_id: int) -> dict[str, Qualification]:
    rows = Qualification.objects.filter(lead=lead_id, left_at=None)
    return {row.kind: row for row in rows}
