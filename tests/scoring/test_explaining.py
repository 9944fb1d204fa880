"""What stands behind a score, on any day, and what would change it."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadcrm.accounts.models import Role, User
from leads.actions.leads import update_lead
from leads.models import Lead
from scoring import actions
from scoring.explain import telling
from scoring.explain.history import course
from scoring.explain.prospects import Prospects, prospects
from scoring.models import ModelVersion, ScoreChange
from tests.factories import NOON, LeadFactory, UserFactory
from tests.scoring.factories import DAY, activity_rule, attribute_rule, did, make_version

pytestmark = pytest.mark.django_db

BUDGET = attribute_rule(
    14,
    group="bant",
    label="Budget confirmed",
    condition={"field": "bant.budget", "op": "is", "value": "yes"},
)
SQL = {"field": "score", "op": "gte", "value": 30}
LATER = NOON + 40 * DAY


@pytest.fixture
def alice() -> User:
    return UserFactory(role=Role.MARKETER)


def lines(lead: Lead, at: datetime = NOON, *, past: bool = False) -> list[telling.Line]:
    return telling.lines(telling.told(lead, at=at, past=past), lead)


def answer(lead: Lead, at: datetime = NOON, **answers: str) -> None:
    actions.answer_bant(
        lead.pk, {key: {"level": level} for key, level in answers.items()}, source="rep", at=at
    )


class TestLines:
    def test_tell_what_counted_what_age_took_and_which_activities_they_were(self) -> None:
        make_version(
            activity_rule(
                "asset_download", 8, counting="at_most", max_count=2,
                decay="half_life", decay_days=10,
            )
        )  # fmt: skip
        lead = LeadFactory()
        for days in (0, 10, 20):
            did(lead, "asset_download", days_ago=days, properties={"url": f"/guide-{days}"})

        line = lines(lead)[0]

        assert [(words, float(points)) for words, points in line.steps] == [
            ("2 × 8, 3 found", 16.0),
            ("Lost to age", -4.0),
        ]
        assert float(line.points) == 12.0
        assert [(h.detail, h.percent, h.counts) for h in line.evidence.shown] == [
            ("/guide-0", 100, True),
            ("/guide-10", 50, True),
            ("/guide-20", 25, False),
        ]

    def test_only_the_first_of_a_day_counts_where_a_rule_says_so(self) -> None:
        make_version(activity_rule("page_view", 2, counting="per_day"))
        lead = LeadFactory()
        for hours in (0, 1, 2):
            did(lead, "page_view", at=NOON - timedelta(hours=hours))

        assert [h.counts for h in lines(lead)[0].evidence.shown] == [False, False, True]

    @settings(
        max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        st.lists(st.integers(0, 60), max_size=6),
        st.integers(5, 40),
        st.sampled_from(["none", "expiry", "linear", "half_life"]),
        st.sampled_from(["once", "every", "at_most", "per_day"]),
    )
    def test_sum_to_the_score_whatever_the_rules(
        self, days: list[int], cap: int, decay: str, counting: str
    ) -> None:
        make_version(
            attribute_rule(9),
            activity_rule(
                "pricing_view", 7, decay=decay, decay_days=14, counting=counting, max_count=2
            ),
            engagement_cap=cap,
        )
        lead = LeadFactory(industry="Care")
        for day in days:
            did(lead, days_ago=day)

        told = telling.told(lead, at=NOON)

        assert sum(line.points for line in telling.lines(told, lead)) == told.explanation.value


class TestAsOf:
    def test_counts_only_what_was_known_then(self) -> None:
        make_version(attribute_rule(12), activity_rule("pricing_view", 10), BUDGET)
        lead = LeadFactory(industry="Care")
        did(lead, days_ago=-2)
        answer(lead, at=NOON + DAY, budget="yes")
        update_lead(lead.pk, {"industry": "Retail"}, at=NOON + 3 * DAY)
        update_lead(lead.pk, {"industry": "Care"}, at=NOON + 4 * DAY)

        values = {
            days: telling.told(lead, at=NOON + days * DAY, past=True).explanation.value
            for days in (0, 1, 2, 5)
        }

        assert values == {0: 0, 1: 14, 2: 24, 5: 36}

    def test_is_by_the_rules_that_were_published_then(self) -> None:
        first = make_version(attribute_rule(12))
        lead = LeadFactory(industry="Care")
        ModelVersion.objects.filter(pk=first.pk).update(state="retired")
        second = ModelVersion.objects.create(
            model=first.model, number=2, state="published", published_at=NOON + 10 * DAY
        )
        second.rules.create(**attribute_rule(5))

        before = telling.told(lead, at=NOON + DAY, past=True)
        after = telling.told(lead, at=NOON + 11 * DAY, past=True)

        assert (before.version.number, before.explanation.value) == (1, 12)
        assert (after.version.number, after.explanation.value) == (2, 5)


class TestCourse:
    def test_has_a_point_for_every_even_distance_and_ends_now(self) -> None:
        version = make_version(attribute_rule(12))
        lead = LeadFactory()
        for days, (old, new) in {20: (0, 30), 5: (30, 12)}.items():
            ScoreChange.objects.create(
                lead=lead, version=version, from_score=old, to_score=new, fit=0, engagement=0,
                bant=0, from_temperature="cold", to_temperature="cold", at=NOON - days * DAY,
            )  # fmt: skip

        found = course(lead, since=NOON - 30 * DAY, until=NOON)

        assert [p.score for p in found.points][:1] == [0]
        assert (found.lowest, found.highest, found.points[-1].score) == (0, 30, 12)
        assert [change.to_score for change in found.changes] == [12, 30]

    def test_a_score_that_never_changed_is_flat(self) -> None:
        lead = LeadFactory()

        found = course(lead, since=NOON - 30 * DAY, until=NOON)

        assert {point.score for point in found.points} == {0}


class TestProspects:
    def look(self, lead: Lead, at: datetime = NOON) -> Prospects:
        return prospects(Lead.objects.get(pk=lead.pk), at=at)

    def ways(self, lead: Lead) -> list[set[str]]:
        lift = self.look(lead).lift
        assert lift is not None
        return [{step.text for step in way.steps} for way in lift.ways]

    def test_one_answer_may_be_enough(self) -> None:
        make_version(attribute_rule(20), BUDGET, sql=SQL)
        lead = LeadFactory(industry="Care")

        assert self.ways(lead) == [{"Budget: yes"}]

    def test_else_the_smallest_set_that_was_tried_and_held(self) -> None:
        make_version(activity_rule("demo_requested", 15, label="Asked for a demo"), BUDGET,
            attribute_rule(6, label="In care"), sql=SQL)  # fmt: skip
        lead = LeadFactory(industry="Retail")

        found = self.ways(lead)

        assert found == [{"Budget: yes", "Asked for a demo", "In care: Industry is Care"}]

    def test_says_what_no_step_can_bring(self) -> None:
        make_version(
            BUDGET, sql={"all": [SQL, {"field": "lifecycle", "op": "is", "value": "customer"}]}
        )
        lift = self.look(LeadFactory()).lift

        assert lift is not None
        assert lift.ways == ()
        assert lift.missing

    def test_caps_and_two_answers_to_one_question_are_minded(self) -> None:
        partly = attribute_rule(6, group="bant", label="Budget likely",
            condition={"field": "bant.budget", "op": "is", "value": "partial"})  # fmt: skip
        make_version(BUDGET, partly, attribute_rule(40), fit_cap=20, sql=SQL)
        lead = LeadFactory()
        answer(lead, budget="partial")

        assert self.ways(lead) == [{"Budget: yes", "Works in care: Industry is Care"}]

    def test_who_qualifies_already_needs_nothing(self) -> None:
        make_version(attribute_rule(40), sql=SQL)
        lift = self.look(LeadFactory(industry="Care")).lift

        assert lift is not None
        assert lift.holds

    def test_tells_when_points_that_fade_take_it_below_hot(self) -> None:
        make_version(
            activity_rule("demo_requested", 80, decay="half_life", decay_days=10), hot_from=40,
            warm_from=20,
        )  # fmt: skip
        lead = LeadFactory()
        did(lead, "demo_requested")
        actions.rescore([lead.pk], at=NOON)

        falls = self.look(lead).outlook.falls

        assert [(fall.what, fall.score) for fall in falls] == [
            ("below hot", 39),
            ("below warm", 19),
        ]
        assert abs(falls[0].at - (NOON + 10 * DAY)) < timedelta(hours=6)

    def test_writes_nothing(self) -> None:
        make_version(activity_rule("demo_requested", 15), BUDGET, sql=SQL)
        lead = LeadFactory()

        self.look(lead)

        assert not lead.bant_answers.exists()
        assert not lead.activities.exists()


class TestPages:
    def test_show_the_sum_the_course_and_what_may_become_of_it(
        self, client: Client, alice: User
    ) -> None:
        make_version(attribute_rule(12), BUDGET, sql={"field": "score", "op": "gte", "value": 20})
        lead = LeadFactory(industry="Care", owner=alice)
        client.force_login(alice)

        page = client.get(f"/leads/{lead.public_id}/score/").content.decode()
        ahead = client.get(f"/leads/{lead.public_id}/score/prospects/").content.decode()
        part = client.get(
            f"/leads/{lead.public_id}/score/prospects/", headers={"HX-Request": "true"}
        ).content.decode()

        assert "Works in care" in page
        assert "Work it out" in page
        assert "Budget: yes" in ahead
        assert "Stays at 12" in part
        assert "<html" not in part

    @pytest.mark.parametrize("chosen", ["30", "365", "all", "x", "%00"])
    def test_any_range_can_be_asked_for(self, client: Client, alice: User, chosen: str) -> None:
        make_version(attribute_rule(12))
        client.force_login(alice)
        lead = LeadFactory(owner=alice)

        response = client.get(f"/leads/{lead.public_id}/score/?range={chosen}")

        assert response.status_code == 200

    def test_of_a_day_in_the_past_says_what_the_list_showed(
        self, client: Client, alice: User
    ) -> None:
        make_version(attribute_rule(12))
        lead = LeadFactory(industry="Care", owner=alice)
        actions.rescore([lead.pk], at=NOON)
        client.force_login(alice)

        page = client.get(
            f"/leads/{lead.public_id}/score/?as_of={NOON - 5 * DAY:%Y-%m-%d}"
        ).content.decode()

        assert "Why 12 then" in page
        assert "The list showed 0 that day" in page


class TestApi:
    def test_history_and_prospects(self, client: Client, alice: User) -> None:
        make_version(attribute_rule(12), BUDGET, sql={"field": "score", "op": "gte", "value": 20})
        lead = LeadFactory(industry="Care", owner=alice)
        actions.rescore([lead.pk], at=timezone.now())
        client.force_login(alice)
        path = f"/api/v1/leads/{lead.public_id}/score/"

        history = client.get(f"{path}history/").json()["results"]
        ahead = client.get(f"{path}prospects/").json()

        assert [(row["from_score"], row["to_score"]) for row in history] == [(0, 12)]
        assert ahead["ways"] == [
            {
                "steps": [{"kind": "answer", "text": "Budget: yes", "rule": "", "gain": 14}],
                "score": 26,
            }
        ]
        assert ahead["qualified"] is False
