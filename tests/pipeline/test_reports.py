"""Reports on what the product itself wrote, not on made-up rows."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadcrm.accounts.models import Membership, Role, User
from leads.actions import record_activity
from leads.reports import Scope
from pipeline import actions
from pipeline.reports import funnel, metrics, reps, response
from tests.factories import NOON, TeamFactory, UserFactory
from tests.pipeline.factories import cycle_of, make_inquiry, open_lead

pytestmark = pytest.mark.django_db


def scope_of(principal: Any) -> Scope:
    return Scope(
        principal=principal,
        start=NOON - timedelta(days=1),
        end=NOON + timedelta(days=30),
        now=NOON + timedelta(days=2),
        zone=ZoneInfo("Europe/Amsterdam"),
    )


@pytest.fixture
def scope() -> Scope:
    return scope_of(UserFactory(role=Role.ADMIN))


class TestFunnel:
    def test_who_skips_a_stage_has_passed_it(self, scope: Scope) -> None:
        lead = open_lead()

        actions.move_to_stage(lead.pk, to="sql", at=NOON + timedelta(hours=1))

        assert [s.count for s in funnel.funnel(scope, None).steps] == [1, 1, 1, 1, 0, 0]
        assert metrics.became_mql(scope).count() == 1

    def test_who_is_lost_stopped_where_they_were(self, scope: Scope) -> None:
        lead = open_lead()

        actions.move_to_stage(lead.pk, to="lost", at=NOON + timedelta(hours=1), reason="price")

        found = funnel.funnel(scope, None)
        assert [s.count for s in found.steps] == [1, 0, 0, 0, 0, 0]
        assert [(r.key, r.count) for r in found.reasons] == [("price", 1)]


class TestResponseTime:
    def test_a_call_ends_the_wait(self, scope: Scope) -> None:
        lead = open_lead()
        called = record_activity(lead.pk, "call_attempt", at=NOON + timedelta(minutes=9))
        assert called is not None

        actions.record_contact(lead.pk, activity_id=called, at=NOON + timedelta(minutes=9))

        found = response.times(scope)
        assert (found.answered, found.median, found.in_target) == (1, 540, 1)

    def test_asking_again_does_not_change_the_first_answer(self, scope: Scope) -> None:
        lead = open_lead()
        called = record_activity(lead.pk, "call_attempt", at=NOON + timedelta(minutes=9))
        assert called is not None
        actions.record_contact(lead.pk, activity_id=called, at=NOON + timedelta(minutes=9))
        again = NOON + timedelta(days=1)

        actions.open_cycle(lead.pk, at=again, inquiry=make_inquiry(lead, at=again))

        found = response.times(scope)
        assert (found.median, found.in_target, found.unanswered) == (540, 1, 0)
        assert metrics.waiting_now(scope).get().cycle == cycle_of(lead)

    def test_somebody_still_inside_the_target_is_neither_met_nor_missed(self) -> None:
        open_lead(at=NOON + timedelta(days=2, minutes=-5))

        found = response.times(scope_of(UserFactory(role=Role.ADMIN)))

        assert (found.received, found.due, found.share_in_target) == (1, 0, None)


class TestReps:
    def test_a_rep_sees_the_average_of_three_without_names(self) -> None:
        team = TeamFactory()
        people: list[User] = [UserFactory(name=name) for name in ("Alice", "Bob", "Dora")]
        for person in people:
            Membership.objects.create(user=person, team=team)
        for person in people[1:]:
            open_lead(owner=person, email=f"{person.pk}@kestrel.example")

        found = reps.reps(scope_of(people[0]))

        assert [row.label for row in found.rows if row.label != "Alice"] == []
        assert found.average is not None
        assert found.average.assigned == pytest.approx(0.7)

    def test_an_average_of_two_is_not_shown(self) -> None:
        team = TeamFactory()
        alice, bob = UserFactory(name="Alice"), UserFactory(name="Bob")
        for person in (alice, bob):
            Membership.objects.create(user=person, team=team)

        assert reps.reps(scope_of(alice)).average is None
