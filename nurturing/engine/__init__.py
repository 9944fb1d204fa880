"""How people enter drip campaigns, move through them, and leave."""

from nurturing.engine.advancing import advance_due
from nurturing.engine.entering import enrol, enrol_captured, enrol_qualified
from nurturing.engine.leaving import leave, reach_goal, skip_waiting

__all__ = [
    "advance_due",
    "enrol",
    "enrol_captured",
    "enrol_qualified",
    "leave",
    "reach_goal",
    "skip_waiting",
]
