from datetime import timedelta
from decimal import Decimal

import pytest

from leadcrm.accounts.models import Role, User
from leadcrm.eventlog.models import DomainEvent, EventDelivery
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.actions import create_lead, delete_lead
from leads.models import Activity, Lead, Lifecycle, Status
from pipeline import actions
from pipeline.models import Assignment, Deal, ResponseClock, SalesCycle, Transition
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory, make_funnel
from tests.pipeline.factories import capture, cycle_of, make_inquiry, open_lead

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=3)


@pytest.fixture
def rep() -> User:
    return UserFactory(name="Alice Adams")


class TestACaptureOpensACycle:
    def test_in_the_first_stage_with_a_queue_and_a_running_clock(self) -> None:
        team = TeamFactory()
        lead = LeadFactory()

        inquiry = capture(lead)
        pump.run_all()

        lead.refresh_from_db()
        cycle = cycle_of(lead)
        assert (cycle.number, cycle.opened_by_inquiry, cycle.received_at) == (1, inquiry, NOON)
        assert lead.stage is not None
        assert (lead.stage.key, lead.status, lead.owner, lead.team) == ("new", "new", None, team)
        assert Transition.objects.get().cause == "opened"
        assert lead.response_started_at == NOON
        assert lead.response_due_at == NOON + timedelta(minutes=60)
        assert Assignment.objects.get().team == team

    def test_once_however_often_it_is_delivered(self) -> None:
        lead = LeadFactory()
        inquiry = make_inquiry(lead)

        for _ in range(3):
            actions.open_cycle(lead.pk, at=NOON, inquiry=inquiry)

        assert SalesCycle.objects.count() == 1
        assert Transition.objects.count() == 1
        assert Assignment.objects.count() == 1
        assert ResponseClock.objects.count() == 1

    def test_not_again_when_its_cycle_is_over_already(self) -> None:
        lead = open_lead()
        actions.move_to_stage(lead.pk, to="lost", reason="no_need", at=LATER)

        actions.open_cycle(lead.pk, at=LATER, inquiry=cycle_of(lead).opened_by_inquiry)

        assert SalesCycle.objects.count() == 1

    def test_makes_a_funnel_where_there_is_none(self) -> None:
        lead = LeadFactory()

        actions.open_cycle(lead.pk, at=NOON)

        lead.refresh_from_db()
        assert lead.stage is not None
        assert lead.stage.pipeline.is_default

    def test_after_a_close_it_opens_the_next_with_the_owner_it_had(self, rep: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=rep, at=NOON)
        actions.move_to_stage(lead.pk, to="lost", reason="timing", at=LATER)

        actions.open_cycle(lead.pk, at=LATER, inquiry=make_inquiry(lead, at=LATER))

        lead.refresh_from_db()
        assert (cycle_of(lead).number, lead.owner, lead.status) == (2, rep, Status.NEW)
        assert lead.responded_at is None
        assert lead.response_started_at == LATER

    def test_an_inactive_owner_does_not_keep_the_next_cycle(self, rep: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=rep, at=NOON)
        actions.move_to_stage(lead.pk, to="lost", reason="timing", at=LATER)
        User.objects.filter(pk=rep.pk).update(is_active=False)

        actions.open_cycle(lead.pk, at=LATER, inquiry=make_inquiry(lead, at=LATER))

        lead.refresh_from_db()
        assert lead.owner is None
        assert lead.team is not None


class TestEventsThatOvertakeEachOther:
    def test_qualified_before_captured_still_counts_from_the_receipt(self) -> None:
        make_funnel()
        lead = LeadFactory()
        inquiry = make_inquiry(lead)

        actions.qualify(lead.pk, kind="sql", at=LATER)
        actions.open_cycle(lead.pk, at=LATER, inquiry=inquiry)

        cycle = cycle_of(lead)
        assert (cycle.opened_by_inquiry, cycle.received_at) == (inquiry, NOON)
        assert cycle.clock.started_at == NOON

    def test_a_lead_merged_or_deleted_meanwhile_is_no_failure(self) -> None:
        lead = LeadFactory()
        capture(lead)
        delete_lead(lead.pk, at=NOON)

        pump.run_all()

        assert not SalesCycle.objects.exists()
        assert not EventDelivery.objects.exclude(state="done").exists()


