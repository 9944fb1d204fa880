# ruff: noqa: S608  (the SQL of fields is written here, from constants)
"""The fields of a lead itself, where it came from, its consent and its score."""

from leadcrm.accounts.models import Team, User
from leads.conditions.catalogue import register
from leads.conditions.types import Choices, Field, Type
from leads.countries import countries
from leads.freemail import FREE_PROVIDERS
from leads.models import Consent, Form, Lifecycle, Pipeline, Source, Stage, Status, Temperature
from leads.models.attribution import Channel, MarketingChannel

GRADES = [(f"{fit}{engagement}",) * 2 for fit in "ABC" for engagement in "123"]


def _stages() -> Choices:
    """Stages of several pipelines may share a key: they are one choice then."""
    rows = Stage.objects.order_by("pipeline", "position").values_list("key", "name")
    return list(dict(reversed(rows)).items())[::-1]


def _pipelines() -> Choices:
    return list(Pipeline.objects.order_by("pk").values_list("key", "name"))


def _sources() -> Choices:
    return list(Source.objects.order_by("name").values_list("key", "name"))


def _forms() -> Choices:
    return list(Form.objects.order_by("name").values_list("slug", "name"))


def _people() -> Choices:
    """Those who have left too: leads may still be theirs."""
    rows = User.objects.order_by("-is_active", "name").values_list("public_id", "name", "email")
    return [(public_id, name or email) for public_id, name, email in rows]


def _teams() -> Choices:
    return [(name, name) for name in Team.objects.order_by("name").values_list("name", flat=True)]


def _channels() -> Choices:
    own = MarketingChannel.objects.order_by("position", "pk").values_list("key", "name")
    return list((dict(Channel.choices) | dict(own)).items())


def _text(key: str, label: str, sql: str = "", group: str = "Lead") -> Field:
    return Field(key, label, Type.TEXT, sql or f"lead.{key}", group=group)


def _date(key: str, label: str, sql: str = "", group: str = "Lead") -> Field:
    return Field(key, label, Type.DATE, sql or f"lead.{key}", group=group)


def _of_score(key: str, label: str) -> Field:
    return Field(key, label, Type.NUMBER, f"score.{key}", group="Score", computed=True)


def _of_stage(column: str) -> str:
    return f"(SELECT s.{column} FROM leads_stage s WHERE s.id = lead.stage_id)"


def _of_company(column: str) -> str:
    return f"(SELECT co.{column} FROM leads_company co WHERE co.id = lead.company_id)"


def _of_source(column: str) -> str:
    return f"(SELECT s.{column} FROM leads_source s WHERE s.id = lead.source_id)"


def _of_touch(column: str, *, newest: bool) -> str:
    way = "DESC" if newest else "ASC"
    return (
        f"(SELECT t.{column} FROM leads_touch t WHERE t.lead_id = lead.id "
        f"ORDER BY t.occurred_at {way}, t.id {way} LIMIT 1)"
    )


def _consent(purpose: str, column: str = "granted") -> str:
    return (
        f"(SELECT c.{column} FROM leads_consent c WHERE c.lead_id = lead.id "
        f"AND c.purpose = '{purpose}' ORDER BY c.at DESC, c.id DESC LIMIT 1)"
    )


def _of_inquiry(column: str, joined: str = "") -> str:
    return (
        f"(SELECT {column} FROM leads_inquiry i {joined} WHERE i.lead_id = lead.id "
        "ORDER BY i.received_at DESC, i.id DESC LIMIT 1)"
    )


_DOMAIN = "split_part(lower(lead.email), '@', 2)"
_FREE = ", ".join(f"'{domain}'" for domain in sorted(FREE_PROVIDERS))
_FORM = "JOIN leads_formversion v ON v.id = i.form_version_id JOIN leads_form f ON f.id = v.form_id"
UTM = {
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
    "utm_campaign": "UTM campaign",
    "utm_term": "UTM term",
    "utm_content": "UTM content",
    "referrer": "Referrer",
}
FROM = "Where from"

