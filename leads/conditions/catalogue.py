# ruff: noqa: S608  (the SQL of fields is written here, from constants)
"""What conditions can be about: fields with their type and SQL, and the operators of each type.

The SQL of a field speaks of the aliases `lead` and `score`. It is written here or by an app above,
never by a user.
"""

from leads.activity_types import ACTIVITY_TYPES
from leads.conditions.custom import PREFIX, custom_field, custom_fields
from leads.conditions.types import Choices, Field, Type
from leads.freemail import FREE_PROVIDERS
from leads.models import Consent, Lifecycle, Source, Stage, Status, Temperature
from leads.models.attribution import Channel

_SETS = ("is_set", "is_not_set")
_TEXT = ("is", "is_not", "in", "not_in", "contains", "starts_with")
_COMPARE = ("gt", "gte", "lt", "lte", "between")

OPERATORS: dict[Type, tuple[str, ...]] = {
    Type.TEXT: (*_TEXT, *_SETS),
    Type.NUMBER: ("is", "is_not", "in", "not_in", *_COMPARE, *_SETS),
    Type.BOOLEAN: ("is", "is_not", *_SETS),
    Type.DATE: ("within_days", "older_than_days", "in_next_days", *_COMPARE, *_SETS),
    Type.CHOICE: ("is", "is_not", "in", "not_in", *_SETS),
    Type.SEVERAL: ("is", "is_not", "in", "not_in", *_SETS),
    Type.CUSTOM: (*_TEXT, *_COMPARE, *_SETS),
}
OPERATOR_LABELS = {
    "is": "is",
    "is_not": "is not",
    "in": "is any of",
    "not_in": "is none of",
    "contains": "contains",
    "starts_with": "starts with",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "is_set": "is known",
    "is_not_set": "is not known",
    "within_days": "is within the last days",
    "older_than_days": "is longer ago than days",
    "in_next_days": "is within the next days",
}
DATE_LABELS = {
    "gt": "is after",
    "gte": "is on or after",
    "lt": "is before",
    "lte": "is on or before",
}
FIELDS: dict[str, Field] = {}


def register(*fields: Field) -> None:
    """Offer fields to conditions; the apps above call this when they load."""
    FIELDS.update((field.key, field) for field in fields)


def find_field(key: str) -> Field | None:
    """The field of this name, built-in or the company's own; None when there is none any more."""
    return custom_field(key) if key.startswith(PREFIX) else FIELDS.get(key)


def fields_for(*, with_computed: bool = True) -> list[Field]:
    """What a builder offers: built-in fields in the order of registration, then custom ones."""
    built_in = [field for field in FIELDS.values() if with_computed or not field.computed]
    return [*built_in, *custom_fields()]


def activity_label(type_: str) -> str:
    known = ACTIVITY_TYPES.get(type_)
    return known.label if known else type_.replace("_", " ").capitalize()


def _stages() -> Choices:
    return list(Stage.objects.order_by("pipeline", "position").values_list("key", "name"))


def _sources() -> Choices:
    return list(Source.objects.order_by("name").values_list("key", "name"))


def _text(key: str, label: str, sql: str = "", group: str = "Lead") -> Field:
    return Field(key, label, Type.TEXT, sql or f"lead.{key}", group=group)


def _date(key: str, label: str, sql: str = "", group: str = "Lead") -> Field:
    return Field(key, label, Type.DATE, sql or f"lead.{key}", group=group)


def _of_score(key: str, label: str) -> Field:
    return Field(key, label, Type.NUMBER, f"score.{key}", group="Score", computed=True)


def _of_stage(column: str) -> str:
    return f"(SELECT s.{column} FROM leads_stage s WHERE s.id = lead.stage_id)"


def _of_touch(column: str, *, newest: bool) -> str:
    way = "DESC" if newest else "ASC"
    return (
        f"(SELECT t.{column} FROM leads_touch t WHERE t.lead_id = lead.id "
        f"ORDER BY t.occurred_at {way}, t.id {way} LIMIT 1)"
    )


def _consent(purpose: str) -> str:
    return (
        "(SELECT c.granted FROM leads_consent c WHERE c.lead_id = lead.id "
        f"AND c.purpose = '{purpose}' ORDER BY c.at DESC, c.id DESC LIMIT 1)"
    )