class TestALeadEnteredByHand:
    def test_belongs_to_the_rep_who_entered_it_and_no_clock_runs(self, rep: User) -> None:
        make_funnel()

        lead = create_lead({"first_name": "Charlie"}, at=NOON, user=rep, actor=rep)
        pump.run_all()

        lead.refresh_from_db()
        assert lead.owner == rep
        assert Assignment.objects.get().cause == "created"
        assert not ResponseClock.objects.exists()

    def test_by_a_marketer_waits_in_a_queue(self) -> None:
        make_funnel()

        lead = create_lead({"first_name": "Bob"}, at=NOON, user=UserFactory(role=Role.MARKETER))
        pump.run_all()

        lead.refresh_from_db()
        assert lead.owner is None
        assert lead.team is not None


class TestMoveToStage:
    def test_writes_the_ledger_the_timeline_and_the_event(self, rep: User) -> None:
        lead = open_lead()

        transition = actions.move_to_stage(lead.pk, to="proposal", at=LATER, actor=rep)

        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.stage.key, lead.stage_entered_at) == ("proposal", LATER)
        assert transition is not None
        assert transition.seconds_in_from == 3 * 3600
        assert (transition.actor, transition.cause) == (rep, "manual")
        assert Activity.objects.filter(type="stage_changed", user=rep).count() == 1
        assert DomainEvent.objects.filter(name="lead.stage_changed").count() == 2

    def test_where_it_stands_already_is_no_move(self) -> None:
        lead = open_lead()

        assert actions.move_to_stage(lead.pk, to="new", at=LATER) is None
        assert Transition.objects.count() == 1

    def test_a_card_a_colleague_moved_is_not_moved_again(self, rep: User) -> None:
        lead = open_lead()
        actions.move_to_stage(lead.pk, to="proposal", at=LATER, actor=rep)

        with pytest.raises(actions.MovedMeanwhile, match="Alice Adams moved this lead to"):
            actions.move_to_stage(lead.pk, to="sql", expected_stage="new", at=LATER)

    def test_an_unknown_stage_is_named_with_the_known_ones(self) -> None:
        lead = open_lead()

        with pytest.raises(Invalid, match="There is no stage “won-big”"):
            actions.move_to_stage(lead.pk, to="won-big", at=LATER)

    def test_many_at_once_each_with_its_result(self) -> None:
        closed, open_ = open_lead(), open_lead()
        actions.move_to_stage(closed.pk, to="won", amount=Decimal(0), at=LATER)

        results = actions.bulk_move([closed.pk, open_.pk], to="sql", at=LATER)

        assert [result.ok for result in results] == [False, True]
        assert "Reopen it first" in results[0].message


