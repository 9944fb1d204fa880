"""Who a lead may go to: skills, languages, countries, covers, previous owners, yes and no."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leadcrm.accounts import availability
from leadcrm.accounts.models import Absence, Notification, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict
from leads.models import Lead
from pipeline import actions, queries
from pipeline.models import Assignment, Offer, Pool, RoutingDecision, WaitingLead
from tests.factories import NOON, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams", languages=["en", "fr"], territory=["FR"])


@pytest.fixture
def bob() -> User:
    return UserFactory(name="Bob Brown", languages=["en"], territory=["NL"], skills=["SAP"])


def decide(lead: Lead, **options: object) -> RoutingDecision:
    decision = actions.route(lead.pk, at=LATER, **options)  # type: ignore[arg-type]
    assert decision is not None
    return decision


class TestFitting:
    def test_only_who_speaks_the_language_where_the_pool_requires_it(
        self, alice: User, bob: User
    ) -> None:
        publish_rules(pool_rule(make_pool(alice, bob, language=Pool.Match.REQUIRE)))

        decisions = [decide(open_lead(language="fr")) for _ in range(2)]

        assert {decision.chosen for decision in decisions} == {alice}
        codes = {row["name"]: row["code"] for row in decisions[0].candidates}
        assert codes == {"Alice Adams": None, "Bob Brown": "language"}

    def test_who_works_in_the_country_first_where_the_pool_prefers_it(
        self, alice: User, bob: User
    ) -> None:
        pool = make_pool(alice, bob, territory=Pool.Match.PREFER)
        publish_rules(pool_rule(pool))

        there = [decide(open_lead(country="NL")).chosen for _ in range(3)]
        actions.set_pool_member(pool, bob, paused=True)
        else_where = decide(open_lead(country="NL")).chosen

        assert there == [bob, bob, bob]
        assert else_where == alice

    def test_only_who_has_every_skill_the_rule_takes(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob), skills=["sap"]))

        decision = decide(open_lead())

        assert decision.chosen == bob
        assert decision.candidates[0]["detail"] == "Lacks sap."

    def test_one_that_nobody_fits_lets_those_behind_it_pass(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice, language=Pool.Match.REQUIRE)))
        japanese, french = open_lead(language="ja"), open_lead(language="fr")
        decide(japanese)
        decide(french)

        pump.run_all()

        french.refresh_from_db()
        assert french.owner == alice
        assert WaitingLead.objects.get().lead == japanese

    def test_people_off_shift_get_leads_where_the_pool_says_so(self, alice: User) -> None:
        availability.set_hours(
            alice, [availability.Hours(0, NOON.time(), NOON.replace(hour=13).time())], at=NOON
        )
        pool = make_pool(alice, at_work_only=False)
        publish_rules(pool_rule(pool))

        assert decide(open_lead()).chosen == alice


class TestNamedPeople:
    def test_the_previous_owner_gets_the_lead_back(self, alice: User, bob: User) -> None:
        publish_rules(
            actions.NewRule(name="Again", target_kind="previous_owner"),
            actions.NewRule(name="Others", target_kind="user", target_id=bob.pk),
        )
        known, stranger = open_lead(), open_lead()
        actions.assign(known.pk, owner=alice, at=NOON)
        actions.assign(known.pk, owner=None, at=NOON + timedelta(minutes=1))

        again, other = decide(known), decide(stranger)

        assert again.chosen == alice
        assert "had the lead before" in again.reason
        assert other.chosen == bob
        assert "had it before" in other.trace[0]["note"]

    def test_a_cover_answers_for_who_is_away(self, alice: User, bob: User) -> None:
        today = NOON.date()
        Absence.objects.create(user=alice, first_day=today, last_day=today, cover=bob)
        publish_rules(actions.NewRule(name="Large", target_kind="user", target_id=alice.pk))

        decision = decide(open_lead())

        assert decision.chosen == bob
        assert "is away; Bob Brown covers" in decision.reason

    def test_nobody_covers_in_a_circle(self, alice: User, bob: User) -> None:
        day = NOON.date()
        Absence.objects.create(user=alice, first_day=day, last_day=day, cover=bob)
        Absence.objects.create(user=bob, first_day=day, last_day=day, cover=alice)

        assert queries.stand_in(alice, NOON) is None


class TestAccepting:
    def test_who_does_not_accept_in_time_loses_it_to_the_next(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob, accept_minutes=10)))
        now = timezone.now()
        lead = open_lead(at=now)
        actions.route(lead.pk, at=now - timedelta(minutes=11))

        pump.run_all()

        lead.refresh_from_db()
        hops = Assignment.objects.filter(lead=lead, owner__isnull=False).order_by("pk")
        assert [(hop.owner, hop.cause, hop.answer) for hop in hops] == [
            (alice, "routed", "expired"),
            (bob, "passed_on", ""),
        ]
        assert lead.owner == bob
        assert hops[1].note == "Alice Adams did not accept it in time."

    def test_who_accepts_keeps_it(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob, accept_minutes=10)))
        now = timezone.now()
        lead = open_lead(at=now)
        actions.route(lead.pk, at=now - timedelta(minutes=11))

        actions.accept(lead.pk, user=alice, at=now)
        pump.run_all()

        lead.refresh_from_db()
        assert lead.owner == alice
        assert Offer.objects.get().due_at is None

    def test_declining_asks_the_next_and_nobody_twice(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob)))
        lead = open_lead()
        decide(lead)

        actions.decline(lead.pk, user=alice, reason="A friend of mine", at=LATER)
        second = Assignment.objects.get(lead=lead, to_at=None)
        actions.decline(lead.pk, user=bob, reason="Mine, too", at=LATER)

        lead.refresh_from_db()
        assert (second.owner, second.note) == (bob, "A friend of mine")
        assert lead.owner is None
        assert lead.team is not None
        assert not WaitingLead.objects.exists()
        last = queries.latest_decision(lead.pk)
        assert last is not None
        assert {row["code"] for row in last.candidates} == {"refused"}

    def test_two_who_take_a_lead_at_once_do_not_both_get_it(self, alice: User, bob: User) -> None:
        lead = open_lead()

        actions.claim(lead.pk, user=alice, at=LATER)

        with pytest.raises(Conflict, match="Alice Adams has this lead"):
            actions.claim(lead.pk, user=bob, at=LATER)

    def test_the_queue_of_a_team_without_room_tells_its_manager(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice, accept_minutes=5)))
        now = timezone.now()
        lead = open_lead(at=now)
        actions.route(lead.pk, at=now - timedelta(minutes=6))
        admin = UserFactory(role="admin")

        pump.run_all()

        lead.refresh_from_db()
        assert lead.owner is None
        assert Notification.objects.filter(user=admin, kind="queued").exists()
