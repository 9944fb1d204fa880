"""All writes of the pipeline, one module for each noun."""

from pipeline.actions.cycles import (
    AlreadyClosed,
    NothingToReopen,
    close_cycle,
    open_cycle,
    reopen_cycle,
)
from pipeline.actions.deals import NoOpenCycle, create_deal, delete_deal, update_deal
from pipeline.actions.defaults import ensure_default_routing, ensure_defaults, fallback_queue
from pipeline.actions.ledger import recount_reached
from pipeline.actions.mail import tell_of_assignment, tell_of_inquiry, tell_of_reply, write_to
from pipeline.actions.newcomers import take_up
from pipeline.actions.owners import (
    NotYours,
    OwnerNotPossible,
    RowResult,
    accept,
    assign,
    assign_many,
    bulk_assign,
    decline,
    reject,
)
from pipeline.actions.response import announce_takeover, record_contact, retime_clock
from pipeline.actions.routing import route
from pipeline.actions.rules import (
    NewRule,
    NothingToPublish,
    discard_draft,
    publish_draft,
    remove_pool_member,
    save_draft,
    set_pool_member,
    start_draft,
)
from pipeline.actions.stages import MovedMeanwhile, bulk_move, move_to_stage, qualify
from pipeline.actions.wishes import honour_wishes
from pipeline.actions.work import (
    CallOutcome,
    FollowUp,
    MeetingOutcome,
    TaskDone,
    complete_task,
    create_task,
    delete_task,
    log_call,
    log_email,
    log_meeting,
    reopen_task,
    snooze_task,
    update_task,
)

__all__ = [
    "AlreadyClosed",
    "CallOutcome",
    "FollowUp",
    "MeetingOutcome",
    "MovedMeanwhile",
    "NewRule",
    "NoOpenCycle",
    "NotYours",
    "NothingToPublish",
    "NothingToReopen",
    "OwnerNotPossible",
    "RowResult",
    "TaskDone",
    "accept",
    "announce_takeover",
    "assign",
    "assign_many",
    "bulk_assign",
    "bulk_move",
    "close_cycle",
    "complete_task",
    "create_deal",
    "create_task",
    "decline",
    "delete_deal",
    "delete_task",
    "discard_draft",
    "ensure_default_routing",
    "ensure_defaults",
    "fallback_queue",
    "honour_wishes",
    "log_call",
    "log_email",
    "log_meeting",
    "move_to_stage",
    "open_cycle",
    "publish_draft",
    "qualify",
    "record_contact",
    "recount_reached",
    "reject",
    "remove_pool_member",
    "reopen_cycle",
    "reopen_task",
    "retime_clock",
    "route",
    "save_draft",
    "set_pool_member",
    "snooze_task",
    "start_draft",
    "take_up",
    "tell_of_assignment",
    "tell_of_inquiry",
    "tell_of_reply",
    "update_deal",
    "update_task",
    "write_to",
]
