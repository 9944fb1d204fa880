"""The model a new installation starts with: BANT criteria and rules inside the bands.

Points: most important 10–15, very important 5–9, valid 1–4, negative below 0. Nobody gets hot by
one form alone; a form, four BANT answers and a look at the prices make a lead sales-qualified.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps as installed
from django.utils import timezone

NOT_DISQUALIFIED = {"field": "lifecycle", "op": "is_not", "value": "disqualified"}
MQL = {
    "all": [
        {
            "any": [
                {"field": "score", "op": "gte", "value": 40},
                {"field": "engagement", "op": "gte", "value": 25},
            ]
        },
        NOT_DISQUALIFIED,
    ]
}
SQL = {
    "all": [
        {"field": "score", "op": "gte", "value": 60},
        {"field": "bant.positive", "op": "gte", "value": 2},
        NOT_DISQUALIFIED,
    ]
}
PQL = {
    "all": [
        {"activity": "product_used", "times": {"at_least": 3}, "within_days": 30},
        NOT_DISQUALIFIED,
    ]
}

SENIOR = ["chief", "ceo", "coo", "cfo", "cto", "founder", "owner", "director", "head of", "vp"]
INDUSTRIES = ["Logistics", "Road freight", "Healthcare", "Care", "Hospitality", "Retail"]
MOST, VERY, VALID, NEGATIVE = "most_important", "very_important", "valid", "negative"

Values = dict[str, Any]


def _is(label: str, weight: str, points: int, condition: Values, **more: Any) -> Values:
    return {
        "group": "fit",
        "label": label,
        "weight_class": weight,
        "points": points,
        "condition": condition,
        **more,
    }


def _did(label: str, weight: str, points: int, activity: str, **more: Any) -> Values:
    return {
        "group": "engagement",
        "label": label,
        "weight_class": weight,
        "points": points,
        "activity_type": activity,
        **more,
    }


def _bant(label: str, dimension: str, level: str, weight: str, points: int) -> Values:
    condition = {"field": f"bant.{dimension}", "op": "is", "value": level}
    return _is(label, weight, points, condition, group="bant")


def _field(field: str, op: str, value: Any = None) -> Values:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def _half(days: int) -> Values:
    return {"decay": "half_life", "decay_days": days}


RULES: list[Values] = [
    _is("Decides: senior job title", VERY, 9, _field("job_title", "contains", SENIOR)),
    _is("Staff between 50 and 1,000", VERY, 8, _field("company_size", "between", [50, 1000])),
    _is("Target industry", VERY, 7, _field("industry", "in", INDUSTRIES)),
    _is("Company is known", VALID, 3, _field("company_name", "is_set")),
    _is("Phone number is known", VALID, 2, _field("phone", "is_set")),
    _is("Free e-mail provider", NEGATIVE, -2, _field("email_is_free", "is", value=True)),
    _is(
        "Student or job seeker",
        NEGATIVE,
        -6,
        _field("job_title", "contains", ["student", "intern"]),
    ),
    _is(
        "Works for a competitor",
        NEGATIVE,
        -15,
        _field("email_domain", "in", ["competitor.example"]),
        enabled=False,
    ),
    _did("Asked for a demo or a quote", MOST, 15, "demo_requested", **_half(90)),
    _did("Started a trial", MOST, 14, "trial_started", **_half(90)),
    _did("Booked a meeting", MOST, 13, "meeting_booked", **_half(90)),
    _did("Viewed pricing twice in 7 days", MOST, 12, "pricing_view", at_least=2, window_days=7),
    _did(
        "Viewed the pricing page twice in 7 days",
        MOST,
        12,
        "page_view",
        where={"url": {"contains": "/pricing"}},
        at_least=2,
        window_days=7,
    ),
    _did("Replied to an e-mail", MOST, 10, "email_reply", **_half(60)),
    _did("Sent a form", VERY, 8, "form_submit", **_half(60)),
    _did("Attended a webinar", VERY, 8, "webinar_attended", **_half(60)),
    _did(
        "Viewed products three times in 30 days",
        VERY,
        7,
        "product_view",
        at_least=3,
        window_days=30,
    ),
    _did("Spoke with us on the phone", VERY, 6, "call_connected", **_half(60)),
    _did(
        "Downloaded something",
        VERY,
        5,
        "asset_download",
        counting="at_most",
        max_count=2,
        **_half(60),
    ),
    _did("Completed a survey", VALID, 4, "survey_completed", **_half(60)),
    _did("Registered for a webinar", VALID, 3, "webinar_registered", **_half(30)),
    _did(
        "Clicked in an e-mail",
        VALID,
        3,
        "email_click",
        counting="at_most",
        max_count=3,
        window_days=30,
    ),
    _did("Interacted on social media", VALID, 2, "social_interaction", window_days=30),
    _did(
        "Visited the website",
        VALID,
        1,
        "page_view",
        counting="at_most",
        max_count=5,
        window_days=30,
    ),
    _did("Looked for a job", NEGATIVE, -8, "page_view", where={"url": {"contains": "/careers"}}),
    _did("Did not come to a meeting", NEGATIVE, -4, "meeting_no_show", **_half(60)),
    _did("Unsubscribed", NEGATIVE, -10, "unsubscribe", **_half(180)),
    _did("Address bounced", NEGATIVE, -10, "email_bounce", **_half(180)),
    _did("Reported an e-mail as spam", NEGATIVE, -15, "email_complaint"),
    _is(
        "Silent for 30 days",
        NEGATIVE,
        -5,
        _field("last_activity_at", "older_than_days", 30),
        group="engagement",
    ),
    _bant("Budget confirmed", "budget", "yes", MOST, 14),
    _bant("Budget likely", "budget", "partial", VERY, 6),
    _bant("Decides alone", "authority", "yes", MOST, 13),
    _bant("Shares the decision", "authority", "partial", VERY, 6),
    _bant("Need stated", "need", "yes", MOST, 10),
    _bant("Need likely", "need", "partial", VERY, 5),
    _bant("Buys within three months", "timeline", "yes", MOST, 11),
    _bant("Buys later this year", "timeline", "partial", VERY, 5),
    _bant("No budget", "budget", "no", NEGATIVE, -6),
    _bant("No need", "need", "no", NEGATIVE, -10),
]


def ensure_default_model(get_model: Callable[[str, str], Any] = installed.get_model) -> None:
    """Create and publish the starter model where there is no default model."""
    scoring_model, version, rule = (
        get_model("scoring", name) for name in ("ScoringModel", "ModelVersion", "Rule")
    )
    if scoring_model.objects.filter(is_default=True).exists():
        return
    model = scoring_model.objects.create(key="default", name="Lead score", is_default=True)
    published = version.objects.create(
        model=model,
        number=1,
        state="published",
        mql=MQL,
        sql=SQL,
        pql=PQL,
        published_at=timezone.now(),
    )
    rule.objects.bulk_create(
        rule(version=published, position=position, **values)
        for position, values in enumerate(RULES)
    )
