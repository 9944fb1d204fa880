from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadcrm.accounts.models import Workspace
from leads.actions import record_activity
from leads.models import Activity, Lead, LeadScore
from scoring import engine
from scoring.models import Adjustment, ModelVersion, Rule, ScoreChange, ScoringModel
from tests.factories import NOON, LeadFactory
from tests.scoring.factories import DAY, make_version
from tests.scoring.oracle import score_of, temperature_of

pytestmark = pytest.mark.django_db

ZONE = "Pacific/Auckland"  # its days are not ours
TYPES = ["pricing_view", "page_view", "email_click"]
FIELD_TESTS = [
    {"field": "industry", "op": "is", "value": "care"},
    {"field": "industry", "op": "is_not", "value": "Retail"},
    {"field": "company_size", "op": "gte", "value": 50},
    {"field": "company_size", "op": "lt", "value": 500},
    {"field": "job_title", "op": "is_set"},
    {"field": "created_at", "op": "within_days", "value": 30},
    {"field": "created_at", "op": "older_than_days", "value": 30},
]

leaves = st.sampled_from(FIELD_TESTS)
trees = st.recursive(
    leaves,
    lambda children: st.one_of(
        st.builds(lambda items: {"all": items}, st.lists(children, max_size=3)),
        st.builds(lambda items: {"any": items}, st.lists(children, min_size=1, max_size=3)),
        st.builds(lambda item: {"not": item}, children),
    ),
    max_leaves=5,
)
common = {
    "group": st.sampled_from(["fit", "engagement", "bant"]),
    "points": st.integers(-20, 30),
    "enabled": st.sampled_from([True, True, True, False]),
}
attribute_rules = st.fixed_dictionaries({**common, "condition": trees})
activity_rules = st.fixed_dictionaries(
    {
        **common,
        "activity_type": st.sampled_from(TYPES),
        "where": st.sampled_from([{}, {}, {"url": {"contains": "/pricing"}}]),
        "at_least": st.integers(1, 3),
        "counting": st.sampled_from([*Rule.Counting.values]),
        "max_count": st.integers(1, 3),
        "per": st.sampled_from(["", "", *Rule.Per.values]),
        "counted_by": st.sampled_from(["url", "amount"]),
        "per_amount": st.sampled_from([1, 10, 300]),
        "max_points": st.sampled_from([None, None, 5, 40]),
        "human_only": st.sampled_from([True, True, False]),
        "any_category": st.booleans(),
        "window_days": st.sampled_from([None, 7, 30]),
        "decay": st.sampled_from([*Rule.Decay.values]),
        "decay_days": st.integers(1, 60),
    }
).map(lambda rule: rule if rule["counting"] == "at_most" else {**rule, "per": ""})
rules_of_a_model = st.lists(st.one_of(attribute_rules, activity_rules), min_size=1, max_size=8)
versions = st.fixed_dictionaries(
    {
        "fit_cap": st.integers(5, 60),
        "engagement_cap": st.integers(5, 60),
        "bant_cap": st.integers(5, 60),
        "floor": st.sampled_from([0, -20]),
        "hysteresis": st.integers(0, 5),
        "category": st.sampled_from(["", "", "Rosters"]),
    }
)
# Minutes: some fall exactly on the border of a window.
ages = st.one_of(st.integers(-600, 60 * 24 * 70), st.sampled_from([0, 7 * 1440, 30 * 1440]))
activities = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*TYPES, "note_added"]),
        "minutes_ago": ages,
        "url": st.sampled_from(["/pricing", "https://x.example/Pricing/de", "/blog"]),
        "amount": st.sampled_from([None, 0, 12, 99.5, "250", "1e3", "-4", "a lot", True]),
        "category": st.sampled_from(["", "Rosters", "Payroll"]),
        "klass": st.sampled_from(["human", "human", "machine", "unknown"]),
    }
)
adjustments = st.fixed_dictionaries(
    {
        "points": st.sampled_from([-30, -1, 5, 20]),
        "days_ago": st.sampled_from([-1, 0, 10]),
        "lasts": st.sampled_from([None, 5, 10, 40]),
        "revoked": st.sampled_from([None, None, 3]),
    }
)
people = st.fixed_dictionaries(
    {
        "industry": st.sampled_from(["Care", "care", "Retail", ""]),
        "company_size": st.sampled_from([None, 10, 50, 499, 500]),
        "job_title": st.sampled_from(["", "COO"]),
        "minutes_ago": st.sampled_from([0, 29 * 1440, 30 * 1440, 31 * 1440]),
        "activities": st.lists(activities, max_size=12),
        "adjustments": st.lists(adjustments, max_size=2),
    }
)
examples = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def make_lead(person: dict[str, Any]) -> Lead:
    lead = LeadFactory(
        industry=person["industry"],
        company_size=person["company_size"],
        job_title=person["job_title"],
        created_at=NOON - timedelta(minutes=person["minutes_ago"]),
    )
    Activity.objects.bulk_create(activity_of(lead, a) for a in person["activities"])
    for a in person["adjustments"]:
        at = NOON - DAY * a["days_ago"]
        Adjustment.objects.create(
            lead=lead,
            model=ScoringModel.objects.get(),
            points=a["points"],
            reason="Met at the fair",
            at=at,
            expires_at=at + DAY * a["lasts"] if a["lasts"] else None,
            revoked_at=at + DAY * a["revoked"] if a["revoked"] else None,
        )
    return lead


