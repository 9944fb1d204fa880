"""The ground floor: who the leads are, what they did, and how they came."""

from leads.models.activity import Activity, DirtyLead, Note
from leads.models.attribution import MarketingCampaign, SpendEntry, Touch
from leads.models.capture import Form, FormVersion, InboxItem, Inquiry, Source
from leads.models.consent import Consent, Suppression
from leads.models.funnel import Pipeline, Stage
from leads.models.inbox import InboxDeed, Reconciliation, SpamPolicy, SpamRule
from leads.models.lead import (
    Company,
    Lead,
    LeadIdentifier,
    LeadScore,
    LeadTag,
    Lifecycle,
    Status,
    Tag,
    Temperature,
)

__all__ = [
    "Activity",
    "Company",
    "Consent",
    "DirtyLead",
    "Form",
    "FormVersion",
    "InboxDeed",
    "InboxItem",
    "Inquiry",
    "Lead",
    "LeadIdentifier",
    "LeadScore",
    "LeadTag",
    "Lifecycle",
    "MarketingCampaign",
    "Note",
    "Pipeline",
    "Reconciliation",
    "Source",
    "SpamPolicy",
    "SpamRule",
    "SpendEntry",
    "Stage",
    "Status",
    "Suppression",
    "Tag",
    "Temperature",
    "Touch",
]
