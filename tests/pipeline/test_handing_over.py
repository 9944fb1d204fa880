"""Leads change hands when somebody leaves or is away, and everybody can explain it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts import availability
from leadcrm.accounts.models import Absence, Notification, Role, User
from leadcrm.lib import pump
from leads.models import Lead
from pipeline import actions, queries
from pipeline.models import Assignment, CoverShift, PoolMember, Task
from tests.conftest import Mailbox
from tests.factories import NOON, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Adams")


@pytest.fixture
def bob() -> User:
    return UserFactory(name="Bob Brown")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(UserFactory(name="Ada", role=Role.ADMIN))
    return client


def causes(lead: Lead) -> list[tuple[str, str]]:
    rows = Assignment.objects.filter(lead=lead).select_related("owner").order_by("pk")
    return [(row.cause, row.owner.name if row.owner else "") for row in rows]


class TestSomebodyLeaves:
    def test_deactivating_asks_first_what_becomes_of_their_leads(
        self, admin: Client, alice: User
    ) -> None:
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)
        actions.create_task(lead.pk, at=NOON, assignee=alice, title="Call")
        page = f"/settings/people/{alice.public_id}/"

        answer = admin.post(f"{page}active/", {"active": "no"})
        asked = admin.get(f"{page}leave/").content.decode()

        alice.refresh_from_db()
        assert answer.headers["Location"] == f"{page}leave/"
        assert alice.is_active
        assert "open leads" in asked
        assert "open tasks" in asked

    def test_one_colleague_takes_everything_with_a_note(
        self, admin: Client, alice: User, bob: User, mailbox: Mailbox
    ) -> None:
        leads = [open_lead(), open_lead()]
        for lead in leads:
            actions.assign(lead.pk, owner=alice, at=NOON)
        task = actions.create_task(leads[0].pk, at=NOON, assignee=alice, title="Call")
        make_pool(alice)

        admin.post(
            f"/settings/people/{alice.public_id}/leave/",
            {"to": "person", "successor": bob.public_id, "note": "Both want a demo."},
        )
        pump.run_all()

        alice.refresh_from_db()
        task.refresh_from_db()
        assert not alice.is_active
        assert set(Lead.objects.filter(owner=bob)) == set(leads)
        assert task.assignee == bob
        assert causes(leads[0])[-1] == ("left", "Bob Brown")
        assert Assignment.objects.get(lead=leads[0], to_at=None).note == "Both want a demo."
        assert not PoolMember.objects.filter(user=alice).exists()
        assert Notification.objects.filter(user=bob, kind="assigned").count() == 1

    def test_the_rules_give_them_out_again(self, admin: Client, alice: User, bob: User) -> None:
        publish_rules(pool_rule(make_pool(alice, bob)))
        lead = open_lead()
        actions.assign(lead.pk, owner=alice, at=NOON)
        task = actions.create_task(lead.pk, at=NOON, assignee=alice, title="Call")

        admin.post(f"/settings/people/{alice.public_id}/leave/", {"to": "rules"})
        pump.run_all()

        lead.refresh_from_db()
        task.refresh_from_db()
        assert lead.owner == bob
        assert task.assignee == bob
        assert [cause for cause, _ in causes(lead)][-2:] == ["left", "drained"]
        assert not queries.breaches()

    def test_who_leaves_cannot_take_over_from_themselves(self, admin: Client, alice: User) -> None:
        answer = admin.post(f"/settings/people/{alice.public_id}/leave/", {"to": "person"})

        alice.refresh_from_db()
        assert answer.status_code == 422
        assert "Choose who takes over" in answer.content.decode()
        assert alice.is_active


class TestSomebodyIsAway:
    def test_their_open_leads_go_to_the_cover_and_come_back(self, alice: User, bob: User) -> None:
        now = timezone.now()
        lead, taken = open_lead(at=now), open_lead(at=now)
        for each in (lead, taken):
            actions.assign(each.pk, owner=alice, at=now)
        today = now.astimezone(alice.zone).date()

        absence = availability.add_absence(
            alice, first_day=today, last_day=today, cover=bob, moves_leads=True, at=now
        )
        pump.run_all()
        lead.refresh_from_db()
        during = lead.owner
        third = UserFactory()
        actions.assign(taken.pk, owner=third, at=timezone.now())
        Absence.objects.filter(pk=absence.pk).update(
            first_day=today - timedelta(days=3), last_day=today - timedelta(days=1)
        )
        CoverShift.objects.update(due_at=now)
        pump.run_all()

        lead.refresh_from_db()
        taken.refresh_from_db()
        assert during == bob
        assert lead.owner == alice
        assert taken.owner == third
        assert [cause for cause, _ in causes(lead)][-2:] == ["cover", "returned"]

    def test_coming_back_early_brings_them_back_at_once(self, alice: User, bob: User) -> None:
        now = timezone.now()
        lead = open_lead(at=now)
        actions.assign(lead.pk, owner=alice, at=now)
        today = now.astimezone(alice.zone).date()
        absence = availability.add_absence(
            alice,
            first_day=today,
            last_day=today + timedelta(days=9),
            cover=bob,
            moves_leads=True,
            at=now,
        )
        pump.run_all()

        availability.end_absence(absence, at=timezone.now())
        pump.run_all()

        lead.refresh_from_db()
        assert lead.owner == alice


class TestExplanation:
    def test_an_owner_that_no_ledger_explains_is_a_breach(self, alice: User) -> None:
        lead = open_lead()
        Lead.objects.filter(pk=lead.pk).update(owner=alice)

        found = queries.breaches()

        assert found["The owner is the one of the current assignment"] == [lead.public_id]

    def test_open_tasks_nobody_had_go_with_the_lead(self, alice: User) -> None:
        lead = open_lead()
        actions.create_task(lead.pk, at=NOON, title="Call")
        Task.objects.update(assignee=None)

        actions.assign(lead.pk, owner=alice, at=NOON)

        assert Task.objects.get().assignee == alice
