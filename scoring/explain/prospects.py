"""What may become of one lead's score: the smallest steps up, and when it falls by itself."""

from dataclasses import dataclass
from datetime import datetime

from leads.models import Lead
from scoring import frameworks
from scoring.explain.lift import Lift, lift
from scoring.explain.outlook import Outlook, outlook
from scoring.explain.telling import Told, told
from scoring.models import BantAnswer, ModelVersion


@dataclass(frozen=True, slots=True)
class Prospects:
    version: ModelVersion
    value: int
    outlook: Outlook
    lift: Lift | None  # None: no condition says who is sales-qualified

    @property
    def points_lost(self) -> int:
        """At most, within a year."""
        return self.outlook.now - self.outlook.lowest


def prospects(lead: Lead, *, at: datetime) -> Prospects:
    """:raises NotFound: no model is published, or there is no such lead any more."""
    found = told(lead, at=at)
    return Prospects(
        found.version,
        found.explanation.value,
        _outlook(found, lead, at),
        lift(
            found.version,
            found.rules,
            lead_id=lead.pk,
            present=_levels(lead),
            criteria={row.key: row.label for row in frameworks.active().criteria},
            points=_points(found),
            at=at,
        ),
    )


def _outlook(found: Told, lead: Lead, at: datetime) -> Outlook:
    return outlook(
        found.version,
        found.rules,
        lead_id=lead.pk,
        temperature=lead.score_row.temperature,
        at=at,
    )


def _levels(lead: Lead) -> dict[str, str]:
    rows = BantAnswer.objects.filter(lead=lead, superseded_at=None)
    return dict(rows.values_list("dimension", "level"))


def _points(found: Told) -> dict[str, int]:
    return {
        str(row.rule.uid): int(row.points * 100)
        for row in found.explanation.contributions
        if row.rule is not None
    }
