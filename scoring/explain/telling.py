"""An explanation as people read it: now or on any day, by the version that counted then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from leadcrm.lib.errors import NotFound
from leads import conditions
from leads.models import Lead
from scoring.describing import words_of
from scoring.engine import Contribution, Explanation, explain
from scoring.engine.hindsight import known_then
from scoring.explain.evidence import Evidence, evidence
from scoring.models import Adjustment, ModelVersion, Rule

GROUPS = {**dict(Rule.Group.choices), "total": "Score"}
NOTHING = Evidence((), 0)
BASIS_NOW = "Everything as it is now."
BASIS_THEN = (
    "By the rules published then; activities, answers and adjustments up to this moment. Contact "
    "fields changed since then count as unknown; tags and the like as they are now."
)


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation with the version it is by, and what it rests on."""

    version: ModelVersion
    rules: tuple[Rule, ...]
    explanation: Explanation
    basis: str


def told(lead: Lead, *, at: datetime, past: bool = False) -> Told:
    """:raises NotFound: no model is published, or there is no such lead any more."""
    version = version_at(at) if past else version_now()
    if version is None:
        raise NotFound("No scoring model is published yet. Publish one first.")
    rules = tuple(version.rules.order_by("position", "pk"))
    columns = None
    if past:
        trees = [rule.condition for rule in rules if rule.condition is not None]
        columns = known_then(trees, conditions.moment_sql(at), keep_outcome=True)
    explanation = explain(version, rules, lead_id=lead.pk, at=at, as_of=past, columns=columns)
    return Told(version, rules, explanation, BASIS_THEN if past else BASIS_NOW)


def version_now() -> ModelVersion | None:
    return (
        ModelVersion.objects.select_related("model")
        .filter(model__is_default=True, state=ModelVersion.State.PUBLISHED)
        .first()
    )


def version_at(at: datetime) -> ModelVersion | None:
    """The version that counted then; before the first one the first."""
    ever = ModelVersion.objects.select_related("model").filter(
        model__is_default=True, published_at__isnull=False
    )
    then = ever.filter(published_at__lte=at).order_by("-published_at", "-pk").first()
    return then or ever.order_by("published_at", "pk").first()


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the sum. `steps` lead from the full worth to its points."""

    label: str
    group: str
    points: Decimal
    kind: str  # rule, adjustment, limit
    words: str = ""
    weight_class: str = ""
    steps: tuple[tuple[str, Decimal], ...] = ()
    evidence: Evidence = NOTHING
    adjustment: Adjustment | None = None


def lines(found: Told, lead: Lead) -> list[Line]:
    """In the order of groups, the weightiest first; limits and rounding after what they limit."""
    rows = found.explanation.contributions
    counted = [row.rule for row in rows if row.rule is not None]
    behind = evidence(found.version, counted, lead_id=lead.pk, at=found.explanation.as_of)
    made = [_line(row, behind) for row in rows]
    order = [*dict(Rule.Group.choices).values(), GROUPS["total"]]
    kinds = {"rule": 0, "adjustment": 1, "limit": 2}
    return sorted(
        made, key=lambda line: (order.index(line.group), kinds[line.kind], -abs(line.points))
    )


def _line(row: Contribution, behind: dict[str, Evidence]) -> Line:
    group = GROUPS[row.group]
    if row.adjustment is not None:
        return Line(row.label, group, row.points, "adjustment", adjustment=row.adjustment)
    if row.rule is None:
        return Line(row.label, group, row.points, "limit")
    return Line(
        label=row.label,
        group=group,
        points=row.points,
        kind="rule",
        words=_more_than(row.label, words_of(row.rule)),
        weight_class=row.rule.get_weight_class_display(),
        steps=tuple(_steps(row, row.rule)) if row.rule.is_activity else (),
        evidence=behind.get(str(row.rule.uid), NOTHING),
    )


def _more_than(label: str, words: str) -> str:
    """Words that only repeat the label are not worth reading."""
    return "" if words.casefold() in label.casefold() else words


def _steps(row: Contribution, rule: Rule) -> Iterator[tuple[str, Decimal]]:
    """What counts, what age took, what the rule's own limit took; nothing where it is plain."""
    full = row.points - row.faded - row.capped
    if full == row.points and row.count == row.counted == 1:
        return
    yield _counted(row, rule), full
    if row.faded:
        yield "Lost to age", row.faded
    if row.capped:
        yield f"At most {rule.max_points} points", row.capped


def _counted(row: Contribution, rule: Rule) -> str:
    each = f"{rule.points:d}".replace("-", "−")
    if rule.counting == Rule.Counting.AMOUNT:
        per = f" for each {rule.per_amount:,}" if rule.per_amount != 1 else ""
        return f"{each}{per} of {rule.counted_by}, {row.count:,} found"
    if row.count == row.counted:
        return f"{row.counted:,} × {each}"
    return f"{row.counted:,} × {each}, {row.count:,} found"
