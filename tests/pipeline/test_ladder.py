"""Escalation: what happens after the target, step by step, and clocks when calendars change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from leadcrm.accounts import availability
from leadcrm.accounts.models import Notification, Role, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.models import Activity
from pipeline import actions
from pipeline.actions.targets import NewStep, TargetTerms, save_target
from pipeline.models import Assignment, ClockHop, ResponseClock, ResponseTarget
from tests.conftest import Mailbox
from tests.factories import TeamFactory, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db

# A Thursday in the week in which clocks go back in Europe, at 16:00 in Amsterdam.
FRIDAY = datetime(2026, 10, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams", time_zone="Europe/Amsterdam")


@pytest.fixture
def bob() -> User:
    return UserFactory(name="Bob Brown")


@pytest.fixture
def charlie() -> User:
    return UserFactory(name="Charlie Clark", role=Role.MANAGER)


def target(*steps: NewStep, **terms: object) -> ResponseTarget:
    ResponseTarget.objects.all().delete()
    values = {"name": "All", "minutes": 10, "uses_working_hours": False}
    return save_target(None, TargetTerms(**{**values, **terms}, steps=steps))  # type: ignore[arg-type]


def clock() -> ResponseClock:
    return ResponseClock.objects.get()


class TestSteps:
    def test_tell_the_manager_and_then_the_one_above(
        self, alice: User, charlie: User, mailbox: Mailbox
    ) -> None:
        head = UserFactory(name="Dora Dean", role=Role.MANAGER)
        team = TeamFactory(manager=charlie, parent=TeamFactory(manager=head))
        target(NewStep(minutes=5, deed="tell_manager"), NewStep(minutes=10, deed="tell_above"))
        open_lead(at=timezone.now() - timedelta(minutes=30), owner=alice, team=team)

        pump.run_all()

        kinds = list(ClockHop.objects.order_by("pk").values_list("kind", "told"))
        assert kinds == [
            ("late", [alice.pk, charlie.pk]),
            ("told", [charlie.pk]),
            ("told", [head.pk]),
        ]
        assert Notification.objects.filter(user=head, kind="response_late").count() == 1
        assert "dora" not in [m["To"] for m in mailbox]
        assert head.email in [m["To"] for m in mailbox]
        assert Activity.objects.filter(type="response_escalated").count() == 2

    def test_wait_for_their_moment(self, alice: User) -> None:
        target(NewStep(minutes=60, deed="tell_owner"))
        start = timezone.now() - timedelta(minutes=11)
        open_lead(at=start, owner=alice)

        pump.run_all()

        assert clock().due_at == clock().respond_by + timedelta(minutes=60)
        assert list(ClockHop.objects.values_list("kind", flat=True)) == ["late"]

    def test_give_the_lead_to_the_next_who_is_told(self, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob)))
        target(NewStep(minutes=5, deed="next"))
        lead = open_lead(at=timezone.now() - timedelta(minutes=30))
        actions.route(lead.pk, at=timezone.now())

        pump.run_all()

        lead.refresh_from_db()
        ends = Assignment.objects.filter(lead=lead, owner=alice).values_list("answer", flat=True)
        hop = ClockHop.objects.get(kind="reassigned")
        assert lead.owner == bob
        assert list(ends) == ["late"]
        assert (hop.words, hop.assignment) == (
            "From Alice Adams to Bob Brown",
            Assignment.objects.get(lead=lead, to_at=None),
        )

    def test_never_take_it_away_when_nobody_else_can_have_it(self, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice)))
        target(NewStep(minutes=5, deed="next"))
        lead = open_lead(at=timezone.now() - timedelta(minutes=30))
        actions.route(lead.pk, at=timezone.now())

        pump.run_all()

        lead.refresh_from_db()
        hop = ClockHop.objects.get(kind="nobody")
        assert lead.owner == alice
        assert "It stays with Alice Adams" in hop.words
        assert Assignment.objects.get(lead=lead, owner=alice).answer == ""

    def test_give_it_to_a_pool_or_a_person(self, alice: User, bob: User, charlie: User) -> None:
        relief = make_pool(bob, name="Relief")
        target(
            NewStep(minutes=5, deed="to_pool", pool=relief),
            NewStep(minutes=9, deed="to_person", person=charlie),
        )
        lead = open_lead(at=timezone.now() - timedelta(minutes=60), owner=alice)

        pump.run_all()

        lead.refresh_from_db()
        hops = ClockHop.objects.filter(kind="reassigned").order_by("pk")
        assert [hop.words for hop in hops] == [
            "From Alice Adams to Bob Brown",
            "From Bob Brown to Charlie Clark",
        ]
        assert lead.owner == charlie

    def test_are_not_repeated(self, alice: User) -> None:
        target(NewStep(minutes=1, deed="tell_owner"))
        open_lead(at=timezone.now() - timedelta(minutes=30), owner=alice)
        pump.run_all()

        ResponseClock.objects.update(due_at=timezone.now())
        pump.run_all()

        assert ClockHop.objects.filter(kind="told").count() == 1


class TestWhatCannotBeMeant:
    def test_steps_that_go_round_in_a_circle(self, alice: User, bob: User) -> None:
        with pytest.raises(Invalid, match="round in a circle: Alice Adams gets the lead"):
            target(
                NewStep(minutes=5, deed="to_person", person=alice),
                NewStep(minutes=9, deed="to_person", person=bob),
                NewStep(minutes=20, deed="to_person", person=alice),
            )

    def test_a_pool_with_nobody_in_it(self) -> None:
        with pytest.raises(Invalid, match="nobody is in it"):
            target(NewStep(minutes=5, deed="to_pool", pool=make_pool()))

    def test_no_time_at_all(self) -> None:
        with pytest.raises(Invalid, match="nobody answers in no time"):
            target(minutes=0)

    def test_a_warning_after_the_end(self) -> None:
        with pytest.raises(Invalid, match="Warn at least a minute before"):
            target(warn_minutes=10)


class TestCalendars:
    def test_a_clock_stands_still_over_a_weekend_in_which_the_hour_changes(
        self, alice: User
    ) -> None:
        weekdays = [availability.Hours(day, time(9), time(17)) for day in range(5)]
        availability.set_hours(alice, weekdays, at=FRIDAY)
        target(minutes=120, uses_working_hours=True)

        open_lead(at=FRIDAY, owner=alice)

        # One hour on Friday until 17:00 in summer time, one on Monday from 9:00 in winter time.
        assert clock().respond_by == datetime(2026, 10, 26, 9, 0, tzinfo=UTC)

    def test_a_new_holiday_moves_clocks_that_run(self, alice: User) -> None:
        weekdays = [availability.Hours(day, time(9), time(17)) for day in range(5)]
        availability.set_hours(alice, weekdays, at=FRIDAY)
        target(minutes=120, uses_working_hours=True)
        open_lead(at=FRIDAY, owner=alice)

        availability.save_calendar(
            None, name="NL", days=[(date(2026, 10, 26), "Bridge")], is_default=True, at=FRIDAY
        )
        pump.run_all()

        assert clock().respond_by == datetime(2026, 10, 27, 9, 0, tzinfo=UTC)
        assert clock().lead.response_due_at == clock().respond_by

    def test_other_hours_make_a_late_answer_late_no_more(self, alice: User) -> None:
        target(minutes=60, uses_working_hours=True)
        now = timezone.now()
        always = [availability.Hours(day, time(0), time(23, 59)) for day in range(7)]
        availability.set_hours(alice, always, at=now)
        open_lead(at=now - timedelta(hours=3), owner=alice)
        pump.run_all()
        was_late = clock().late_at

        days = [(now.date() + timedelta(days=n), "") for n in range(-2, 3)]
        availability.save_calendar(None, name="Closed", days=days, is_default=True, at=now)
        pump.run_all()

        assert was_late is not None
        assert clock().late_at is None
        assert clock().respond_by > now

    def test_a_lead_that_turns_out_hot_must_hear_sooner(self, alice: User) -> None:
        ResponseTarget.objects.all().delete()
        hot = {"field": "temperature", "op": "is", "value": "hot"}
        save_target(None, TargetTerms(name="Hot", minutes=5, condition=hot))
        save_target(None, TargetTerms(name="All", minutes=600, uses_working_hours=False))
        now = timezone.now()
        lead = open_lead(at=now, owner=alice)
        before = clock().respond_by

        lead.score_row.temperature = "hot"
        lead.score_row.save()
        ResponseTarget.objects.filter(name="Hot").update(uses_working_hours=False)
        actions.reaim_clock(lead.pk, at=now)

        assert before == now + timedelta(minutes=600)
        assert clock().respond_by == now + timedelta(minutes=5)
