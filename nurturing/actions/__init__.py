"""All writes of nurturing that people, programs and recipients ask for."""

from nurturing.actions.campaigns import (
    archive,
    change_policy,
    change_settings,
    create_campaign,
    pause,
    resume,
)
from nurturing.actions.enrollments import enrol_by_hand, send_again, stop
from nurturing.actions.receiving import Visit, record_click, record_open, record_reply
from nurturing.actions.steps import (
    add_email,
    add_exit,
    add_wait,
    change_step,
    discard_draft,
    move_step,
    publish,
    remove_step,
)
from nurturing.actions.templates import create_template, save_version, send_test
from nurturing.actions.unsubscribing import choose_topics, resubscribe, unsubscribe

__all__ = [
    "Visit",
    "add_email",
    "add_exit",
    "add_wait",
    "archive",
    "change_policy",
    "change_settings",
    "change_step",
    "choose_topics",
    "create_campaign",
    "create_template",
    "discard_draft",
    "enrol_by_hand",
    "move_step",
    "pause",
    "publish",
    "record_click",
    "record_open",
    "record_reply",
    "remove_step",
    "resubscribe",
    "resume",
    "save_version",
    "send_again",
    "send_test",
    "stop",
    "unsubscribe",
]
