"""How leads come to be won or lost: cycles, stages passed, owners, work and the response clock."""

from pipeline.models.facts import ChangedLead, CycleFact
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
from pipeline.models.response import ClockHop, ResponseClock, ResponseStep, ResponseTarget
from pipeline.models.resting import Rest
from pipeline.models.routing import (
    Alarm,
    Assignment,
    CoverShift,
    Offer,
    Pool,
    PoolMember,
    RoutingDecision,
    RoutingRule,
    RuleSet,
    WaitingLead,
    Watch,
)
from pipeline.models.talks import Letter, LetterTemplate, Meeting
from pipeline.models.work import StaffEmail, Task

__all__ = [
    "Alarm",
    "Assignment",
    "AutoMove",
    "ChangedLead",
    "ClockHop",
    "CloseReason",
    "CoverShift",
    "CycleFact",
    "Deal",
    "DealLine",
    "Letter",
    "LetterTemplate",
    "LostReason",
    "Meeting",
    "Offer",
    "Pool",
    "PoolMember",
    "Product",
    "ProductCategory",
    "ResponseClock",
    "ResponseStep",
    "ResponseTarget",
    "Rest",
    "RoutingDecision",
    "RoutingRule",
    "RuleSet",
    "SalesCycle",
    "StaffEmail",
    "StageTimer",
    "Task",
    "Transition",
    "WaitingLead",
    "Watch",
]