def activity_of(lead: Lead, a: dict[str, Any]) -> Activity:
    amount = {} if a["amount"] is None else {"amount": a["amount"]}
    return Activity(
        lead=lead,
        type=a["type"],
        occurred_at=NOON - timedelta(minutes=a["minutes_ago"]),
        properties={"url": a["url"], **amount},
        category=a["category"],
        klass=a["klass"],
    )


def expected_of(
    version: ModelVersion, rules: list[Rule], lead: Lead, at: datetime = NOON
) -> dict[str, int]:
    done, adjusted = list(lead.activities.all()), list(lead.adjustments.all())
    return score_of(version, rules, lead, done, at, adjusted, ZONE)


def make_model(
    rules: list[dict[str, Any]], changes: dict[str, Any]
) -> tuple[ModelVersion, list[Rule]]:
    changes = dict(changes)
    named = [
        {**rule, "weight_class": "valid", "label": f"Rule {n}", "override_note": "any points"}
        for n, rule in enumerate(rules)
    ]
    workspace = Workspace.load()
    Workspace.objects.filter(pk=workspace.pk).update(time_zone=ZONE)
    category = changes.pop("category")
    version = make_version(*named, **changes)
    version.model.category = category
    version.model.save()
    return version, list(version.rules.order_by("position"))


class Rollback(Exception):
    pass


@contextmanager
def forgotten() -> Iterator[None]:
    """Examples share one test's database: each leaves nothing behind."""
    with suppress(Rollback), transaction.atomic():
        yield


@given(rules_of_a_model, versions, st.lists(people, min_size=1, max_size=3))
@examples
def test_the_engine_means_what_plain_python_means(
    rules: list[dict[str, Any]], changes: dict[str, Any], leads: list[dict[str, Any]]
) -> None:
    with forgotten():
        version, compiled = make_model(rules, changes)
        everyone = [make_lead(person) for person in leads]

        engine.score(version, compiled, scope=engine.Ids([lead.pk for lead in everyone]), at=NOON)

        for lead in everyone:
            lead.refresh_from_db()
            row = LeadScore.objects.get(lead=lead)
            expected = expected_of(version, compiled, lead)
            actual = {name: getattr(row, name) for name in expected}
            assert actual == expected
            assert row.temperature == temperature_of(version, row.score, "cold")


@given(rules_of_a_model, versions, people)
@examples
def test_an_explanation_sums_to_the_score(
    rules: list[dict[str, Any]], changes: dict[str, Any], person: dict[str, Any]
) -> None:
    with forgotten():
        version, compiled = make_model(rules, changes)
        lead = make_lead(person)
        engine.score(version, compiled, scope=engine.Ids([lead.pk]), at=NOON)

        explanation = engine.explain(version, compiled, lead_id=lead.pk, at=NOON)

        assert sum(row.points for row in explanation.contributions) == explanation.value
        for group, value in explanation.groups.items():
            rows = [row.points for row in explanation.contributions if row.group == group]
            assert sum(rows) == value
        assert explanation.value == LeadScore.objects.get(lead=lead).score


