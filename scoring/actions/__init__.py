"""All writes of scoring: BANT answers, models and their rules, and the scores themselves."""

from scoring.actions.adjusting import AdjustmentOver, adjust_score, revoke_adjustment
from scoring.actions.authoring import (
    NotADraft,
    RuleValues,
    Thresholds,
    archive_model,
    create_draft,
    create_model,
    delete_rule,
    discard_draft,
    move_rule,
    save_rule,
    set_thresholds,
)
from scoring.actions.bant import Answer, TooLateToTakeBack, answer_bant, take_back_answer
from scoring.actions.checking import BandsNotKept
from scoring.actions.publishing import (
    NothingToRestore,
    continue_rescore,
    publish_version,
    roll_back,
)
from scoring.actions.rescoring import (
    queue_due,
    rescore,
    rescore_dirty,
    rescore_everyone,
)
from scoring.actions.verdicts import note_verdict

__all__ = [
    "AdjustmentOver",
    "Answer",
    "BandsNotKept",
    "NotADraft",
    "NothingToRestore",
    "RuleValues",
    "Thresholds",
    "TooLateToTakeBack",
    "adjust_score",
    "answer_bant",
    "archive_model",
    "continue_rescore",
    "create_draft",
    "create_model",
    "delete_rule",
    "discard_draft",
    "move_rule",
    "note_verdict",
    "publish_version",
    "queue_due",
    "rescore",
    "rescore_dirty",
    "rescore_everyone",
    "revoke_adjustment",
    "roll_back",
    "save_rule",
    "set_thresholds",
    "take_back_answer",
]
