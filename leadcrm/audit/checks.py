"""The invariants that the database cannot hold by itself, each as a query for what breaks it."""

# ruff: noqa: S608  (the SQL is made of the constants below)

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from leads.actions import membership
from leads.capture import reconciling
from leads.models import DirtyLead, LeadScore, Segment
from pipeline import facts
from pipeline import queries as pipeline
from scoring import queries as scoring
from scoring.models import ModelVersion

SHOWN = 5
SCORES_RECOMPUTED = 200


@dataclass(frozen=True, slots=True)
class Invariant:
    """`breaches` selects one column: something that names each offending row."""

    rule: str
    breaches: str


@dataclass(frozen=True, slots=True)
class Breach:
    rule: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: broken {self.count:,} times, by {', '.join(self.examples)}"


INVARIANTS = (
    Invariant("What reports read of a sales cycle is what happened", facts.DIFFERENT),
    Invariant(
        "A capture that is not settled waits to be worked on",
        "SELECT receipt_id FROM leads_inboxitem WHERE state = 'received' AND due_at IS NULL",
    ),
    Invariant(
        "An applied capture made an inquiry",
        "SELECT receipt_id FROM leads_inboxitem i WHERE state = 'applied' AND reason_code = '' "
        "AND lead_id IS NOT NULL AND NOT EXISTS "
        "(SELECT FROM leads_inquiry q WHERE q.inbox_item_id = i.id)",
    ),
    Invariant(
        "Every lead has its score row",
        "SELECT l.public_id FROM leads_lead l LEFT JOIN leads_leadscore s ON s.lead_id = l.id "
        "WHERE s.lead_id IS NULL",
    ),
    Invariant(
        "Whatever a lead was merged into ends at one that is not merged",
        "WITH RECURSIVE chain (start, id, further, step) AS ("
        "SELECT id, id, merged_into_id, 0 FROM leads_lead WHERE merged_into_id IS NOT NULL "
        "UNION ALL SELECT chain.start, l.id, l.merged_into_id, step + 1 "
        "FROM chain JOIN leads_lead l ON l.id = chain.further WHERE step < 10000) "
        "SELECT l.public_id FROM leads_lead l WHERE l.merged_into_id IS NOT NULL AND NOT EXISTS "
        "(SELECT FROM chain WHERE start = l.id AND further IS NULL)",
    ),
    Invariant(
        "A merge that stands is what its lead says",
        "SELECT m.id FROM leads_merge m JOIN leads_lead l ON l.id = m.loser_id "
        "WHERE m.unmerged_at IS NULL AND l.merged_into_id IS DISTINCT FROM m.survivor_id",
    ),
    Invariant(
        "An address or id names a lead that is not merged",
        "SELECT i.value FROM leads_leadidentifier i JOIN leads_lead l ON l.id = i.lead_id "
        "WHERE l.merged_into_id IS NOT NULL AND i.kind IN ('email', 'external')",
    ),
    Invariant(
        "An e-mail address belongs to one lead that is not merged",
        "SELECT min(email) FROM leads_lead WHERE merged_into_id IS NULL AND deleted_at IS NULL "
        "AND email <> '' GROUP BY lower(email) HAVING count(*) > 1",
    ),
    Invariant(
        "What was captured belongs to a lead that is not merged",
        "SELECT q.id FROM leads_inquiry q JOIN leads_lead l ON l.id = q.lead_id "
        "WHERE l.merged_into_id IS NOT NULL",
    ),
    Invariant(
        "A first response comes after the inquiry it answers",
        "SELECT c.id FROM pipeline_salescycle c WHERE c.first_response_at < c.received_at",
    ),
    Invariant(
        "A cycle’s furthest stage is the furthest it was moved to",
        "SELECT c.id FROM pipeline_salescycle c JOIN leads_stage f ON f.id = c.furthest_id "
        "WHERE f.position <> (SELECT max(s.position) FROM pipeline_transition t "
        "JOIN leads_stage s ON s.id = t.to_stage_id AND s.category <> 'lost' "
        "WHERE t.cycle_id = c.id)",
    ),
    Invariant(
        "No mail was handed over after its address was suppressed",
        "SELECT s.message_id FROM nurturing_send s JOIN leads_suppression x "
        "ON x.email_hash = s.email_hash AND x.scope = 'global' "
        "WHERE s.handed_off_at > x.created_at "
        "AND (x.released_at IS NULL OR s.handed_off_at < x.released_at)",
    ),
    Invariant(
        "An ended enrollment waits for nothing",
        "SELECT id FROM nurturing_enrollment WHERE state IN ('completed', 'exited') "
        "AND due_at IS NOT NULL",
    ),
)


