from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from leadcrm.accounts.models import Notification, User
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads.actions import record_activity
from leads.events import LeadAssigned
from leads.models import Activity, Lead, Status
from pipeline import actions, handlers
from pipeline.models import Assignment, ResponseClock, ResponseTarget
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory, make_funnel
from tests.pipeline.factories import capture, cycle_of, make_inquiry, open_lead

pytestmark = pytest.mark.django_db

TEN_MINUTES = NOON + timedelta(minutes=10)


@pytest.fixture
def rep() -> User:
    return UserFactory(name="Alice Adams")


def clock() -> ResponseClock:
    return ResponseClock.objects.get()


def event_of(lead: Lead) -> LeadAssigned:
    made = Assignment.objects.get(lead=lead, to_at=None)
    return LeadAssigned(
        lead_id=lead.pk, assignment_id=made.pk, owner_id=made.owner_id, previous_owner_id=None
    )


class TestTheClockStops:
    def test_when_a_rep_logs_a_call_at_once(self, rep: User) -> None:
        lead = open_lead()

        activity = actions.log_call(lead.pk, user=rep, outcome="no_answer", at=TEN_MINUTES)

        lead.refresh_from_db()
        assert clock().first_response_at == TEN_MINUTES
        assert (clock().stopped_by, clock().activity_id) == (rep, activity)
        assert clock().wall_seconds == 600
        assert clock().due_at is None
        assert lead.responded_at == TEN_MINUTES
        cycle = cycle_of(lead)
        assert (cycle.first_response_at, cycle.first_response_by) == (TEN_MINUTES, rep)

    def test_when_a_program_reports_the_call(self, rep: User) -> None:
        lead = open_lead()

        record_activity(lead.pk, "call_connected", at=TEN_MINUTES, user=rep)
        pump.run_all()

        assert clock().first_response_at == TEN_MINUTES

    @pytest.mark.parametrize("type_", ["email_sent", "email_open", "page_view", "note_added"])
    def test_not_for_what_is_no_human_answer(self, type_: str) -> None:
        lead = open_lead()

        activity = record_activity(lead.pk, type_, at=TEN_MINUTES)
        pump.run_all()
        assert activity is not None
        actions.record_contact(lead.pk, activity_id=activity, at=TEN_MINUTES)

        assert clock().first_response_at is None

    def test_not_for_an_automatic_answer(self) -> None:
        lead = open_lead()

        record_activity(lead.pk, "email_outbound", at=TEN_MINUTES, klass=Activity.Class.MACHINE)
        pump.run_all()

        assert clock().first_response_at is None

    def test_not_for_a_call_before_the_inquiry(self, rep: User) -> None:
        lead = open_lead()

        record_activity(lead.pk, "call_connected", at=NOON - timedelta(hours=1), user=rep)
        pump.run_all()

        assert clock().first_response_at is None

    def test_when_the_answer_came_before_the_clock_was_set_up(self, rep: User) -> None:
        make_funnel()
        lead = LeadFactory()
        record_activity(lead.pk, "call_connected", at=TEN_MINUTES, user=rep)

        capture(lead)
        pump.run_all()

        assert clock().first_response_at == TEN_MINUTES
        assert cycle_of(lead).first_response_at == TEN_MINUTES

    def test_once_the_second_call_changes_nothing(self, rep: User) -> None:
        lead = open_lead()
        actions.log_call(lead.pk, user=rep, outcome="no_answer", at=TEN_MINUTES)

        actions.log_call(
            lead.pk, user=rep, outcome="connected", at=TEN_MINUTES + timedelta(hours=1)
        )
        pump.run_all()

        assert clock().first_response_at == TEN_MINUTES

    def test_and_starts_again_when_the_lead_asks_again(self, rep: User) -> None:
        lead = open_lead()
        actions.log_call(lead.pk, user=rep, outcome="connected", at=TEN_MINUTES)
        next_day = NOON + timedelta(days=1)

        for _ in range(2):
            actions.open_cycle(lead.pk, at=next_day, inquiry=make_inquiry(lead, at=next_day))

        lead.refresh_from_db()
        assert clock().is_running
        assert clock().started_at == next_day
        assert (lead.response_started_at, lead.responded_at) == (next_day, None)
        assert cycle_of(lead).first_response_at == TEN_MINUTES

    def test_a_second_inquiry_before_the_answer_does_not_restart_it(self) -> None:
        lead = open_lead()

        actions.open_cycle(lead.pk, at=TEN_MINUTES, inquiry=make_inquiry(lead, at=TEN_MINUTES))

        assert clock().started_at == NOON


