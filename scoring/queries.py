"""What pages and endpoints ask of scoring."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from leadcrm.lib.errors import Invalid
from leads import conditions
from leads.models import Lead
from scoring import engine
from scoring.models import (
    Adjustment,
    Level,
    ModelVersion,
    Qualification,
    Rescore,
    Rule,
    ScoreChange,
    ScoringModel,
    VersionScore,
)

LEVELS = Level.choices


def default_model() -> ScoringModel | None:
    return ScoringModel.objects.filter(is_default=True).first()


def published_version() -> ModelVersion | None:
    """The version by which leads are scored now."""
    return (
        ModelVersion.objects.select_related("model")
        .filter(model__is_default=True, state=ModelVersion.State.PUBLISHED)
        .first()
    )


def live_versions() -> list[ModelVersion]:
    """Every version whose scores are kept up to date; the one that pages show comes first."""
    state = ModelVersion.State
    found = ModelVersion.objects.select_related("model").filter(
        model__archived_at=None, state__in=[state.PUBLISHED, state.PUBLISHING]
    )
    return list(found.order_by("-model__is_default", "state", "pk"))


def present() -> datetime:
    """The database's clock: workers' may differ."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def categories_of(lead: Lead) -> list[VersionScore]:
    """What the lead seems to want: its points by product category, the best first."""
    rows = VersionScore.objects.filter(
        lead=lead,
        score__gt=0,
        version__state=ModelVersion.State.PUBLISHED,
        version__model__is_default=False,
        version__model__archived_at=None,
    )
    return list(rows.select_related("version__model").order_by("-score", "version__model__name"))


def models() -> list[ScoringModel]:
    """Those in use, the lead score first."""
    found = ScoringModel.objects.filter(archived_at=None).order_by("-is_default", "name", "pk")
    return list(found.prefetch_related("versions"))


@dataclass(frozen=True, slots=True)
class Adjusted:
    row: Adjustment
    counts: bool


def adjustments_of(lead: Lead, *, at: datetime) -> list[Adjusted]:
    """What colleagues added or took, the newest first, over or not."""
    rows = Adjustment.objects.filter(lead=lead).select_related("made_by", "revoked_by", "model")
    return [
        Adjusted(row, row.revoked_at is None and (not row.expires_at or row.expires_at > at))
        for row in rows.order_by("-at", "-pk")[:200]
    ]


def broken(rule: Rule) -> str:
    """Why a rule gives nobody points: what it asks for is gone. "" when all is well."""
    try:
        if rule.is_activity:
            conditions.parse_where(rule.where)
        else:
            conditions.parse(rule.condition, computed=False)
    except Invalid as error:
        return error.errors[0].message if error.errors else error.detail
    return ""


def version_before(version: ModelVersion) -> ModelVersion | None:
    """The version that counted before this one did, or before its draft was begun."""
    earlier = version.model.versions.filter(number__lt=version.number, published_at__isnull=False)
    return earlier.order_by("-number").first()


def qualifications_of(lead: Lead) -> list[Qualification]:
    rows = Qualification.objects.filter(lead=lead).select_related("version")
    return list(rows.order_by("-entered_at", "-pk")[:100])


def draft_of(model: ScoringModel) -> ModelVersion | None:
    return model.versions.filter(state=ModelVersion.State.DRAFT).first()


def rules_of(version: ModelVersion) -> list[Rule]:
    return list(version.rules.order_by("position", "pk"))


def running_rescore(model: ScoringModel | None = None) -> Rescore | None:
    """The publication that is under way, of this model or of any."""
    of_model = {"version__model": model} if model else {}
    running = Rescore.objects.filter(done_at=None, due_at__isnull=False, **of_model)
    return running.select_related("version__model").order_by("-pk").first()


def latest_rescore(model: ScoringModel) -> Rescore | None:
    found = Rescore.objects.filter(version__model=model).select_related("version__model")
    return found.order_by("-pk").first()


def explanation_by(version: ModelVersion, lead: Lead, *, at: datetime) -> engine.Explanation:
    """Why the lead has its score at `at`.

    Activities count as they had happened by then; what is known of the lead counts as it is now.
    """
    return engine.explain(version, rules_of(version), lead_id=lead.pk, at=at)


def leads_up_to(limit: int) -> bool:
    """Whether there are at most so many leads, without counting them all."""
    return not Lead.objects.live().order_by("pk")[limit : limit + 1].exists()


def score_before(lead: Lead, *, at: datetime) -> int:
    """The score the lead had at a moment, by the ledger."""
    first = ScoreChange.objects.filter(lead=lead, at__gt=at).order_by("at", "pk").first()
    return lead.score_row.score if first is None else first.from_score


def history_of(lead: Lead, *, limit: int = 20) -> list[ScoreChange]:
    return list(ScoreChange.objects.filter(lead=lead).order_by("-at", "-pk")[:limit])


def detail_of(row: engine.Contribution) -> str:
    """How often and when last: `3 times, latest 17 Nov 2026`."""
    if row.newest is None:
        return ""
    day = f"{row.newest:%-d %b %Y}"
    return f"{row.count:,} times, latest {day}" if row.count > 1 else f"on {day}"
