from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadcrm.lib.errors import Invalid
from leads import conditions
from leads.actions import set_tags
from leads.models import Activity, Lead
from tests.factories import LeadFactory, make_funnel
from tests.leads.factories import FieldFactory

pytestmark = pytest.mark.django_db


def is_(field: str, value: Any, op: str = "is") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def meets(lead: Lead, tree: Any) -> bool:
    return conditions.matches(tree, [lead.pk]) == {lead.pk}


def did(lead: Lead, type_: str = "page_view", days_ago: float = 1, **properties: Any) -> None:
    Activity.objects.create(
        lead=lead,
        type=type_,
        occurred_at=timezone.now() - timedelta(days=days_ago),
        properties=properties,
    )


class TestFields:
    @pytest.mark.parametrize(
        ("tree", "holds"),
        [
            (is_("industry", "CARE"), True),
            (is_("industry", "Retail"), False),
            (is_("industry", "Retail", "is_not"), True),
            (is_("industry", ["retail", "care"], "in"), True),
            (is_("industry", ["Retail"], "not_in"), True),
            (is_("job_title", "head of", "contains"), True),
            (is_("job_title", ["cfo", "Operations"], "contains"), True),
            (is_("job_title", "Head", "starts_with"), True),
            (is_("job_title", "100%_", "contains"), False),
            (is_("company_size", 310, "gte"), True),
            (is_("company_size", 310, "gt"), False),
            (is_("company_size", [300, 320], "between"), True),
            (is_("phone", None, "is_set"), False),
            (is_("phone", None, "is_not_set"), True),
            (is_("email_is_free", False), True),
            (is_("email_domain", "kestrel.example"), True),
            (is_("custom.seats", 20, "lte"), True),
            (is_("custom.seats", 12), True),
            (is_("custom.nothing", 20, "lte"), False),
            (is_("custom.nothing", 20, "is_not"), False),
            (is_("created_at", 7, "within_days"), True),
            (is_("created_at", 7, "older_than_days"), False),
            (is_("created_at", "2020-01-01", "gt"), True),
            (is_("created_at", ["2020-01-01", "2199-12-31"], "between"), True),
            (is_("stage", "mql"), True),
            (is_("stage_type", "research"), True),
            (is_("consent.phone", None, "is_not_set"), True),
        ],
    )
    def test_compare_as_people_mean_it(self, tree: Any, holds: bool) -> None:
        FieldFactory(key="seats", type="integer")
        lead = LeadFactory(
            industry="Care",
            job_title="Head of Operations",
            company_size=310,
            custom={"seats": 12},
            stage=make_funnel()["mql"],
        )

        assert meets(lead, tree) is holds

    @pytest.mark.parametrize("field", ["company_size", "custom.seats", "last_activity_at"])
    def test_an_unknown_value_meets_no_test_and_every_negation(self, field: str) -> None:
        FieldFactory(key="seats", type="integer")
        lead = LeadFactory()
        op, value = ("within_days", 7) if field == "last_activity_at" else ("gte", 1)
        test = {"field": field, "op": op, "value": value}

        assert not meets(lead, test)
        assert meets(lead, {"not": test})

    def test_a_day_lasts_until_midnight(self) -> None:
        lead = LeadFactory(created_at="2026-03-31T23:30:00Z")

        assert meets(lead, is_("created_at", "2026-03-31", "lte"))
        assert not meets(lead, is_("created_at", "2026-03-31", "gt"))
        assert meets(lead, is_("created_at", ["2026-03-31", "2026-03-31"], "between"))


class TestActivities:
    def test_counts_in_a_window_with_properties(self) -> None:
        lead = LeadFactory()
        did(lead, url="https://marlow.example/Pricing", days_ago=1)
        did(lead, url="/pricing/yearly", days_ago=6)
        did(lead, url="/pricing", days_ago=8)
        tree = {
            "activity": "page_view",
            "where": {"url": {"contains": "/pricing"}},
            "times": {"at_least": 2},
            "within_days": 7,
        }

        assert meets(lead, tree)
        assert not meets(lead, {**tree, "times": {"at_least": 3}})
        assert meets(lead, {**tree, "times": {"exactly": 2}})
        assert not meets(lead, {**tree, "times": {"at_most": 1}})

    def test_never_done_is_at_most_zero_times(self) -> None:
        lead = LeadFactory()

        assert meets(lead, {"activity": "purchase", "times": {"at_most": 0}})
        assert not meets(lead, {"activity": "purchase"})

    def test_what_machines_do_does_not_count(self) -> None:
        lead = LeadFactory()
        Activity.objects.create(
            lead=lead, type="email_open", occurred_at=timezone.now(), klass="machine"
        )

        assert not meets(lead, {"activity": "email_open"})

    def test_properties_compare_as_numbers_where_they_are(self) -> None:
        lead = LeadFactory()
        did(lead, "video_play", seconds=95)
        did(lead, "video_play", seconds="soon")

        assert meets(lead, {"activity": "video_play", "where": {"seconds": {"gte": 90}}})
        assert not meets(lead, {"activity": "video_play", "where": {"seconds": {"gt": 95}}})


