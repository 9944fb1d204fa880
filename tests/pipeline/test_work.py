from datetime import timedelta
from decimal import Decimal

import pytest

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid
from leads.models import Activity, Lead, Lifecycle
from pipeline import actions, queries
from pipeline.models import Task
from tests.factories import NOON, UserFactory
from tests.pipeline.factories import open_lead

pytestmark = pytest.mark.django_db

TOMORROW = NOON + timedelta(days=1)
NEXT_WEEK = NOON + timedelta(days=7)


@pytest.fixture
def rep() -> User:
    return UserFactory(name="Alice Adams")


@pytest.fixture
def lead(rep: User) -> Lead:
    lead = open_lead()
    actions.assign(lead.pk, owner=rep, at=NOON)
    return lead


def next_step(lead: Lead) -> object:
    lead.refresh_from_db()
    return lead.next_step_at


class TestTasks:
    def test_belong_to_the_leads_owner_unless_said_otherwise(self, lead: Lead, rep: User) -> None:
        assert actions.create_task(lead.pk, title="Call back", at=NOON).assignee == rep

    def test_the_earliest_open_one_is_the_next_step(self, lead: Lead) -> None:
        actions.create_task(lead.pk, title="Quote", due_at=NEXT_WEEK, at=NOON)
        call = actions.create_task(lead.pk, title="Call", due_at=TOMORROW, at=NOON)
        assert next_step(lead) == TOMORROW

        actions.snooze_task(call.pk, until=NOON + timedelta(days=3), at=NOON)
        assert next_step(lead) == NOON + timedelta(days=3)

        actions.complete_task(call.pk, user=None, at=NOON)
        assert next_step(lead) == NEXT_WEEK

        actions.reopen_task(call.pk)
        actions.update_task(call.pk, due_at=TOMORROW)
        assert next_step(lead) == TOMORROW

    def test_without_open_tasks_there_is_no_next_step(self, lead: Lead) -> None:
        task = actions.create_task(lead.pk, title="Call", due_at=TOMORROW, at=NOON)

        actions.complete_task(task.pk, user=None, at=NOON)

        assert next_step(lead) is None

    def test_are_done_once_and_on_the_timeline(self, lead: Lead, rep: User) -> None:
        task = actions.create_task(lead.pk, title="Send the quote", at=NOON)

        actions.complete_task(task.pk, user=rep, at=NOON, outcome="Sent")

        assert Activity.objects.get(type="task_done").properties["outcome"] == "Sent"
        with pytest.raises(actions.TaskDone):
            actions.complete_task(task.pk, user=rep, at=NOON)

    def test_snoozed_ones_are_out_of_sight_until_then(self, lead: Lead, rep: User) -> None:
        task = actions.create_task(lead.pk, title="Call", due_at=NOON, at=NOON)

        actions.snooze_task(task.pk, until=TOMORROW, at=NOON)

        assert list(queries.to_do(rep, at=NOON)) == []
        assert list(queries.snoozed(rep, at=NOON)) == [task]
        assert list(queries.to_do(rep, at=TOMORROW)) == [task]

    @pytest.mark.parametrize(
        ("fields", "field"), [({"title": " "}, "title"), ({"title": "x", "kind": "fax"}, "kind")]
    )
    def test_need_a_title_and_a_known_kind(
        self, lead: Lead, fields: dict[str, str], field: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            actions.create_task(lead.pk, at=NOON, **fields)

        assert refused.value.errors[0].field == field

    def test_cannot_be_snoozed_into_the_past(self, lead: Lead) -> None:
        task = actions.create_task(lead.pk, title="Call", at=NOON)

        with pytest.raises(Invalid, match="in the future"):
            actions.snooze_task(task.pk, until=NOON, at=NOON)


class TestLogging:
    def test_a_call_with_its_follow_up(self, lead: Lead, rep: User) -> None:
        actions.log_call(
            lead.pk,
            user=rep,
            outcome="voicemail",
            note="Try after four",
            at=NOON,
            follow_up=actions.FollowUp(title="Call again", due_at=TOMORROW, kind="call"),
        )

        call = Activity.objects.get(type="call_attempt")
        assert call.properties == {"outcome": "voicemail", "note": "Try after four"}
        task = Task.objects.get()
        assert (task.title, task.kind, task.assignee) == ("Call again", "call", rep)
        assert next_step(lead) == TOMORROW

    def test_a_call_of_theirs_and_meetings(self, lead: Lead, rep: User) -> None:
        actions.log_call(lead.pk, user=rep, outcome="connected", inbound=True, at=NOON)
        actions.log_meeting(lead.pk, user=rep, at=NOON, starts_at=TOMORROW)
        actions.log_meeting(lead.pk, user=rep, at=TOMORROW, outcome="no_show")

        meeting = Task.objects.get(kind="meeting")
        assert (meeting.due_at, next_step(lead)) == (TOMORROW, TOMORROW)
        types = Activity.objects.filter(user=rep, type__startswith="meeting")
        assert {a.type for a in types} == {"meeting_booked", "meeting_no_show"}
        assert Activity.objects.filter(type="call_inbound").exists()

    def test_an_unknown_outcome_is_refused_with_the_known_ones(self, lead: Lead, rep: User) -> None:
        with pytest.raises(Invalid, match="connected, no_answer, voicemail"):
            actions.log_call(lead.pk, user=rep, outcome="hung_up", at=NOON)

        assert not Activity.objects.filter(type__startswith="call").exists()


class TestDeals:
    def test_make_the_lead_an_opportunity(self, lead: Lead) -> None:
        deal = actions.create_deal(lead.pk, amount=Decimal(18400), at=NOON)

        lead.refresh_from_db()
        assert lead.lifecycle == Lifecycle.OPPORTUNITY
        assert (deal.currency, deal.name) == ("EUR", lead.company_name)

    def test_belong_to_an_open_cycle(self, lead: Lead) -> None:
        actions.move_to_stage(lead.pk, to="won", amount=Decimal(0), at=NOON)

        with pytest.raises(actions.NoOpenCycle):
            actions.create_deal(lead.pk, amount=Decimal(1), at=NOON)

    def test_every_value_that_cannot_be_meant_is_named(self, lead: Lead) -> None:
        with pytest.raises(Invalid) as refused:
            actions.create_deal(
                lead.pk, amount=Decimal(-1), currency="euro", probability=120, at=NOON
            )

        fields = [error.field for error in refused.value.errors]
        assert fields == ["amount", "currency", "probability"]
