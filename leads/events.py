"""The vocabulary of things that happen to leads: how the upper apps learn of each other's work.

Payloads carry ids and small facts. Handlers read the present state of what the ids name.
"""

from dataclasses import dataclass
from typing import ClassVar

from leadcrm.eventlog.registry import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadEvent(Event):
    lead_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCaptured(LeadEvent):
    """An inquiry was stored for a new or a known lead."""

    name: ClassVar[str] = "lead.captured"
    inquiry_id: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCreated(LeadEvent):
    """A lead was entered without an inquiry: by hand, by the API or by an import."""

    name: ClassVar[str] = "lead.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadUpdated(LeadEvent):
    """Contact fields changed; `fields` names them."""

    name: ClassVar[str] = "lead.updated"
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadDeleted(LeadEvent):
    name: ClassVar[str] = "lead.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRestored(LeadEvent):
    """A deletion was undone."""

    name: ClassVar[str] = "lead.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadMerged(LeadEvent):
    """Another lead became part of this one, which was the same person."""

    name: ClassVar[str] = "lead.merged"
    merged_id: int
    merge_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadUnmerged(LeadEvent):
    """A merge was undone: `merged_id` is a lead of its own again."""

    name: ClassVar[str] = "lead.unmerged"
    merged_id: int
    merge_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadContacted(LeadEvent):
    """A person of ours tried to reach the lead, or talked to it: a human response."""

    name: ClassVar[str] = "lead.contacted"
    activity_id: int
    user_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadReplied(LeadEvent):
    """The lead wrote or called back."""

    name: ClassVar[str] = "lead.replied"
    activity_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailNotSent(LeadEvent):
    """A mail of ours was refused, or it is not known whether it was taken."""

    name: ClassVar[str] = "lead.mail_not_sent"
    mail_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(LeadEvent):
    """Consent for a purpose was given or withdrawn."""

    name: ClassVar[str] = "lead.consent_changed"
    purpose: str
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BantAnswered(LeadEvent):
    name: ClassVar[str] = "lead.bant_answered"
    dimensions: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyCompleted(LeadEvent):
    """All questions of a survey were answered, and what was said is part of the lead now."""

    name: ClassVar[str] = "survey.completed"
    response_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadScoreCrossed(LeadEvent):
    """The temperature changed: cold, warm, hot."""

    name: ClassVar[str] = "lead.score_crossed"
    from_temperature: str
    to_temperature: str
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQualified(LeadEvent):
    """A qualification rule holds now and did not before. `kind` is mql, sql or pql.

    `cause` is publish where not the lead changed but the rules.
    """

    name: ClassVar[str] = "lead.qualified"
    kind: str
    score: int
    cause: str = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadUnqualified(LeadEvent):
    """A qualification rule holds no longer."""

    name: ClassVar[str] = "lead.unqualified"
    kind: str
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPublished(Event):
    """Other rules give the scores now; `moves` counts temperatures that changed, as cold>warm."""

    name: ClassVar[str] = "scoring.published"
    model: str
    version: int
    changed: int
    moves: dict[str, int]
    qualified: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesAccepted(LeadEvent):
    """Sales took a qualified lead."""

    name: ClassVar[str] = "lead.sales_accepted"
    cycle_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRejected(LeadEvent):
    """Sales says that a qualified lead is not: back to marketing, with the reason."""

    name: ClassVar[str] = "lead.sales_rejected"
    cycle_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadDisqualified(LeadEvent):
    """A person decided that there is nothing to sell here, now or ever."""

    name: ClassVar[str] = "lead.disqualified"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRecycled(LeadEvent):
    """A lead that was laid aside is back: the day it was to be asked again has come."""

    name: ClassVar[str] = "lead.recycled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleOpened(LeadEvent):
    """A pass through the funnel began."""

    name: ClassVar[str] = "cycle.opened"
    cycle_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleClosed(LeadEvent):
    """A pass through the funnel ended; `outcome` is won or lost."""

    name: ClassVar[str] = "cycle.closed"
    cycle_id: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(LeadEvent):
    name: ClassVar[str] = "lead.stage_changed"
    transition_id: int
    from_stage: str
    to_stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealAdded(LeadEvent):
    """A chance to sell was noted."""

    name: ClassVar[str] = "deal.added"
    deal_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAssigned(LeadEvent):
    """Somebody became responsible; `owner_id` None means the queue of a team."""

    name: ClassVar[str] = "lead.assigned"
    assignment_id: int
    owner_id: int | None
    previous_owner_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTakenOver(LeadEvent):
    """A rep works with the lead personally, so automatic mail must stop."""

    name: ClassVar[str] = "lead.taken_over"
    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorLinked(LeadEvent):
    """A browser turned out to be this person's."""

    name: ClassVar[str] = "lead.visitor_linked"
    link_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorCut(LeadEvent):
    """A browser was this person's no more, and what it had done was taken back."""

    name: ClassVar[str] = "lead.visitor_cut"
    link_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsImported(Event):
    """Some lines of an import made new leads; one event for many, so that none floods the queue."""

    name: ClassVar[str] = "leads.imported"
    import_id: int
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUndone(Event):
    """Leads that an import had made are gone again, those of some of its lines."""

    name: ClassVar[str] = "leads.import_undone"
    import_id: int
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadEnteredSegment(LeadEvent):
    name: ClassVar[str] = "segment.entered"
    segment_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLeftSegment(LeadEvent):
    name: ClassVar[str] = "segment.left"
    segment_id: int