class TestContactMovesOn:
    def test_an_attempt_and_then_a_talk(self, rep: User) -> None:
        lead = open_lead()

        actions.log_call(lead.pk, user=rep, outcome="voicemail", at=TEN_MINUTES)
        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.status, lead.stage.key) == (Status.ATTEMPTING, "contacted")

        actions.log_call(lead.pk, user=rep, outcome="connected", at=TEN_MINUTES)
        actions.log_email(lead.pk, user=rep, subject="As promised", at=TEN_MINUTES)
        lead.refresh_from_db()
        assert lead.status == Status.CONNECTED

    def test_a_lead_nobody_owns_becomes_the_callers(self, rep: User) -> None:
        lead = open_lead()

        actions.log_call(lead.pk, user=rep, outcome="connected", at=TEN_MINUTES)

        lead.refresh_from_db()
        assert lead.owner == rep
        current = Assignment.objects.get(to_at=None)
        assert (current.cause, current.accepted_at) == ("claimed", TEN_MINUTES)

    def test_a_call_accepts_the_lead(self, rep: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=rep, at=NOON)

        actions.log_call(lead.pk, user=rep, outcome="connected", at=TEN_MINUTES)

        assert Assignment.objects.get(to_at=None).accepted_at == TEN_MINUTES

    def test_automatic_mail_is_told_to_stop(self, rep: User) -> None:
        lead = open_lead()

        actions.log_email(lead.pk, user=rep, at=TEN_MINUTES)
        pump.run_all()

        event = DomainEvent.objects.get(name="lead.taken_over")
        assert event.payload == {"lead_id": lead.pk, "user_id": rep.pk}


class TestTargets:
    def test_the_first_whose_condition_holds_counts(self) -> None:
        ResponseTarget.objects.all().delete()
        ResponseTarget.objects.create(
            order=0,
            name="Dutch",
            minutes=5,
            condition={"field": "country", "op": "is", "value": "NL"},
        )
        ResponseTarget.objects.create(order=1, name="Others", minutes=30)

        dutch, german = open_lead(country="NL"), open_lead(country="DE")

        assert dutch.response_due_at == NOON + timedelta(minutes=5)
        assert german.response_due_at == NOON + timedelta(minutes=30)

    def test_working_hours_stand_still_over_night(self) -> None:
        ResponseTarget.objects.update(uses_working_hours=True)
        ResponseTarget.objects.get_or_create(defaults={"name": "All", "uses_working_hours": True})
        evening = NOON.replace(hour=16, minute=30)

        lead = open_lead(at=evening)

        assert lead.response_due_at == evening.replace(day=20, hour=9, minute=30)

    def test_a_new_owners_hours_count_from_then_on(self, rep: User) -> None:
        ResponseTarget.objects.get_or_create(defaults={"name": "All"})
        ResponseTarget.objects.update(uses_working_hours=True)
        User.objects.filter(pk=rep.pk).update(time_zone="Asia/Tokyo")  # 21:00 there
        lead = open_lead()
        assert lead.response_due_at == NOON + timedelta(hours=1)

        actions.assign(lead.pk, owner=rep, at=NOON)
        handlers.retime_clock(event_of(lead))

        lead.refresh_from_db()
        next_morning_there = (NOON + timedelta(days=1)).replace(hour=1)
        assert lead.response_due_at == clock().respond_by == next_morning_there


class TestWarnings:
    def test_the_owner_is_warned_once_when_little_time_is_left(self, rep: User) -> None:
        now = timezone.now()
        lead = open_lead(at=now - timedelta(minutes=50))
        actions.assign(lead.pk, owner=rep, at=now)

        pump.run_all()

        assert clock().warned_at is not None
        assert clock().late_at is None
        assert clock().due_at == clock().respond_by
        note = Notification.objects.get(kind="response_due")
        assert note.user == rep
        assert "min left" in note.title

    def test_a_late_answer_is_marked_and_told_to_owner_and_manager(self, rep: User) -> None:
        manager = UserFactory(name="Charlie Clark")
        team = TeamFactory(manager=manager)
        lead = open_lead()
        actions.assign(lead.pk, owner=rep, team=team, at=NOON)

        pump.run_all()
        pump.run_all()

        assert clock().late_at is not None
        assert clock().due_at is None
        assert Activity.objects.filter(type="response_late").count() == 1
        told = Notification.objects.filter(kind="response_late")
        assert {note.user for note in told} == {rep, manager}
        assert not Notification.objects.filter(kind="response_due").exists()

    def test_an_answered_or_closed_lead_is_left_alone(self, rep: User) -> None:
        answered, closed = open_lead(), open_lead()
        actions.log_call(answered.pk, user=rep, outcome="connected", at=TEN_MINUTES)
        actions.move_to_stage(closed.pk, to="won", amount=Decimal(0), at=TEN_MINUTES)

        pump.run_all()

        assert not Notification.objects.filter(kind="response_late").exists()