_DOMAIN = "split_part(lower(lead.email), '@', 2)"
_FREE = ", ".join(f"'{domain}'" for domain in sorted(FREE_PROVIDERS))
_FORM = (
    "(SELECT f.slug FROM leads_inquiry i JOIN leads_formversion v ON v.id = i.form_version_id "
    "JOIN leads_form f ON f.id = v.form_id WHERE i.lead_id = lead.id "
    "ORDER BY i.received_at DESC, i.id DESC LIMIT 1)"
)
_MESSAGE = (
    "(SELECT i.message FROM leads_inquiry i WHERE i.lead_id = lead.id "
    "ORDER BY i.received_at DESC, i.id DESC LIMIT 1)"
)

register(
    _text("first_name", "First name"),
    _text("last_name", "Last name"),
    _text("email", "E-mail"),
    _text("email_domain", "E-mail domain", _DOMAIN),
    Field("email_is_free", "Free e-mail provider", Type.BOOLEAN, f"({_DOMAIN} IN ({_FREE}))"),
    _text("phone", "Phone"),
    _text("job_title", "Job title"),
    _text("company_name", "Company", group="Company"),
    _text("website", "Website", group="Company"),
    _text("industry", "Industry", group="Company"),
    Field("company_size", "Staff", Type.NUMBER, "lead.company_size", group="Company"),
    _text("country", "Country"),
    _text("region", "Region"),
    _text("city", "City"),
    _text("language", "Language"),
    Field("lifecycle", "Lifecycle", Type.CHOICE, "lead.lifecycle", Lifecycle.choices),
    Field("status", "Status", Type.CHOICE, "lead.status", Status.choices),
    Field("stage", "Stage", Type.CHOICE, _of_stage("key"), _stages),
    Field("stage_type", "Funnel phase", Type.CHOICE, _of_stage("type"), Stage.Type.choices),
    Field(
        "stage_category",
        "Open, won or lost",
        Type.CHOICE,
        _of_stage("category"),
        Stage.Category.choices,
    ),
    Field(
        "owner",
        "Owner",
        Type.TEXT,
        "(SELECT u.public_id FROM accounts_user u WHERE u.id = lead.owner_id)",
    ),
    Field(
        "team",
        "Team",
        Type.TEXT,
        "(SELECT g.name FROM accounts_team g WHERE g.id = lead.team_id)",
    ),
    Field("is_test", "Test entry", Type.BOOLEAN, "lead.is_test"),
    _date("created_at", "Created"),
    _date("updated_at", "Last changed"),
    _date("stage_entered_at", "Entered its stage"),
    _date("next_step_at", "Next step"),
    _date("responded_at", "First answered"),
    _date("last_activity_at", "Last activity", "score.last_activity_at"),
    Field(
        "source",
        "Source",
        Type.CHOICE,
        "(SELECT s.key FROM leads_source s WHERE s.id = lead.source_id)",
        _sources,
        group="Where from",
    ),
    _text("form", "Latest form", _FORM, "Where from"),
    _text("message", "Latest message", _MESSAGE, "Where from"),
    Field(
        "channel",
        "Latest channel",
        Type.CHOICE,
        _of_touch("channel", newest=True),
        Channel.choices,
        group="Where from",
    ),
    Field(
        "first_channel",
        "First channel",
        Type.CHOICE,
        _of_touch("channel", newest=False),
        Channel.choices,
        group="Where from",
    ),
    _text("utm_source", "UTM source", _of_touch("utm_source", newest=True), "Where from"),
    _text("utm_medium", "UTM medium", _of_touch("utm_medium", newest=True), "Where from"),
    _text("utm_campaign", "UTM campaign", _of_touch("utm_campaign", newest=True), "Where from"),
    _text("landing_page", "First page", _of_touch("landing_page", newest=False), "Where from"),
    *(
        Field(
            f"consent.{purpose.value}",
            f"Consent: {purpose.label}",
            Type.BOOLEAN,
            _consent(purpose.value),
            group="Consent",
        )
        for purpose in Consent.Purpose
    ),
    _of_score("score", "Score"),
    _of_score("fit", "Fit points"),
    _of_score("engagement", "Engagement points"),
    _of_score("bant", "BANT points"),
    Field(
        "temperature",
        "Temperature",
        Type.CHOICE,
        "score.temperature",
        Temperature.choices,
        group="Score",
        computed=True,
    ),
    Field("grade", "Grade", Type.TEXT, "score.grade", group="Score", computed=True),
    Field(
        "temperature_since",
        "Temperature since",
        Type.DATE,
        "score.temperature_since",
        group="Score",
        computed=True,
    ),
)