register(
    _text("first_name", "First name"),
    _text("last_name", "Last name"),
    _text("email", "E-mail"),
    _text("email_domain", "E-mail domain", _DOMAIN),
    Field("email_is_free", "Free e-mail provider", Type.BOOLEAN, f"({_DOMAIN} IN ({_FREE}))"),
    _text("phone", "Phone"),
    _text("job_title", "Job title"),
    _text("company_name", "Company", group="Company"),
    _text("company_domain", "Company’s domain", _of_company("domain"), "Company"),
    _text("website", "Website", group="Company"),
    _text("industry", "Industry", group="Company"),
    Field("company_size", "Staff", Type.NUMBER, "lead.company_size", group="Company"),
    Field("country", "Country", Type.CHOICE, "lead.country", countries()),
    _text("region", "Region"),
    _text("city", "City"),
    _text("language", "Language"),
    _text("time_zone", "Time zone"),
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
        "pipeline",
        "Pipeline",
        Type.CHOICE,
        "(SELECT p.key FROM leads_stage s JOIN leads_pipeline p ON p.id = s.pipeline_id "
        "WHERE s.id = lead.stage_id)",
        _pipelines,
    ),
    Field(
        "owner",
        "Owner",
        Type.CHOICE,
        "(SELECT u.public_id FROM accounts_user u WHERE u.id = lead.owner_id)",
        _people,
    ),
    Field(
        "team",
        "Team",
        Type.CHOICE,
        "(SELECT g.name FROM accounts_team g WHERE g.id = lead.team_id)",
        _teams,
    ),
    Field("is_test", "Test entry", Type.BOOLEAN, "lead.is_test"),
    _date("created_at", "Created"),
    _date("updated_at", "Last changed"),
    _date("stage_entered_at", "Entered its stage"),
    _date("next_step_at", "Next step"),
    _date("response_due_at", "First reply due"),
    _date("responded_at", "First answered"),
    _date("last_activity_at", "Last activity", "score.last_activity_at"),
    Field("source", "Source", Type.CHOICE, _of_source("key"), _sources, group=FROM),
    Field(
        "source_kind", "Came by", Type.CHOICE, _of_source("kind"), Source.Kind.choices, group=FROM
    ),
    Field("form", "Latest form", Type.CHOICE, _of_inquiry("f.slug", _FORM), _forms, group=FROM),
    _text("message", "Latest message", _of_inquiry("i.message"), FROM),
    Field(
        "inquiries",
        "Number of inquiries",
        Type.NUMBER,
        "(SELECT count(*) FROM leads_inquiry i WHERE i.lead_id = lead.id AND NOT i.is_test)",
        group=FROM,
    ),
    _date("inquired_at", "Latest inquiry", _of_inquiry("i.received_at"), FROM),
    *(
        Field(
            f"{prefix}channel",
            f"{word} channel",
            Type.CHOICE,
            _of_touch("channel", newest=newest),
            _channels,
            group=FROM,
        )
        for prefix, word, newest in (("", "Latest", True), ("first_", "First", False))
    ),
    *(_text(key, label, _of_touch(key, newest=True), FROM) for key, label in UTM.items()),
    *(
        _text(f"first_{key}", f"First {label}", _of_touch(key, newest=False), FROM)
        for key, label in UTM.items()
    ),
    _text("landing_page", "First page", _of_touch("landing_page", newest=False), FROM),
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
    *(
        _date(
            f"consent.{purpose.value}.at",
            f"Consent given or withdrawn: {purpose.label}",
            _consent(purpose.value, "at"),
            "Consent",
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
    Field("grade", "Grade", Type.CHOICE, "score.grade", GRADES, group="Score", computed=True),
    Field(
        "temperature_since",
        "Temperature since",
        Type.DATE,
        "score.temperature_since",
        group="Score",
        computed=True,
    ),
)