@given(rules_of_a_model, versions, people, st.lists(activities, min_size=1, max_size=4))
@examples
def test_scoring_step_by_step_ends_where_scoring_from_scratch_does(
    rules: list[dict[str, Any]],
    changes: dict[str, Any],
    person: dict[str, Any],
    later: list[dict[str, Any]],
) -> None:
    with forgotten():
        version, compiled = make_model(rules, changes)
        steady = make_lead(person)
        fresh = make_lead({**person, "activities": [*person["activities"], *later]})
        for count in range(len(later) + 1):
            if count:
                make_more(steady, later[count - 1])
            engine.score(version, compiled, scope=engine.Ids([steady.pk]), at=NOON)

        engine.score(version, compiled, scope=engine.IdRange(0, fresh.pk + 1), at=NOON)

        names = ["score", "fit", "engagement", "bant", "grade"]
        assert values(steady, names) == values(fresh, names)
        mine, theirs = (values(lead, ["next_change_at"]).popitem()[1] for lead in (steady, fresh))
        # It may be looked at again too early, never too late.
        assert theirs is None or mine < theirs + timedelta(minutes=2)
        ledger = ScoreChange.objects.filter(lead=steady).order_by("pk")
        assert (
            sum(row.to_score - row.from_score for row in ledger) == values(steady, names)["score"]
        )


@given(rules_of_a_model, versions, people, st.integers(1, 60 * 24 * 40))
@examples
def test_nothing_changes_before_the_moment_announced_for_it(
    rules: list[dict[str, Any]], changes: dict[str, Any], person: dict[str, Any], minutes: int
) -> None:
    with forgotten():
        version, compiled = make_model(rules, changes)
        lead = make_lead(person)
        engine.score(version, compiled, scope=engine.Ids([lead.pk]), at=NOON)
        row = LeadScore.objects.get(lead=lead)
        later = NOON + timedelta(minutes=minutes)

        explanation = engine.explain(version, compiled, lead_id=lead.pk, at=later)

        soon = NOON + timedelta(minutes=10)  # what fades is looked at again no sooner
        if row.next_change_at is None or later < row.next_change_at != soon:
            assert (explanation.value, explanation.groups) == (
                row.score,
                {"fit": row.fit, "engagement": row.engagement, "bant": row.bant},
            )


def make_more(lead: Lead, activity: dict[str, Any]) -> None:
    activity_of(lead, activity).save()


def values(lead: Lead, names: list[str]) -> dict[str, Any]:
    row = LeadScore.objects.get(lead=lead)
    return {name: getattr(row, name) for name in names}


@given(rules_of_a_model, versions, people, st.randoms(use_true_random=False))
@settings(examples, max_examples=15)
def test_in_whatever_order_and_however_often_events_arrive_the_score_is_the_same(
    rules: list[dict[str, Any]], changes: dict[str, Any], person: dict[str, Any], random: Random
) -> None:
    with forgotten():
        version, compiled = make_model(rules, changes)
        once, again = (make_lead({**person, "activities": []}) for _ in range(2))
        events = [
            (n, activity_of(once, activity)) for n, activity in enumerate(person["activities"])
        ]
        mixed = random.sample(events, len(events)) + events[:3]
        for lead, arriving in ((once, events), (again, mixed)):
            for n, a in arriving:
                record_activity(
                    lead.pk, a.type, at=a.occurred_at, properties=a.properties,
                    category=a.category, klass=a.klass, dedupe_key=f"{lead.pk}-{n}",
                )  # fmt: skip

        engine.score(version, compiled, scope=engine.Ids([once.pk, again.pk]), at=NOON)

        names = ["score", "fit", "engagement", "bant", "grade", "temperature", "next_change_at"]
        assert values(once, names) == values(again, names)