class TestGroupsAndTags:
    def test_combine(self) -> None:
        lead = LeadFactory(industry="Care", city="Utrecht")
        set_tags(lead.pk, ["VIP"], at=timezone.now())
        care, delft = is_("industry", "Care"), is_("city", "Delft")

        assert meets(lead, {"all": []})
        assert meets(lead, {"all": [care, {"tag": "vip"}]})
        assert meets(lead, {"any": [delft, care]})
        assert not meets(lead, {"all": [care, delft]})
        assert meets(lead, {"all": [{"not": delft}, {"not": {"tag": "Cold"}}]})

    def test_only_the_asked_leads_are_answered(self) -> None:
        alice, bob = LeadFactory(industry="Care"), LeadFactory(industry="Care")

        assert conditions.matches(is_("industry", "Care"), [bob.pk]) == {bob.pk}
        assert set(Lead.objects.filter(pk__in=conditions.lead_ids(is_("industry", "Care")))) == {
            alice,
            bob,
        }


MISTAKES: list[tuple[Any, str, str]] = [
    ([], "condition", "object"),
    ({}, "condition", "all"),
    ({"all": [], "any": []}, "condition", "exactly one"),
    ({"any": []}, "condition.any", "at least one"),
    ({"all": "x"}, "condition.all", "list"),
    ({"all": [{"field": "nope", "op": "is", "value": "x"}]}, "condition.all.0.field", "nope"),
    ({"field": ["x"], "op": "is"}, "condition.field", "Choose another"),
    ({"field": "industry", "op": "gte", "value": "x"}, "condition.op", "starts_with"),
    ({"field": "industry", "op": {}, "value": "x"}, "condition.op", "one of"),
    ({"field": "industry", "op": "is", "value": 5}, "condition.value", "text"),
    ({"field": "industry", "op": "in", "value": []}, "condition.value", "list"),
    ({"field": "industry", "op": "in", "value": ["a", None]}, "condition.value.1", "text"),
    ({"field": "company_size", "op": "is", "value": "many"}, "condition.value", "number"),
    ({"field": "company_size", "op": "is", "value": 1e300}, "condition.value", "too large"),
    ({"field": "company_size", "op": "between", "value": [9, 1]}, "condition.value", "lower"),
    ({"field": "created_at", "op": "gt", "value": "31.3.26"}, "condition.value", "2026-03-31"),
    ({"field": "created_at", "op": "gt", "value": "2026-02-31"}, "condition.value", "date"),
    ({"field": "created_at", "op": "within_days", "value": -1}, "condition.value", "days"),
    ({"field": "created_at", "op": "within_days", "value": True}, "condition.value", "days"),
    ({"field": "lifecycle", "op": "is", "value": "boss"}, "condition.value", "mql"),
    ({"field": "stage", "op": "is", "value": "nirvana"}, "condition.value", "one of"),
    ({"field": "industry", "op": "is", "value": "x", "vlaue": 1}, "condition.vlaue", "Remove"),
    ({"activity": "Page View"}, "condition.activity", "lower case"),
    ({"activity": "page_view", "times": {}}, "condition.times", "at_least"),
    ({"activity": "page_view", "times": {"at_least": -1}}, "condition.times.at_least", "whole"),
    ({"activity": "page_view", "where": {"url": {"like": "x"}}}, "condition.where.url.op", "is"),
    ({"activity": "page_view", "within_days": 0}, "condition.within_days", "days"),
    (
        {"activity": "page_view", "times": {"at_least": 3, "at_most": 1}},
        "condition.times",
        "Swap",
    ),
    (
        {"activity": "page_view", "within_days": 7, "older_than_days": 7},
        "condition.older_than_days",
        "fewer",
    ),
    (
        {"activity": "page_view", "within_days": 7, "since": "2026-01-01"},
        "condition.since",
        "not both",
    ),
    (
        {"activity": "page_view", "since": "2026-02-01", "until": "2026-01-01"},
        "condition.until",
        "after since",
    ),
    ({"activity": "purchase", "sum": "amount"}, "condition.total", "how much"),
    (
        {"activity": "purchase", "sum": "amount", "total": {"at_least": "x"}},
        "condition.total.at_least",
        "number",
    ),
    (
        {
            "activity": "purchase",
            "sum": "amount",
            "times": {"at_least": 1},
            "total": {"exactly": 1},
        },
        "condition.times",
        "“total”",
    ),
    ({"activity": "page_view", "distinct": 5}, "condition.distinct", "Name a property"),
    ({"activity": "page_view", "first": {}}, "condition.first", "older_than_days"),
    ({"activity": "page_view", "last": {"is": "x"}}, "condition.last.op", "within_days"),
    (
        {"activity": "page_view", "last": {"is_set": 1}, "times": {"at_least": 1}},
        "condition.times",
        "Remove it",
    ),
    (
        {"activity": "page_view", "sum": "a", "distinct": "b", "times": {"at_least": 1}},
        "condition.sum",
        "not for both",
    ),
    ({"touch": {"url": "x"}}, "condition.touch", "utm_source"),
    ({"touch": []}, "condition.touch", "properties"),
    ({"list": "nope"}, "condition.list", "no list"),
    ({"campaign": "nope"}, "condition.campaign", "no marketing campaign"),
    ({"drip": "nope"}, "condition.drip", "no drip campaign"),
    ({"field": "owner", "op": "is", "value": "nope"}, "condition.value", "one of"),
    ({"tag": ""}, "condition.tag", "text"),
    ({"segment": 5}, "condition.segment", "text"),
]


