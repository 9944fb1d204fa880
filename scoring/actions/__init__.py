"""All writes of scoring: BANT answers, models and their rules, and the scores themselves."""

from scoring.actions.authoring import (
    BandsNotKept,
    NotADraft,
    RuleValues,
    Thresholds,
    create_draft,
    delete_rule,
    discard_draft,
    publish_version,
    save_rule,
    set_thresholds,
)
from scoring.actions.bant import Answer, TooLateToTakeBack, answer_bant, take_back_answer
from scoring.actions.rescoring import (
    continue_rescore,
    queue_due,
    rescore,
    rescore_dirty,
    rescore_everyone,
)

__all__ = [
    "Answer",
    "BandsNotKept",
    "NotADraft",
    "RuleValues",
    "Thresholds",
    "TooLateToTakeBack",
    "answer_bant",
    "continue_rescore",
    "create_draft",
    "delete_rule",
    "discard_draft",
    "publish_version",
    "queue_due",
    "rescore",
    "rescore_dirty",
    "rescore_everyone",
    "save_rule",
    "set_thresholds",
    "take_back_answer",
]
