"""What is known of leads as fields of conditions: for segments, routing, drips and scoring itself.

The criteria of the framework in use are offered; those of other frameworks are understood, so that
a rule that was written for one still means the same when the framework is changed back.
"""

from leads import criteria
from leads.conditions import Field, Type, register
from leads.conditions.catalogue import Family, register_family
from scoring import frameworks
from scoring.frameworks import NAME, Criterion
from scoring.models import BantCriterion, Level, ScoringModel
from scoring.standing import PREFIX

ANSWERS = "FROM scoring_bantanswer b WHERE b.lead_id = lead.id AND b.superseded_at IS NULL"
DATE = "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"  # as `scoring.values` writes them
AMOUNT, DAY, POSITIVE = "amount", "date", f"{PREFIX}positive"


def _level(criterion: Criterion) -> Field:
    return Field(
        f"{PREFIX}{criterion.key}",
        f"{_name()} {criterion.label.lower()}",
        Type.CHOICE,
        f"COALESCE((SELECT b.level {ANSWERS} AND b.dimension = '{criterion.key}'), 'unknown')",
        Level.choices,
        group=_name(),
    )


def _amount(criterion: Criterion) -> Field:
    """The upper end of a range: whether it is enough."""
    value = f"COALESCE(b.details -> 'amount_to', b.details -> '{AMOUNT}')"
    number = f"CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::numeric END"
    return Field(
        f"{PREFIX}{criterion.key}.{AMOUNT}",
        f"{_name()} {criterion.label.lower()}, the amount",
        Type.NUMBER,
        f"(SELECT {number} {ANSWERS} AND b.dimension = '{criterion.key}')",
        group=_name(),
    )


def _day(criterion: Criterion) -> Field:
    text = f"(b.details ->> '{DAY}')"
    day = f"CASE WHEN {text} ~ '{DATE}' THEN ({text} || 'T00:00:00Z')::timestamptz END"
    return Field(
        f"{PREFIX}{criterion.key}.{DAY}",
        f"{_name()} {criterion.label.lower()}, the date",
        Type.DATE,
        f"(SELECT {day} {ANSWERS} AND b.dimension = '{criterion.key}')",
        group=_name(),
    )


def _positive() -> Field:
    asked = f"b.dimension IN {frameworks.asked_sql()}"
    return Field(
        POSITIVE,
        f"{_name()} answers that are yes or partly",
        Type.NUMBER,
        f"(SELECT count(*) {ANSWERS} AND b.level IN ('partial', 'yes') AND {asked})",
        group=_name(),
    )


def _name() -> str:
    return frameworks.active().name


VALUES = {BantCriterion.Kind.MONEY: (AMOUNT, _amount), BantCriterion.Kind.DATE: (DAY, _day)}


def _fields_of(criterion: Criterion) -> list[Field]:
    if not NAME.fullmatch(criterion.key):
        return []
    _, value = VALUES.get(BantCriterion.Kind(criterion.kind), ("", None))
    return [_level(criterion), *([value(criterion)] if value else [])]


def find(key: str) -> Field | None:
    if key == POSITIVE:
        return _positive()
    criterion = frameworks.known().get(key.removeprefix(PREFIX).partition(".")[0])
    fields = _fields_of(criterion) if criterion else []
    return next((field for field in fields if field.key == key), None)


def offer() -> list[Field]:
    asked = frameworks.active().criteria
    return [*(field for each in asked for field in _fields_of(each)), _positive()]


register_family(PREFIX, Family(find, offer))
criteria.register(
    criteria.Asked(
        name=_name,
        offered=lambda: [(each.key, each.label) for each in frameworks.active().criteria],
        known=lambda: [(key, each.label) for key, each in frameworks.known().items()],
    )
)


# The best product category ----------------------------------------------------------------------

BY_CATEGORY = (
    "FROM scoring_versionscore v JOIN scoring_modelversion mv ON mv.id = v.version_id "
    "JOIN scoring_scoringmodel m ON m.id = mv.model_id WHERE v.lead_id = lead.id AND v.score > 0 "
    "AND mv.state = 'published' AND NOT m.is_default AND m.archived_at IS NULL"
)


def _categories() -> list[tuple[str, str]]:
    models = ScoringModel.objects.filter(is_default=False, archived_at=None).order_by("name")
    return list(models.values_list("category", "name"))


register(
    Field(
        "best_category",
        "Best product category",
        Type.CHOICE,
        f"(SELECT m.category {BY_CATEGORY} ORDER BY v.score DESC, m.name LIMIT 1)",
        _categories,
        group="Score",
        computed=True,
    ),
    Field(
        "best_category_score",
        "Score of the best product category",
        Type.NUMBER,
        f"(SELECT max(v.score) {BY_CATEGORY})",
        group="Score",
        computed=True,
    ),
)