class TestMistakes:
    @pytest.mark.parametrize(("tree", "path", "cure"), MISTAKES)
    def test_are_named_with_path_and_cure(self, tree: Any, path: str, cure: str) -> None:
        with pytest.raises(Invalid) as refusal:
            conditions.validate(tree)

        (mistake,) = refusal.value.errors
        assert mistake.field == path
        assert cure in mistake.message

    def test_are_all_named_at_once(self) -> None:
        tree = {"all": [{"tag": ""}, {"field": "nope", "op": "is", "value": 1}]}

        with pytest.raises(Invalid) as refusal:
            conditions.validate(tree)

        assert [e.field for e in refusal.value.errors] == [
            "condition.all.0.tag",
            "condition.all.1.field",
        ]

    def test_nesting_and_number_of_parts_are_bounded(self) -> None:
        deep: Any = {"tag": "x"}
        for _ in range(40):
            deep = {"not": deep}

        for tree in (deep, {"all": [{"tag": "x"}] * 300}):
            with pytest.raises(Invalid):
                conditions.validate(tree)

    def test_a_rule_of_scoring_cannot_ask_for_the_score(self) -> None:
        with pytest.raises(Invalid) as refusal:
            conditions.validate(is_("score", 40, "gte"), computed=False)

        assert refusal.value.errors[0].code == "circular"

    @pytest.mark.parametrize("negated", [False, True])
    def test_a_condition_about_a_deleted_field_matches_nobody_and_says_so(
        self, negated: bool
    ) -> None:
        lead = LeadFactory()
        gone: Any = {"field": "gone", "op": "is", "value": "x"}
        tree = {"not": gone} if negated else gone

        assert not meets(lead, tree)
        assert conditions.describe(tree).startswith("Matches nobody: There is no field “gone”")
        assert conditions.explain(tree, lead.pk).kind == "broken"


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from(["industry", "page_view", "is", "in", "\0", "%s", "'; --", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    ["all", "any", "not", "field", "op", "value", "activity", "where", "times",
                     "within_days", "tag", "at_least", "url", "contains", "distinct", "sum",
                     "total", "first", "last", "touch", "since", "until", "older_than_days", "list",
                     "qualified", "stage_reached", "utm_source", "at_most", "exactly", "is_set"]
                ),
                st.text(max_size=8),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=15,
)  # fmt: skip
leaves = st.builds(
    lambda field, op, value: {"field": field, "op": op, "value": value},
    st.sampled_from([*conditions.FIELDS, "custom.x", "custom."]),
    st.sampled_from([*conditions.OPERATORS[conditions.Type.CUSTOM], "within_days"]),
    json_values,
)
hostile = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestHostileValues:
    @given(st.one_of(json_values, leaves))
    @hostile
    def test_are_refused_in_words_or_answered_but_never_break(self, tree: Any) -> None:
        with suppress(Invalid):
            conditions.validate(tree)

        conditions.matches(tree, [1])
        conditions.explain(tree, 1)
        assert conditions.describe(tree)


