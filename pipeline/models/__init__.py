"""How leads come to be won or lost: cycles, stages passed, owners, work and the response clock."""

from pipeline.models.funnel import Deal, LostReason, SalesCycle, Transition
from pipeline.models.response import ResponseClock, ResponseTarget
from pipeline.models.routing import (
    Assignment,
    Pool,
    PoolMember,
    RoutingDecision,
    RoutingRule,
    RuleSet,
    WaitingLead,
)
from pipeline.models.work import StaffEmail, Task

__all__ = [
    "Assignment",
    "Deal",
    "LostReason",
    "Pool",
    "PoolMember",
    "ResponseClock",
    "ResponseTarget",
    "RoutingDecision",
    "RoutingRule",
    "RuleSet",
    "SalesCycle",
    "StaffEmail",
    "Task",
    "Transition",
    "WaitingLead",
]
