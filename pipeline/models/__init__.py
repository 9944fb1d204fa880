"""How leads come to be won or lost: cycles, stages passed, owners, work and the response clock."""

from pipeline.models.funnel import (
    AutoMove,
    CloseReason,
    Deal,
    DealLine,
    LostReason,
    Product,
    ProductCategory,
    SalesCycle,
    StageTimer,
    Transition,
)
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
from pipeline.models.talks import Letter, LetterTemplate, Meeting
from pipeline.models.work import StaffEmail, Task

__all__ = [
    "Assignment",
    "AutoMove",
    "CloseReason",
    "Deal",
    "DealLine",
    "Letter",
    "LetterTemplate",
    "LostReason",
    "Meeting",
    "Pool",
    "PoolMember",
    "Product",
    "ProductCategory",
    "ResponseClock",
    "ResponseTarget",
    "RoutingDecision",
    "RoutingRule",
    "RuleSet",
    "SalesCycle",
    "StaffEmail",
    "StageTimer",
    "Task",
    "Transition",
    "WaitingLead",
]