class TestDescribe:
    @pytest.mark.parametrize(
        ("tree", "words"),
        [
            ({"all": []}, "Everybody"),
            (
                is_("industry", ["Care", "Retail", "IT"], "in"),
                "Industry is any of Care, Retail or IT",
            ),
            (is_("company_size", [50, 1000], "between"), "Staff is between 50 and 1,000"),
            (is_("email_is_free", True), "Free e-mail provider: yes"),
            (is_("lifecycle", "mql"), "Lifecycle is Marketing-qualified lead"),
            (is_("last_activity_at", 30, "older_than_days"), "Last activity more than 30 days ago"),
            (
                {"activity": "pricing_view", "times": {"at_least": 2}, "within_days": 7},
                "Viewed pricing 2 times or more in 7 days",
            ),
            ({"not": {"tag": "VIP"}}, "not (has the tag “VIP”)"),
            (
                {"activity": "purchase", "sum": "amount", "total": {"at_least": 500}},
                "Purchased with a total amount of 500 or more",
            ),
            (
                {
                    "activity": "page_view",
                    "distinct": "day",
                    "times": {"exactly": 2},
                    "within_days": 30,
                    "older_than_days": 7,
                },
                "Viewed a page on exactly 2 different days 7 to 30 days ago",
            ),
            (
                {"activity": "page_view", "last": {"older_than_days": 30}},
                "Viewed a page, last more than 30 days ago",
            ),
            (
                {"touch": {"utm_source": "google"}, "since": "2026-01-01"},
                "Came to us, utm_source is google, since 1 Jan 2026",
            ),
            ({"qualified": "sql"}, "is Sales-qualified now"),
            (
                {"all": [{"tag": "A"}, {"any": [{"tag": "B"}, {"tag": "C"}]}]},
                "has the tag “A” and (has the tag “B” or has the tag “C”)",
            ),
        ],
    )
    def test_says_it_in_english(self, tree: Any, words: str) -> None:
        assert conditions.describe(tree) == words


class TestExplain:
    def test_gives_each_leaf_its_answer_and_what_the_lead_has(self) -> None:
        lead = LeadFactory(industry="Care", company_size=12)
        did(lead, "pricing_view")
        tree = {
            "all": [
                is_("industry", "Care"),
                is_("company_size", 50, "gte"),
                {"not": {"activity": "pricing_view", "times": {"at_least": 2}}},
            ]
        }

        explained = conditions.explain(tree, lead.pk)

        industry, size, negated = explained.children
        assert (explained.holds, explained.kind) == (False, "all")
        assert (industry.holds, industry.actual) == (True, "Care")
        assert (size.holds, size.actual) == (False, "12")
        assert (negated.holds, negated.children[0].actual) == (True, "1")
        assert explained.failing == size

    def test_says_what_happened_in_the_words_of_the_question(self) -> None:
        lead = LeadFactory(country="NL")
        did(lead, "purchase", days_ago=3, amount=120)
        did(lead, "purchase", days_ago=1, amount=30)
        tree = {
            "all": [
                is_("country", ["BE"], "in"),
                {"activity": "purchase", "sum": "amount", "total": {"at_least": 200}},
                {"activity": "purchase", "distinct": "amount", "times": {"at_least": 2}},
                {"activity": "purchase", "first": {"within_days": 2}},
                {"list": "nobody"},
            ]
        }

        explained = conditions.explain(tree, lead.pk)

        country, total, values, first, listed = explained.children
        assert (country.actual, total.actual, values.actual) == ("Netherlands", "150", "2")
        assert (values.holds, first.holds, listed.holds) == (True, False, False)
        assert first.actual is not None
        assert first.actual.startswith(f"{timezone.localtime() - timedelta(days=3):%-d %b %Y}")
        assert (listed.kind, listed.actual) == ("list", None)