def breaches() -> Iterator[Breach]:
    """What does not hold now; nothing when all is well."""
    while facts.catch_up():
        pass
    for invariant in INVARIANTS:
        if breach := breach_of(invariant):
            yield breach
    yield from unreconciled()
    yield from broken_ledgers()
    yield from wrong_scores()
    yield from wrong_memberships()


def breach_of(invariant: Invariant) -> Breach | None:
    with connection.cursor() as cursor:
        cursor.execute(
            # The texts are the constants above.
            "SELECT count(*), (array_agg(breach::text))[1:%s] "
            f"FROM ({invariant.breaches}) AS found (breach)",
            [SHOWN],
        )
        count, examples = cursor.fetchone()
    return Breach(invariant.rule, count, tuple(examples)) if count else None


def unreconciled() -> Iterator[Breach]:
    """Days whose captures do not add up, or of which some are gone since they were counted."""
    days = [row for row in reconciling.counted(at=timezone.now()) if row.breach]
    if days:
        examples = tuple(f"{row.day} {row.name}: {row.breach}" for row in days[:SHOWN])
        yield Breach("Received captures equal what became of them", len(days), examples)


def broken_ledgers() -> Iterator[Breach]:
    """What the pipeline's own checks find: cycles, owners and stages against their ledgers."""
    for rule, leads in pipeline.breaches().items():
        yield Breach(rule, len(leads), tuple(leads[:SHOWN]))


def wrong_scores() -> Iterator[Breach]:
    """A shown score is the sum of its explanation; looked at in a sample of settled leads."""
    version = scoring.published_version()
    if version is None:
        return
    waiting = DirtyLead.objects.filter(due_at__isnull=False).values("lead_id")
    rows = (
        LeadScore.objects.filter(lead__merged_into=None, lead__deleted_at=None)
        .exclude(computed_at=None)
        .exclude(lead__in=waiting)
        .select_related("lead")
        .order_by("?")[:SCORES_RECOMPUTED]
    )
    wrong = [row for row in rows if explained_score(version, row) != row.score]
    if wrong:
        examples = tuple(f"{row.lead.public_id} (shown {row.score})" for row in wrong[:SHOWN])
        yield Breach("A score is the sum of its explanation", len(wrong), examples)


def wrong_memberships() -> Iterator[Breach]:
    """Whoever is in a live segment meets its conditions, and nobody else does.

    Leads that wait to be looked at, because they changed or time did, are left out.
    """
    waiting = "SELECT lead_id FROM leads_dirtylead UNION SELECT lead_id FROM leads_segmentclock "
    waiting += "WHERE due_at <= now()"
    live = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE, next_id=0)
    for segment in live.exclude(counted_at=None).order_by("pk"):
        wrong = membership.disagreements(segment)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT lead.public_id FROM leads_lead lead WHERE lead.id IN "
                f"(SELECT id FROM ({wrong.sql}) AS wrong) AND lead.id NOT IN ({waiting})",
                [*wrong.params, 0, 2**62],
            )
            found = [row[0] for row in cursor.fetchall()]
        if found:
            rule = f"Members of “{segment}” are those who meet its conditions"
            yield Breach(rule, len(found), tuple(found[:SHOWN]))


def explained_score(version: ModelVersion, row: LeadScore) -> Decimal:
    moment = row.computed_at or timezone.now()
    explanation = scoring.explanation_by(version, row.lead, at=moment)
    return sum((part.points for part in explanation.contributions), Decimal(0))
