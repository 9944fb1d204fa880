"""How people enter drip campaigns, move through them, and leave."""

from nurturing.engine.advancing import advance_due
from nurturing.engine.entering import (
    enrol,
    enrol_captured,
    enrol_confirmed,
    enrol_entered,
    enrol_qualified,
    enrol_wished,
)
from nurturing.engine.leaving import leave, reach_goal, skip_waiting

__all__ = [
    "advance_due",
    "enrol",
    "enrol_captured",
    "enrol_confirmed",
    "enrol_entered",
    "enrol_qualified",
    "enrol_wished",
    "leave",
    "reach_goal",
    "skip_waiting",
]