class TestClosing:
    def test_lost_needs_a_reason(self) -> None:
        lead = open_lead()

        with pytest.raises(Invalid, match="Say why it was lost"):
            actions.move_to_stage(lead.pk, to="lost", at=LATER)

    def test_other_needs_a_note(self) -> None:
        lead = open_lead()

        with pytest.raises(Invalid, match="“Other” needs a note"):
            actions.move_to_stage(lead.pk, to="lost", reason="other", at=LATER)

    def test_lost_ends_the_cycle_and_the_clock(self, rep: User) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=rep, at=NOON)

        actions.move_to_stage(lead.pk, to="lost", reason="no_budget", at=LATER, actor=rep)

        lead.refresh_from_db()
        cycle = cycle_of(lead)
        assert (cycle.outcome, cycle.closed_at, cycle.owner_at_close) == ("lost", LATER, rep)
        assert cycle.clock.cancelled_at == LATER
        assert (lead.status, lead.response_due_at) == (Status.LOST, None)
        assert DomainEvent.objects.filter(name="cycle.closed").count() == 1

    def test_winning_makes_a_customer_and_wins_the_open_deals(self) -> None:
        lead = open_lead()
        deal = actions.create_deal(lead.pk, amount=Decimal(900), at=NOON)

        actions.move_to_stage(lead.pk, to="won", amount=Decimal(0), at=LATER)

        lead.refresh_from_db()
        deal.refresh_from_db()
        assert (lead.lifecycle, lead.status) == (Lifecycle.CUSTOMER, Status.WON)
        assert (deal.state, deal.closed_at) == (Deal.State.WON, LATER)

    def test_winning_with_an_amount_makes_the_deal(self) -> None:
        lead = open_lead(company_name="Kestrel Logistics")

        actions.move_to_stage(lead.pk, to="won", amount=Decimal("18400"), at=LATER)

        deal = Deal.objects.get()
        assert (deal.amount, deal.state) == (Decimal("18400"), Deal.State.WON)

    def test_a_closed_lead_must_be_reopened_before_it_moves(self) -> None:
        lead = open_lead()
        actions.move_to_stage(lead.pk, to="won", amount=Decimal(0), at=LATER)

        with pytest.raises(actions.AlreadyClosed, match="closed as “Won”"):
            actions.move_to_stage(lead.pk, to="sql", at=LATER)

    def test_reopening_puts_it_back_where_it_stood(self) -> None:
        lead = open_lead()
        actions.create_deal(lead.pk, amount=Decimal(900), at=NOON)
        actions.move_to_stage(lead.pk, to="proposal", at=LATER)
        actions.move_to_stage(lead.pk, to="lost", reason="price", at=LATER)

        actions.reopen_cycle(lead.pk, at=LATER)

        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.stage.key, cycle_of(lead).outcome) == ("proposal", "")
        assert Deal.objects.get().state == Deal.State.OPEN
        with pytest.raises(actions.NothingToReopen):
            actions.reopen_cycle(lead.pk, at=LATER)


class TestQualification:
    def test_moves_the_stage_forward_and_never_back(self) -> None:
        lead = open_lead()
        actions.move_to_stage(lead.pk, to="proposal", at=NOON)

        actions.qualify(lead.pk, kind="mql", at=LATER)

        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.stage.key, lead.lifecycle) == ("proposal", Lifecycle.MQL)
        assert cycle_of(lead).mql_at == NOON  # moved past it before its score said so

    def test_sales_qualified_counts_as_marketing_qualified(self) -> None:
        lead = open_lead()

        assert actions.qualify(lead.pk, kind="sql", at=LATER)

        cycle = cycle_of(lead)
        assert (cycle.mql_at, cycle.sql_at) == (LATER, LATER)

    def test_a_lost_lead_that_qualifies_for_sales_begins_a_new_cycle(self) -> None:
        lead = open_lead()
        actions.move_to_stage(lead.pk, to="lost", reason="timing", at=NOON)

        assert not actions.qualify(lead.pk, kind="mql", at=LATER)
        assert actions.qualify(lead.pk, kind="sql", at=LATER)

        assert cycle_of(lead).number == 2
        assert Lead.objects.get().stage.key == "sql"

    def test_rejected_by_sales_it_goes_back_to_marketing_with_the_reason(self, rep: User) -> None:
        lead = open_lead()
        actions.qualify(lead.pk, kind="sql", at=NOON)

        actions.reject(lead.pk, user=rep, reason="A student writing a thesis", at=LATER)

        lead.refresh_from_db()
        assert lead.stage is not None
        assert (lead.stage.key, lead.lifecycle, lead.status) == ("mql", "mql", "nurturing")
        assert cycle_of(lead).rejected_reason == "A student writing a thesis"
