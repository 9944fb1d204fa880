"""The ground floor: who the leads are, what they did, and how they came."""

from leads.models.activity import Activity, DirtyLead, Note
from leads.models.attribution import MarketingCampaign, SpendEntry, Touch
from leads.models.capture import Form, FormVersion, InboxItem, Inquiry, Source
from leads.models.consent import Consent, Suppression
from leads.models.fields import FieldDefinition
from leads.models.forms import (
    Asset,
    AssetGrant,
    Confirmation,
    ConsentText,
    CouponCode,
    FormCount,
    TransactionalMail,
)
from leads.models.funnel import Pipeline, Stage
from leads.models.identity import (
    DuplicateCandidate,
    DuplicateCheck,
    DuplicateSearch,
    FieldProposal,
    Merge,
)
from leads.models.importing import (
    ExportJob,
    ExportPart,
    ImportChunk,
    ImportJob,
    ImportMemory,
    ImportPart,
    ImportRow,
)
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
from leads.models.lists import ListColumns
from leads.models.sources import (
    Connection,
    ConnectionSecret,
    Poll,
    RemoteLead,
    SourceMapping,
)
from leads.models.tracking import (
    IdentityLink,
    TrackedSite,
    TrackingBatch,
    TrackingPolicy,
    Visit,
    Visitor,
    VisitorEvent,
    VisitorSalt,
)

__all__ = [
    "Activity",
    "Asset",
    "AssetGrant",
    "Company",
    "Confirmation",
    "Connection",
    "ConnectionSecret",
    "Consent",
    "ConsentText",
    "CouponCode",
    "DirtyLead",
    "DuplicateCandidate",
    "DuplicateCheck",
    "DuplicateSearch",
    "ExportJob",
    "ExportPart",
    "FieldDefinition",
    "FieldProposal",
    "Form",
    "FormCount",
    "FormVersion",
    "IdentityLink",
    "ImportChunk",
    "ImportJob",
    "ImportMemory",
    "ImportPart",
    "ImportRow",
    "InboxDeed",
    "InboxItem",
    "Inquiry",
    "Lead",
    "LeadIdentifier",
    "LeadScore",
    "LeadTag",
    "Lifecycle",
    "ListColumns",
    "MarketingCampaign",
    "Merge",
    "Note",
    "Pipeline",
    "Poll",
    "Reconciliation",
    "RemoteLead",
    "Source",
    "SourceMapping",
    "SpamPolicy",
    "SpamRule",
    "SpendEntry",
    "Stage",
    "Status",
    "Suppression",
    "Tag",
    "Temperature",
    "Touch",
    "TrackedSite",
    "TrackingBatch",
    "TrackingPolicy",
    "TransactionalMail",
    "Visit",
    "Visitor",
    "VisitorEvent",
    "VisitorSalt",
]
